"""`ingest interactions/items/users/movielens`: take files into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._app import command_group
from cli._context import settings
from cli._options import names
from cli._output import Json, print_report, print_reports

if TYPE_CHECKING:
    from guided_store.catalogue import FileFormat, IngestOptions

group = command_group("Take in interactions, items and users from files.")


OnError = Literal["fail", "skip"]
Duplicates = Literal["keep-all", "first", "last"]
FillTime = Literal["neighbours"]
TimeUnit = Literal["s", "ms", "us", "ns"]
Kind = Literal["csv", "parquet", "jsonl"]

_FILE, _ROWS = "The file", "Which rows"

Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="CSV, Parquet or JSON lines, read as one.", show_default=False),
]
Format = Annotated[
    Kind | None, typer.Option("--format", help="By default from the file's name.", rich_help_panel=_FILE)
]
Delimiter = Annotated[
    str | None,
    typer.Option(help="Between CSV fields; '\\t' is a tab. By default found out.", rich_help_panel=_FILE),
]
Header = Annotated[
    bool, typer.Option(help="Without one, columns are called 1, 2, ...", rich_help_panel=_FILE)
]
Names = Annotated[
    str | None,
    typer.Option(
        "--names", metavar="NAME,...", help="Columns of a CSV file without a header.", rich_help_panel=_FILE
    ),
]
Quotes = Annotated[
    bool,
    typer.Option("--quotes/--no-quotes", help="Whether CSV fields may be quoted.", rich_help_panel=_FILE),
]
Encoding = Annotated[str, typer.Option(help="Of a CSV file.", rich_help_panel=_FILE)]
SkipErrors = Annotated[
    OnError, typer.Option("--on-error", help="For rows that cannot be read.", rich_help_panel=_ROWS)
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Start the table anew instead of adding.", rich_help_panel=_ROWS)
]
KCore = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Both minimums: users and items with so many events, again and again.",
        rich_help_panel=_ROWS,
    ),
]
MinUser = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Fewest events a user.", rich_help_panel=_ROWS),
]
MinItem = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Fewest events an item.", rich_help_panel=_ROWS),
]
MinWeight = Annotated[
    float | None, typer.Option(help="Leave out events of lower weight.", rich_help_panel=_ROWS)
]
RepeatedEvents = Annotated[
    Duplicates,
    typer.Option("--duplicates", help="Repeated events of a user on one item.", rich_help_panel=_ROWS),
]
Fill = Annotated[
    FillTime | None,
    typer.Option(
        "--fill-time",
        help="A missing time is taken from the user's previous event that has one, else from the next.",
        rich_help_panel=_ROWS,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="ingest", rich_help_panel="Catalogue")


@group.command()
def interactions(
    ctx: typer.Context,
    files: Files,
    user: Annotated[str | None, typer.Option(metavar="COLUMN", help="User id.")] = None,
    item: Annotated[str | None, typer.Option(metavar="COLUMN", help="Item id.")] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="Time of the event.")] = None,
    time_unit: Annotated[TimeUnit | None, typer.Option(help="Of numeric times.")] = None,
    order: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Order within a user, where times lack or tie.")
    ] = None,
    weight: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="A number per event, a rating.")
    ] = None,
    k_core: KCore = None,
    min_user_events: MinUser = None,
    min_item_events: MinItem = None,
    min_weight: MinWeight = None,
    duplicates: RepeatedEvents = "keep-all",
    fill_time: Fill = None,
    on_error: SkipErrors = "fail",
    replace: Replace = False,
    format: Format = None,
    delimiter: Delimiter = None,
    header: Header = True,
    column_names: Names = None,
    quotes: Quotes = True,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Who met which item when, from CSV, Parquet or JSON lines.

    Columns that are not named are guessed among common names; the report says what was taken. Events that are
    in the store already are not added twice.
    """
    from guided_store.catalogue import InteractionLayout, ingest_interactions

    options = _options(
        k_core, min_user_events, min_item_events, min_weight, duplicates, fill_time, on_error, replace
    )
    layout = InteractionLayout(
        user=user,
        item=item,
        time=time,
        order=order,
        weight=weight,
        time_unit=time_unit,
        file=_file(format, delimiter, header, column_names, quotes, encoding),
    )
    chosen = settings(ctx)
    with chosen.open_or_create() as store:
        report = ingest_interactions(store, files, layout, options, chosen.progress())
    print_report(report, as_json)


