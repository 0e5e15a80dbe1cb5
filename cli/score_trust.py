"""`score agreement/export`: how far scores can be trusted, and taking them elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._bars import signed
from cli._context import settings
from cli._output import Json, listing, print_json, print_report, show, unicode_output
from guided_store.wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from guided_store.scoring import AgreementReport, AttributeAgreement

Schema = Annotated[
    str | None,
    typer.Option(
        metavar="SCHEMA",
        help="A bundled schema, or a TOML file; by default what the run or version was scored on.",
        show_default=False,
    ),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands of this module to the group `score`."""
    group.command()(agreement)
    group.command()(export)


def agreement(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Runs, guided/NAME, or files of scores (.csv, .tsv, .parquet); one run alone: its repeats.",
        ),
    ],
    schema: Schema = None,
    worst: Annotated[int, typer.Option(min=0, metavar="N", help="Items that differ most to show.")] = 20,
    as_json: Json = False,
) -> None:
    """How far two or more scorings of the same items agree.

    Items are joined by id. Sources can correlate and yet differ: read r beside ICC, alpha and bias. Files
    need no store; films/scores.csv and films/scores-second-run.csv come with the package.
    """
    from guided_store.attributes import load_schema
    from guided_store.scoring import agreement as compare
    from guided_store.scoring import source_kind

    asked = None if schema is None else load_schema(schema)
    if all(source_kind(source) == "file" for source in sources):
        report = compare(None, sources, schema=asked, worst=worst)
    else:
        with settings(ctx).open() as store:
            report = compare(store, sources, schema=asked, worst=worst)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)


def export(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="RUN", help="A run, or guided/NAME.")],
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write: .csv, .tsv or .parquet.", show_default=False)
    ],
    schema: Schema = None,
    as_json: Json = False,
) -> None:
    """Write the scores of a run to a file that `score import` reads back to the same values."""
    from guided_store.attributes import load_schema
    from guided_store.scoring import export_scores

    asked = None if schema is None else load_schema(schema)
    with settings(ctx).open() as store:
        report = export_scores(store, source, out, schema=asked)
    print_report(report, as_json)


def _print(report: AgreementReport) -> None:
    low, high = report.scale
    show(f"{report.schema}, scale {low:g} to {high:g}")
    for number, source in enumerate(report.sources, start=1):
        show(f"{number}. {source.name}: {counted(source.items, 'item')}")
    show("", _attributes(report), "")
    show(_legend(len(report.sources) > 2))
    for row in report.attributes:
        if row.reason is not None:
            show(f"{row.attribute}: {row.reason}")
    if report.worst:
        show("", "items that differ most (mean absolute difference, and where most):", _worst(report))


def _attributes(report: AgreementReport) -> RenderableType:
    columns = ("attribute", "items", "r", "ICC", "alpha", "|diff|", "bias")
    rows = [_cells(row.attribute, row) for row in report.attributes]
    rows.append(_cells(f"mean of {len(report.attributes)}", report.overall))
    return listing(columns, rows, right=columns[1:])


def _legend(several: bool) -> str:
    pairs = ", mean over the pairs" if several else ""
    bias = "furthest from 1 of the others, minus 1" if several else "2 minus 1"
    return (
        f"r: Pearson{pairs}; ICC: ICC(A,1), absolute agreement of single scores; alpha: Krippendorff's, "
        f"interval; |diff|: mean absolute difference{pairs}; bias: {bias}"
    )


def _cells(name: str, row: AttributeAgreement) -> Sequence[str]:
    figures = (row.pearson, row.icc, row.alpha, row.difference)
    shown = ("-" if math.isnan(value) else f"{value:.2f}" for value in figures)
    bias = "-" if math.isnan(row.bias) else signed(row.bias, blocks=unicode_output())
    return (name, f"{row.items:,}", *shown, bias)


def _worst(report: AgreementReport) -> RenderableType:
    numbers = [str(number) for number in range(1, len(report.sources) + 1)]
    rows = [
        (
            item.item_id,
            item.title,
            f"{item.difference:.2f}",
            item.attribute,
            *("-" if value is None else f"{value:.3g}" for value in item.values),
        )
        for item in report.worst
    ]
    return listing(("item", "title", "|diff|", "most on", *numbers), rows, right=("|diff|", *numbers))
