"""`versions alias`: names that move, the gates that they move through, and their history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._context import settings
from cli._options import At, Repeats, SplitKind, make_split
from cli._output import Json, listing, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from guided_store.promotion import Promotion
    from guided_store.versions import Alias

_GATES = "Gates"


def add_to(group: typer.Typer) -> None:
    """Add the command of this module to the group `versions`."""
    group.command()(alias)


def alias(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The alias.")] = None,
    version: Annotated[
        str | None, typer.Argument(metavar="VERSION", help="Where it shall point; or another alias.")
    ] = None,
    index: Annotated[str | None, typer.Option(metavar="NAME", help="Serve from this index.")] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GATE",
            help="Move only if this holds, such as 'ndcg@10 >= current - 0.5%'; may be repeated.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="What `current` (or `base`) in a gate is; by default where the alias points now.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Scores that diversity is measured in; by default those VERSION was guided by.",
            rich_help_panel=_GATES,
        ),
    ] = None,
    split: Annotated[
        SplitKind | None,
        typer.Option(help="Events to judge by; by default those held out in training VERSION."),
    ] = None,
    at: At = None,
    part: Annotated[
        Literal["test", "validation"], typer.Option(help="Which held-out events; training saw validation.")
    ] = "test",
    repeats: Annotated[
        Repeats | None, typer.Option(help="Whether items of the history may come again; as trained.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Move although a gate refuses; the history says so.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Move an alias to a version, through gates if any, or show its history.

    Version, encoder and index move together; pointed at another alias, it takes that one's. A gate is a
    metric (mrr, ndcg@K, recall@K, coverage, gini, ...), then >=, <=, > or <, then a number, or a side
    (current, base, a version, an alias) with + or - and a number or a share of it in %. It is decided by the
    bound of its 95 % interval, not by the figure; refused, the alias stays and the exit code is 1. Without
    VERSION the history is shown.
    """
    from guided_store.errors import UsageError

    if require and (name is None or version is None):
        raise UsageError("--require judges a move; name the alias and the version too")
    if not require:
        given = {
            "--against": against,
            "--attributes": attributes,
            "--split": split,
            "--at": at,
            "--repeats": repeats,
            "--part": None if part == "test" else part,
            "--force": force or None,
        }
        if unused := [option for option, value in given.items() if value is not None]:
            raise UsageError(f"{unused[0]} belongs to gates; give one with --require")
    if name is not None and version is not None:
        if require:
            _promote(
                ctx,
                name,
                version,
                index,
                require,
                against,
                attributes,
                split,
                at,
                part,
                repeats,
                force,
                as_json,
            )
        else:
            _move(ctx, name, version, index, as_json)
        return
    if index is not None:
        raise UsageError("--index moves an alias; name the alias and the version too")
    _history(ctx, name, as_json)


def _move(ctx: typer.Context, name: str, version: str, index: str | None, as_json: bool) -> None:
    from guided_store.versions import resolve, set_alias

    with settings(ctx).open(write=True) as store:
        ref, bound = resolve(store, version)
        made = set_alias(store, name, ref, index=index or bound)
    if as_json:
        print_json(made.to_dict())
    else:
        show(_moved(made))


def _promote(
    ctx: typer.Context,
    name: str,
    version: str,
    index: str | None,
    require: Sequence[str],
    against: str | None,
    attributes: str | None,
    split: SplitKind | None,
    at: str | None,
    part: Literal["test", "validation"],
    repeats: Repeats | None,
    force: bool,
    as_json: bool,
) -> None:
    from guided_store.catalogue import load_sequences
    from guided_store.errors import UsageError
    from guided_store.promotion import parse_gate, promote
    from guided_store.versions import resolve

    if split is None and at is not None:
        raise UsageError("--at belongs to --split time")
    if split == "none":
        raise UsageError("--split none holds nothing out; judge with --split loo or --split time")
    for text in require:  # a wrong gate is told before anything is read
        parse_gate(text)
    chosen = settings(ctx)
    with chosen.open() as store:
        ref, bound = resolve(store, version)
        cases = None if split is None else make_split(load_sequences(store), split, at)
        found = promote(
            store,
            name,
            ref,
            require,
            against=against,
            attributes=attributes,
            split=cases,
            part=part,
            repeats=repeats,
            index=index or bound,
            force=force,
            wait=chosen.wait,
            progress=chosen.progress(),
        )
    if as_json:
        print_json(found.to_dict())
    else:
        show_promotion(found)
    if found.moved is None:
        if not as_json:
            _say_refused(found)
        raise typer.Exit(1)


