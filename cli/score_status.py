"""`score status`: how far each run is, what it cost, and what looks wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli._bars import bar
from cli._context import settings
from cli._output import Json, listing, pairs, print_json, show, unicode_output

if TYPE_CHECKING:
    from guided_store.runs import RunStatus


def add_to(group: typer.Typer) -> None:
    """Add the command of this module to the group `score`."""
    group.command()(status)


def status(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only this run.")] = None,
    as_json: Json = False,
) -> None:
    """How far the runs are: done, failed, unknown, left; tokens, cost, and answers that look wrong."""
    from guided_store.runs import run_status

    with settings(ctx).open() as store:
        found = run_status(store, run)
    if as_json:
        print_json([one.to_dict() for one in found])
        return
    if not found:
        show("no run has asked a model yet; begin with `guided-store score run`")
        return
    if len(found) > 1:
        _table(found)
        for one in found:
            if one.suspicious:
                show("", f"{one.run}: some answers look wrong, see `score status --run {one.run}`")
        return
    _one(found[0])


def _table(found: list[RunStatus]) -> None:
    columns = ("run", "model", "done", "failed", "unknown", "in jobs", "left", "spent", "")
    numbers = columns[2:8]
    rows = [
        (
            one.run,
            one.model,
            f"{one.done:,}",
            f"{one.failed:,}",
            f"{one.unknown:,}",
            f"{one.in_batches:,}",
            f"{one.left:,}" if one.purpose == "score" else "",
            _dollars(one.spent),
            "running" if one.running else "a check" if one.purpose == "check" else _about(one),
        )
        for one in found
    ]
    # What is 0 in every run (and no price in any) takes no room from the names.
    used = [
        place
        for place, name in enumerate(columns)
        if name not in ("failed", "unknown", "in jobs", "spent")
        or any(row[place] not in ("0", "") for row in rows)
    ]
    shown = [[row[place] for place in used] for row in rows]
    show(listing([columns[place] for place in used], shown, right=numbers, whole=("run",)))


def _one(one: RunStatus) -> None:
    parts = {
        "done": one.done,
        "failed": one.failed,
        "unknown": one.unknown,
        "in batch jobs": one.in_batches,
        "left": one.left,
    }
    asked = f"{one.items:,} {one.subject}" + (f" x {one.samples} answers" if one.samples > 1 else "")
    show(
        pairs(
            {
                "run": one.run + (", running now" if one.running else ""),
                "model": f"{one.model} ({one.provider})",
                "asked": asked + (f", {one.without_text:,} without text" if one.without_text else ""),
                "requests": f"{one.requests:,}" + (f", {one.in_flight:,} in flight" if one.in_flight else ""),
                "tokens": f"{one.tokens_in:,} in, {one.tokens_out:,} out",
                "spent": _dollars(one.spent) or "unknown: no prices were given",
                "last answer": None if one.last is None else f"{one.last:%Y-%m-%d %H:%M:%S} UTC",
            }
        ),
        "",
    )
    blocks = unicode_output()
    show(
        listing(
            ("answers", "", "", ""),
            [
                (
                    name,
                    f"{number:,}",
                    f"{number / one.total:.1%}",
                    bar(number, one.total, 30, blocks=blocks),
                )
                for name, number in parts.items()
                if number or name in ("done", "left")
            ]
            if one.total
            else [],
        )
    )
    if one.failed_reasons:
        reasons = [(name, f"{number:,}") for name, number in one.failed_reasons.items()]
        show("", listing(("failed because", "items"), reasons, right=("items",)))
    if one.waiting_in_journal:
        show("", f"{one.waiting_in_journal:,} answers wait in the journal; the next write moves them")
    for name in one.damaged_files:
        show("", f"damaged lines of the journal were set aside in {name}")
    if one.suspicious:
        show("", "answers that look wrong:", *(f"- {suspicion.line()}" for suspicion in one.suspicious))


def _about(one: RunStatus) -> str:
    return "users" if one.subject == "users" else ""


def _dollars(amount: float | None) -> str:
    return "" if amount is None else f"${amount:,.4f}"
