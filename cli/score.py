"""`score`: the group, and `score import` for scores that were made elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli import score_batch, score_run, score_status, score_trust
from cli._app import command_group
from cli._context import settings
from cli._options import As, names
from cli._output import Json, print_report

group = command_group("Attribute scores of the items.")

_COLUMNS = "Columns of the file"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="score", rich_help_panel="Attributes and scores")


score_run.add_to(group)
score_status.add_to(group)
score_trust.add_to(group)
score_batch.add_to(group)


@group.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="CSV, TSV or Parquet, one row an item; or films, the bundled scores."
        ),
    ],
    schema: Annotated[str, typer.Option(metavar="SCHEMA", help="A bundled schema, or a TOML file.")],
    as_name: As,
    match: Annotated[
        str, typer.Option(metavar="item_id|title,year|title", help="How rows find their items.")
    ] = "item_id",
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Accept scores for less than 80 % of the items."),
    ] = False,
    on_error: Annotated[Literal["fail", "skip"], typer.Option(help="For rows that cannot be read.")] = "fail",
    item: Annotated[str, typer.Option(metavar="COLUMN", rich_help_panel=_COLUMNS)] = "item_id",
    title: Annotated[str, typer.Option(metavar="COLUMN", rich_help_panel=_COLUMNS)] = "title",
    year: Annotated[str, typer.Option(metavar="COLUMN", rich_help_panel=_COLUMNS)] = "year",
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run in the ledger of scores.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Import scores and build the version guided/NAME from them."""
    from guided_store.attributes import load_schema
    from guided_store.scoring import Columns, import_scores

    chosen = settings(ctx)
    with chosen.open(write=True) as store, _scores(file) as path:
        report = import_scores(
            store,
            path,
            load_schema(schema),
            as_name=as_name,
            match=names(match),
            allow_missing=allow_missing,
            on_error=on_error,
            run=run,
            columns=Columns(item_id=item, title=title, year=year),
            progress=chosen.progress(),
        )
    print_report(report, as_json)


@contextmanager
def _scores(named: str) -> Iterator[Path]:
    """The file of that name, or else the scores bundled under it."""
    from importlib import resources

    bundled = resources.files("guided_store") / "data" / named / "scores.csv"
    if "/" in named or Path(named).exists() or not bundled.is_file():
        yield Path(named)
    else:
        with resources.as_file(bundled) as path:
            yield path