@group.command()
def items(
    ctx: typer.Context,
    files: Files,
    item: Annotated[str | None, typer.Option(metavar="COLUMN", help="Item id.")] = None,
    title: Annotated[str | None, typer.Option(metavar="COLUMN", help="Title.")] = None,
    text: Annotated[
        str | None,
        typer.Option(metavar="COLUMN,...", help="Columns that together describe an item; '' for none."),
    ] = None,
    split_year: Annotated[
        bool | None,
        typer.Option("--split-year/--keep-year", help="Take the year out of titles like 'Heat (1995)'."),
    ] = None,
    on_error: SkipErrors = "fail",
    replace: Replace = False,
    format: Format = None,
    delimiter: Delimiter = None,
    header: Header = True,
    column_names: Names = None,
    quotes: Quotes = True,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """What the items are, from CSV, Parquet or JSON lines.

    An item that is known already is updated. Columns that are not named here are kept as they are.
    """
    from guided_store.catalogue import IngestOptions, ItemLayout, ingest_items

    layout = ItemLayout(
        item_id=item,
        title=title,
        text=None if text is None else names(text),
        split_year=split_year,
        file=_file(format, delimiter, header, column_names, quotes, encoding),
    )
    chosen = settings(ctx)
    with chosen.open_or_create() as store:
        report = ingest_items(
            store, files, layout, IngestOptions(on_error=on_error, replace=replace), chosen.progress()
        )
    print_report(report, as_json)


@group.command()
def users(
    ctx: typer.Context,
    files: Files,
    user: Annotated[str | None, typer.Option(metavar="COLUMN", help="User id.")] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="COLUMN,...", help="Group columns to keep; all by default.")
    ] = None,
    on_error: SkipErrors = "fail",
    replace: Replace = False,
    format: Format = None,
    delimiter: Delimiter = None,
    header: Header = True,
    column_names: Names = None,
    quotes: Quotes = True,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Which groups users belong to, for fairness checks."""
    from guided_store.catalogue import IngestOptions, UserLayout, ingest_users

    layout = UserLayout(
        user=user,
        columns=None if columns is None else names(columns),
        file=_file(format, delimiter, header, column_names, quotes, encoding),
    )
    chosen = settings(ctx)
    with chosen.open_or_create() as store:
        report = ingest_users(
            store, files, layout, IngestOptions(on_error=on_error, replace=replace), chosen.progress()
        )
    print_report(report, as_json)


@group.command()
def movielens(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="An unpacked MovieLens download.")],
    k_core: KCore = None,
    min_user_events: MinUser = None,
    min_item_events: MinItem = None,
    min_weight: MinWeight = None,
    duplicates: RepeatedEvents = "keep-all",
    fill_time: Fill = None,
    on_error: SkipErrors = "fail",
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """A MovieLens folder (100K to 32M), whichever layout it has."""
    from guided_store.catalogue import ingest_movielens

    options = _options(
        k_core, min_user_events, min_item_events, min_weight, duplicates, fill_time, on_error, replace
    )
    chosen = settings(ctx)
    with chosen.open_or_create() as store:
        reports = ingest_movielens(store, folder, options, chosen.progress())
    print_reports(reports, as_json)


@group.command("folder")
def folder_(
    ctx: typer.Context,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Has interactions.parquet, .csv or .jsonl; also items.* and users.*."
        ),
    ],
    k_core: KCore = None,
    min_user_events: MinUser = None,
    min_item_events: MinItem = None,
    min_weight: MinWeight = None,
    duplicates: RepeatedEvents = "keep-all",
    fill_time: Fill = None,
    on_error: SkipErrors = "fail",
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """A folder of tables: interactions, and items and users where there."""
    from guided_store.catalogue import ingest_folder

    options = _options(
        k_core, min_user_events, min_item_events, min_weight, duplicates, fill_time, on_error, replace
    )
    chosen = settings(ctx)
    with chosen.open_or_create() as store:
        reports = ingest_folder(store, folder, options, chosen.progress())
    print_reports(reports, as_json)


def _options(
    k_core: int | None,
    min_user_events: int | None,
    min_item_events: int | None,
    min_weight: float | None,
    duplicates: Duplicates,
    fill_time: FillTime | None,
    on_error: OnError,
    replace: bool,
) -> IngestOptions:
    from guided_store.catalogue import IngestOptions

    return IngestOptions(
        on_error=on_error,
        fill_time=fill_time,
        min_user_events=_first(min_user_events, k_core),
        min_item_events=_first(min_item_events, k_core),
        min_weight=min_weight,
        duplicates=duplicates,
        replace=replace,
    )


def _first(own: int | None, core: int | None) -> int:
    return own if own is not None else core or 0


def _file(
    kind: Kind | None,
    delimiter: str | None,
    header: bool,
    column_names: str | None,
    quotes: bool,
    encoding: str,
) -> FileFormat:
    from guided_store.catalogue import FileFormat

    # A shell does not turn \t into a tab.
    return FileFormat(
        kind=kind,
        delimiter="\t" if delimiter in {"\\t", "tab"} else delimiter,
        header=header and column_names is None,
        names=() if column_names is None else names(column_names),
        quoting=quotes,
        encoding=encoding,
    )
