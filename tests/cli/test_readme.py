"""The README's commands parse, its Python runs, and its table names every command."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.demo import MOVIELENS
from cli.main import app

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\$ (guided-store .*)$", README, re.M) + re.findall(
    r"^  (guided-store .*)$", MOVIELENS, re.M
)


def parse(arguments: list[str]) -> None:
    """Parse as the command line would, down to the last command, and run nothing."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("guided-store", list(arguments))
    while hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, command, left = command.resolve_command(context, rest)
        context = command.make_context(name, left, parent=context)


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_parses(line: str) -> None:
    parse(shlex.split(line)[1:])


def test_the_parser_of_this_test_refuses_what_is_wrong() -> None:
    for line in ("recommend 1 --wait 3", "train", "nothing", "ingest nothing"):
        with pytest.raises((typer.TyperException, typer.Exit)):
            parse(line.split())


def test_the_five_lines_of_python(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 5
    for there, here in (
        ('"ml-1m"', repr(str(trained))),
        ("refined/films", "refined/r"),
        ("42", "simulated-0007"),
    ):
        assert there in code
        code = code.replace(there, here)
    exec(compile(code, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 10


def test_the_table_names_every_command() -> None:
    table = README[README.index("## Commands") : README.index("## Limits")]
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        assert f"`{name}" in table, name
        for inner in getattr(command, "commands", {}):
            assert re.search(rf"`({name} )?{inner}`", table), f"{name} {inner}"
