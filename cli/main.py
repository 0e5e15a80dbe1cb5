"""`guided-store [--store URI] COMMAND`: the commands, and the options that come before them."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from cli import (
    attributes,
    build,
    compare,
    demo,
    evaluate,
    index,
    ingest,
    recommend,
    reproduce,
    score,
    start,
    train,
    versions,
)
from cli._app import RootGroup
from cli._context import DEFAULT_STORE, Settings

app = typer.Typer(
    name="guided-store",
    cls=RootGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="First steps: guided-store demo",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"guided-store {version('guided-store')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            envvar="GUIDED_STORE",
            help=f"The store; by default {DEFAULT_STORE}/ here.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")] = False,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for another writer.")
    ] = 0.0,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Recommendations that explain themselves: an embedding store guided by attributes that an LLM scored."""
    ctx.obj = Settings(uri=store or DEFAULT_STORE, named=store is not None, quiet=quiet, wait=wait)


for group in (
    demo,
    start,
    ingest,
    attributes,
    score,
    build,
    train,
    index,
    recommend,
    evaluate,
    compare,
    reproduce,
    versions,
):
    group.add_to(app)


def main() -> None:
    """Entry point of the console script."""
    # A title may hold letters that the terminal's encoding lacks: they are shown as \\u escapes.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
