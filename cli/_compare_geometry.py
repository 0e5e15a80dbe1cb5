"""Geometry of a comparison on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import TYPE_CHECKING

from cli._output import console, one_line, show, unicode_output
from cli._tables import show_tables
from guided_store.wording import counted

if TYPE_CHECKING:
    from guided_store.geometry import GeometrySection, NamedItem

SHOWN = 5
"""Changed items, and users, that a terminal shows; the other formats have all."""


def show_geometry(section: GeometrySection) -> None:
    """Neighbours, shapes, likeness of lists, drift, and what changed most by title, both sides abreast."""
    from guided_store.geometry import tables

    show_tables(tables(section, changes=False))
    for found in section.geometries:
        for place, row in enumerate(found.changed[:SHOWN]):
            if not place:
                _title(
                    f"Items whose neighbourhood changed most, {found.label}",
                    "nearest",
                    found.reference,
                    found.label,
                )
            events = "" if row.events is None else f", {counted(row.events, 'training event')}"
            show(f"{one_line(row.item.title)} ({row.overlap:.0%} same{events})")
            _abreast(row.before, row.after)
    changed = section.lists.changed if section.lists is not None else ()
    for label in dict.fromkeys(user.label for user in changed):
        for place, user in enumerate([user for user in changed if user.label == label][:SHOWN]):
            if not place:
                _title(f"Users whose list changed most, {label}", "first", user.reference, label)
            show(
                f"user {one_line(user.user_id)} (RBO {user.rbo:.2f}, history {counted(user.events, 'event')})"
            )
            _abreast(user.before, user.after)


def _title(title: str, what: str, left: str, right: str) -> None:
    """A heading, and over what the two columns below stand."""
    show("")
    console().print(title, style="bold", markup=False, highlight=False)
    _line(f"{what} in {left}", f"{what} in {right}", style="bold")


def _abreast(before: Iterable[NamedItem], after: Iterable[NamedItem]) -> None:
    """Two lists of titles beside each other, long titles cut."""
    for left, right in zip_longest(before, after):
        _line(left.title if left else "", right.title if right else "")


def _line(left: str, right: str, style: str = "") -> None:
    from rich.cells import cell_len, set_cell_size

    width = (console().width - 4) // 2
    more = "…" if unicode_output() else "..."

    def cut(text: str) -> str:
        text = one_line(text)
        long = cell_len(text) > width
        return set_cell_size(text, width - len(more)) + more if long else set_cell_size(text, width)

    line = f"  {cut(left)}  {cut(right)}".rstrip()
    console().print(line, style=style, markup=False, highlight=False)