def show_promotion(found: Promotion) -> None:
    """What was judged, the figures, and where the alias points now."""
    from cli._tables import show_tables
    from guided_store.promotion import tables

    split = found.split
    repeats = "excluded" if split["repeats"] == "exclude" else "allowed"
    show(
        f"{found.version} judged on {split['kind']} {split['part']}, "
        f"{counted(_whole(split['cases']), 'case')}, repeats {repeats}, split {str(split['digest'])[:12]}"
    )
    if found.against is not None:
        why = "where the alias points now" if found.against == found.previous else "as named"
        show(f"base, current: {found.against} ({why})")
    show_tables(tables([verdict.to_dict() for verdict in found.verdicts], found.level))
    for warning in found.warnings:
        show(f"warning: {warning}")
    if found.moved is not None:
        forced = f", forced through {counted(len(found.refused), 'refusal')}" if found.forced else ""
        show("", _moved(found.moved) + forced)


def _say_refused(found: Promotion) -> None:
    stays = f"stays at {found.previous}" if found.previous is not None else "is not made"
    gates = "; ".join(verdict.gate.text for verdict in found.refused)
    typer.echo(
        f"error: the alias {found.alias} {stays}: {len(found.refused)} of "
        f"{counted(len(found.verdicts), 'gate')} refused {found.version} ({gates})",
        err=True,
    )


def _whole(value: object) -> int:
    return int(str(value))


def _moved(made: Alias) -> str:
    return f"{made.name} -> {made.version}" + (f", index {made.index}" if made.index else "")


def _history(ctx: typer.Context, name: str | None, as_json: bool) -> None:
    from guided_store.errors import UsageError
    from guided_store.versions import alias_history, list_versions

    with settings(ctx).open() as store:
        history = alias_history(store, name)
        known = {info.ref for info in list_versions(store)}
    if name is not None and not history:
        raise UsageError(f"there is no alias {name!r}; `guided-store versions alias {name} VERSION` makes it")
    if as_json:
        print_json([entry.to_dict() | {"gone": entry.version not in known} for entry in history])
        return
    if not history:
        show("no aliases yet; `guided-store versions alias production refined/NAME` makes one")
        return
    columns = ("alias", "version", "encoder", "index", "set (UTC)", "gates")
    rows = [
        (
            entry.name,
            f"{entry.version}{'' if entry.version in known else ' (gone)'}",
            "yes" if entry.encoder else "no",
            entry.index,
            f"{entry.time:%Y-%m-%d %H:%M}",
            _gates(entry.evidence),
        )
        for entry in history
    ]
    show(listing(columns, rows))
    if name is not None:
        for entry in history:
            if entry.evidence is not None:
                _show_evidence(entry, entry.evidence)


def _gates(evidence: Mapping[str, Any] | None) -> str:
    """`2 of 2 held`, or how many were forced."""
    if evidence is None:
        return ""
    gates = evidence["gates"]
    held = sum(bool(gate["held"]) for gate in gates)
    return f"{held} of {len(gates)} " + ("held, forced" if evidence["forced"] else "held")


def _show_evidence(entry: Alias, evidence: Mapping[str, Any]) -> None:
    """The figures that an alias moved by."""
    from cli._tables import show_tables
    from guided_store.promotion import tables

    split = evidence["split"]
    show(
        "",
        f"{entry.time:%Y-%m-%d %H:%M:%S}: {entry.version}, {split['kind']} {split['part']}, "
        f"{counted(int(split['cases']), 'case')}, split {str(split['digest'])[:12]}"
        + (f", base: {evidence['against']}" if evidence["against"] else ""),
    )
    show_tables(tables(evidence["gates"], evidence["intervals"]["level"]))
    for warning in evidence["warnings"]:
        show(f"warning: {warning}")
