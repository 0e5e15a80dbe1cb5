"""The root command and groups of commands: plain help, sections, and errors turned into sentences."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from cli._errors import reported

BEFORE_COMMAND = ("--store", "--quiet", "-q", "--wait")
"""Options of the root, which the parser takes before the command only."""

SECTIONS = ("Start", "Catalogue", "Attributes and scores", "Embeddings", "Index", "Recommend", "Judge")
"""Sections of the root's help, in the order of work."""


def command_group(help: str) -> typer.Typer:
    """A group of commands. Help is plain text: drawing it with rich would double the cost of `--help`."""
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=help)


class RootGroup(TyperGroup):
    """Lists commands in sections; whatever a command raises ends in its sentence and exit code."""

    def invoke(self, ctx: Any) -> Any:
        with reported():
            try:
                return super().invoke(ctx)
            except typer.TyperException as error:
                # The parser's error for an unknown option has no public name: it is known by what it carries.
                if getattr(error, "option_name", None) in BEFORE_COMMAND and hasattr(error, "possibilities"):
                    _say_where(error)
                raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section of commands after the other."""
        limit = formatter.width - 6 - max(len(name) for name in self.commands)
        for title in SECTIONS:
            members = [
                (name, command.get_short_help_str(limit))
                for name, command in self.commands.items()
                if getattr(command, "rich_help_panel", None) == title
            ]
            with formatter.section(title):
                formatter.write_dl(members, col_max=16)


def _say_where(error: Any) -> None:
    """Tell who gives an option of the root to a command where it goes."""
    option = error.option_name
    value = {"--store": " FOLDER", "--wait": " SECONDS"}.get(option, "")
    error.message = f"{option} goes before the command: guided-store {option}{value} COMMAND ..."
    error.possibilities = None
