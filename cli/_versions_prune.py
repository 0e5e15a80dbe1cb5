"""`versions prune`: remove versions that nothing needs, after saying which."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli._context import settings
from cli._output import Json, listing, print_json, show, size
from cli._versions_diff import named
from guided_store.wording import counted

if TYPE_CHECKING:
    from guided_store.versions import PrunePlan

_AGE = re.compile(r"(\d+)\s*([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def add_to(group: typer.Typer) -> None:
    """Add the command of this module to the group `versions`."""
    group.command()(prune)


def prune(
    ctx: typer.Context,
    versions: Annotated[
        list[str] | None,
        typer.Argument(metavar="VERSION", help="kind/name; without names, all that the options choose."),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="AGE", help="Choose those older than this: 12h, 30d or 8w.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N", help="Keep the N newest of each kind; by default 1, or 0 of those named."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; without it, only say what would go.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove versions that nothing needs, with encoders and indexes; by default only say which.

    Stays: where an alias points or pointed before its last move, what a version that stays was made from, and
    what an unfinished training may start from. What interrupted work left is removed too.
    """
    from guided_store.versions import plan_prune
    from guided_store.versions import prune as remove

    age = None if older_than is None else _age(older_than)
    chosen = settings(ctx)
    with chosen.open(write=yes) as store:
        plan = plan_prune(store, [named(store, text) for text in versions or ()], older_than=age, keep=keep)
        freed = remove(store, plan, chosen.progress()) if yes else None
    if as_json:
        print_json({**plan.to_dict(), "removed": yes, "freed": freed})
        return
    show_plan(plan)
    if freed is not None:
        going = counted(len(plan.going), "version")
        show("", f"removed {going} and {size(freed) if freed > 0 else 'no bytes'}, measured")
    elif plan.going or plan.orphans:
        show(
            "",
            f"nothing was removed; --yes removes {counted(len(plan.going), 'version')}, {size(plan.octets)}",
        )
    else:
        show("", "nothing to remove")


def show_plan(plan: PrunePlan) -> None:
    """Every version with what becomes of it and why, then what belongs to none."""
    if plan.verdicts:
        rows = [
            (
                str(verdict.info.ref),
                f"{verdict.info.created:%Y-%m-%d}",
                size(verdict.octets),
                "goes" if verdict.goes else "stays",
                verdict.reason,
            )
            for verdict in plan.verdicts
        ]
        columns = ("version", "created", "size", "", "because")
        show(listing(columns, rows, right=("size",)))
    else:
        show("no versions yet")
    if plan.orphans:
        show("", "of no version, and goes")
        show(
            listing(("what", "size"), [(one.what, size(one.octets)) for one in plan.orphans], right=("size",))
        )


def _age(text: str) -> timedelta:
    from guided_store.errors import UsageError

    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise UsageError(f"--older-than {text!r} is not an age; write 12h, 30d or 8w")
    try:
        return timedelta(hours=int(found[1]) * _HOURS[found[2]])
    except OverflowError:
        raise UsageError(f"--older-than {text!r} is longer than dates go back") from None
