"""`evaluate`: versions, and lists of other systems, on held-out events beside simple baselines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._context import Settings, settings
from cli._errors import describe
from cli._options import At, Repeats, SplitKind, make_split, whole_numbers
from cli._output import Json, console, listing, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    from guided_store.evaluation import Evaluation


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel="Judge")(evaluate)


def evaluate(
    ctx: typer.Context,
    versions: Annotated[
        list[str] | None,
        typer.Argument(metavar="VERSION", help="Versions with an encoder, or aliases."),
    ] = None,
    split: Annotated[SplitKind, typer.Option(help="Which events are held out.")] = "loo",
    at: At = None,
    part: Annotated[Literal["test", "validation"], typer.Option(help="Which held-out events.")] = "test",
    k: Annotated[str, typer.Option("-k", metavar="K,...", help="Cut-offs of Recall and NDCG.")] = "5,10,20",
    repeats: Annotated[
        Repeats | None, typer.Option(help="Whether items of the history may come again; as trained.")
    ] = None,
    baselines: Annotated[bool, typer.Option(help="Simple models in the same table.")] = True,
    recs: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Lists of another system: user_id, item_id, rank or score (Parquet, CSV)."
        ),
    ] = None,
    save: Annotated[bool, typer.Option(help="Keep the figures in the store.")] = True,
    as_json: Json = False,
) -> None:
    """How well versions rank each user's next item.

    MRR, Recall and NDCG over the full ranking of all items, beside simple baselines. The figures are kept in
    the store with a digest of the split.
    """
    from guided_store import evaluation
    from guided_store.catalogue import load_sequences
    from guided_store.encoders import load_scorer, trained_repeats
    from guided_store.errors import UsageError
    from guided_store.versions import resolve

    if split == "none":
        raise UsageError("--split none holds nothing out; evaluate with --split loo or --split time")
    if not versions and not baselines and not recs:
        raise UsageError("there is nothing to evaluate: name a version or --recs, or leave the baselines on")
    chosen = settings(ctx)
    progress = chosen.progress()
    ks = whole_numbers(k, "-k")
    with chosen.open() as store:
        cases = make_split(load_sequences(store), split, at)
        refs = dict.fromkeys(resolve(store, version)[0] for version in versions or ())
        loaded = [load_scorer(store, ref, cases) for ref in refs]
        scorers = [scorer for scorer, _ in loaded]
        repeats = repeats or trained_repeats(store, refs)
        lists = [evaluation.evaluate_recs(path, cases, part, ks, repeats) for path in recs or ()]
        result = evaluation.evaluate(
            cases, scorers, part, ks, repeats, baselines, lists=lists, progress=progress
        )
    warnings = [*(warning for _, found in loaded for warning in found), *result.warnings]
    try:
        if as_json:
            print_json({**result.to_dict(), "warnings": warnings})
        else:
            show_evaluation(result, warnings)
    finally:  # also where the reader of a pipe has seen enough
        if save:
            subject = ", ".join([*(scorer.name for scorer in scorers), *map(str, recs or ())]) or "baselines"
            _keep(chosen, result, subject)


def _keep(chosen: Settings, result: Evaluation, subject: str) -> None:
    """Record the figures in the store; where it cannot be written to, say so, as they are shown already."""
    from guided_store.errors import StoreError, StoreLockedError
    from guided_store.evaluation import record

    try:
        with chosen.open(write=True) as store:
            record(store, result, subject)
    except (OSError, StoreError) as error:
        # LanceDB passes the system's refusals on without their number, and the store as its own error.
        if not isinstance(error, OSError | StoreLockedError) and not isinstance(error.__cause__, OSError):
            raise
        typer.echo(f"warning: the figures were not kept: {describe(error)[0]}", err=True)


def show_evaluation(result: Evaluation, warnings: Sequence[str]) -> None:
    """The table of an evaluation with its notes and warnings."""
    from cli._render import metric_table

    rows = list(result.rows.values())
    show(
        f"{result.split_kind} {result.part}, {counted(result.cases, 'case')}, full ranking, repeats "
        f"{'excluded' if result.repeats == 'exclude' else 'allowed'}, split {result.split_digest[:12]}",
        "",
        metric_table({row.name: row.metrics for row in rows}, width=console().width),
        "",
        "* the best of its column",
        "",
    )
    # A mean over users still moves from one draw of users to the next: say by how much.
    name = next((name for name in ("ndcg@10", "mrr") if name in rows[0].intervals), "mrr")
    lines = [
        (row.name, "{:.4f} to {:.4f}".format(*row.intervals[name]), _chosen(row.parameters)) for row in rows
    ]
    show(listing(("system", f"{name}, 95 % interval", "chosen on validation"), lines), "")
    for row in rows:
        for note in row.notes:
            show(f"note: {row.name}: {note}")
    for note in result.notes:
        show(f"note: {note}")
    for warning in warnings:
        show(f"warning: {warning}")


def _chosen(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
