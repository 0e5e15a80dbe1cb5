"""`versions diff`: what differs between two versions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer

from cli._context import settings
from cli._output import Json, listing, plain, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from guided_store.catalogue import Items
    from guided_store.store import Store
    from guided_store.versions import Change, Content, Diff, Ref

_DIGEST = re.compile("[0-9a-f]{64}")

NAMED = 10
"""Items that are named on the terminal; `--json` has all."""


def add_to(group: typer.Typer) -> None:
    """Add the command of this module to the group `versions`."""
    group.command()(diff)


def diff(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="kind/name, or an alias.")],
    b: Annotated[str, typer.Argument(metavar="B", help="kind/name, or an alias.")],
    as_json: Json = False,
) -> None:
    """What differs between two versions: items, recipe, training, content, figures.

    Reads both and compares them bit by bit. `compare` says which is better.
    """
    from guided_store.catalogue import load_items
    from guided_store.versions import diff_versions

    with settings(ctx).open() as store:
        found = diff_versions(store, named(store, a), named(store, b))
        items = load_items(store)
    if as_json:
        print_json(found.to_dict())
    else:
        show_diff(found, items)


def named(store: Store, text: str) -> Ref:
    """The version that a text names: "kind/name", "users/name" or an alias."""
    from guided_store.versions import USERS, resolve, users_ref

    return users_ref(text) if text.startswith(f"{USERS}/") else resolve(store, text)[0]


def show_diff(found: Diff, items: Items) -> None:
    """Every part that differs, and one line of what is the same."""
    a, b = found.a, found.b
    sides = (str(a.ref), str(b.ref))
    rows = [
        ("items", f"{a.rows:,}", f"{b.rows:,}"),
        ("dimensions", a.dim, b.dim),
        ("made from", ", ".join(a.parents) or "-", ", ".join(b.parents) or "-"),
        ("created (UTC)", f"{a.created:%Y-%m-%d %H:%M:%S}", f"{b.created:%Y-%m-%d %H:%M:%S}"),
        ("digest", a.digest[:12], b.digest[:12]),
        ("guided-store", a.package, b.package),
    ]
    show(listing(("", *_two(sides)), rows))
    show("", _content(found))
    for ids, side in ((found.removed, sides[0]), (found.added, sides[1])):
        if ids:
            show("", f"{counted(len(ids), 'row')} in {side} alone", *_names(ids, items))
    for names, side in ((found.attributes_removed, sides[0]), (found.attributes_added, sides[1])):
        if names:
            show("", f"attributes of {side} alone: {', '.join(names)}")
    _show_changes("recipe", found.recipe, sides)
    if all(found.trained):
        _show_changes("training", found.training, sides)
    else:
        one = " and ".join(side for side, trained in zip(sides, found.trained, strict=True) if trained)
        show("", f"training: {one} alone was trained: `--json` has how" if one else "training: of neither")
    if found.metrics:
        lines = [
            (name, *(None if value is None else f"{value:.4f}" for value in pair))
            for name, pair in found.metrics.items()
        ]
        columns = ("figure", *_two(sides))
        show("", "figures of training", listing(columns, lines, right=columns[1:]))


def _show_changes(title: str, changes: Sequence[Change], sides: Sequence[str]) -> None:
    if changes:
        show("", title, listing(("field", *_two(sides)), [_row(change) for change in changes]))
    else:
        show("", f"{title}: the same")


def _two(sides: Sequence[str]) -> tuple[str, str]:
    """Headings, told apart where both sides are one version."""
    return (sides[0], sides[1]) if sides[0] != sides[1] else (sides[0], f"{sides[1]} again")


def _content(found: Diff) -> str:
    content: Content = found.content
    if found.same_content:
        return "the content is the same, bit by bit: one digest"
    if not content.items:
        return "no item is in both"
    parts = [f"of {counted(content.items, 'item')} in both"]
    if content.rows is not None and content.columns is not None:
        parts.append(
            f"{content.rows / content.items:.1%} have the same vector, and {content.columns} of "
            f"{found.a.dim} columns are the same for all"
        )
    else:
        parts.append("no vector can be the same, of other dimensions")
    if content.bias is not None:
        parts.append(f"{content.bias / content.items:.1%} have the same bias")
    if content.raw is not None and content.scores:
        parts.append(f"{content.raw / content.scores:.1%} of the attribute scores are the same")
    if not found.same_order:
        parts.append("they stand in another order")
    return ", ".join(parts)


def _names(ids: Sequence[str], items: Items) -> Iterable[str]:
    for item in ids[:NAMED]:
        title = items.title_of(item)
        yield f"  {item}" if title == item else f"  {item}  {title}"
    if len(ids) > NAMED:
        yield f"  and {len(ids) - NAMED:,} more: `--json` has them"


def _row(change: Change) -> tuple[str, str, str]:
    before = "-" if change.state == "added" else _short(change.before)
    after = "-" if change.state == "removed" else _short(change.after)
    if before == after:  # cut short before they differ
        after = _apart(change.before, change.after)
    return change.field, before, after


def _apart(before: object, after: object) -> str:
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        other = sum(one != two for one, two in zip(before, after, strict=True))
        return f"{other:,} of {len(after):,} differ"
    return "differs further on"


def _short(value: object, limit: int = 40) -> str:
    """A value of a recipe; long lists by their length."""
    if isinstance(value, list) and len(text := json.dumps(plain(value), ensure_ascii=False)) > limit:
        return f"list of {len(value):,}"
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
    if _DIGEST.fullmatch(text):
        text = text[:12]
    if isinstance(value, float):
        text = f"{value:.6g}"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
