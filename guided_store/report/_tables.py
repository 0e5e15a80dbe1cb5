"""Tables of a comparison as HTML: the same cells as in the terminal, with what a page can add."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guided_store.evaluation import Cell, Table
from guided_store.report._colours import version_colour
from guided_store.report._html import Child, Markup, element

SORTABLE = 4
"""Rows from which a table can be sorted."""

_TONES = {"better": "better", "worse": "worse"}


def table_html(table: Table, places: Mapping[str, int]) -> Markup:
    """One table with caption and note; versions carry their dot, figures their value for sorting.

    Args:
        table: what to show.
        places: label of a version -> its place in the comparison, which is its colour.
    """
    right = set(table.right)
    head = (
        element("th", _labelled(name, places), scope="col", class_="right" if name in right else None)
        for name in table.columns
    )
    body = (
        element("tr", _cells(table, cells, texts, right, places))
        for cells, texts in zip(table.rows, table.text(), strict=True)
    )
    return element(
        "figure",
        element(
            "div",
            element(
                "table",
                element("caption", element("span", table.title)),
                element("thead", element("tr", head)),
                element("tbody", body),
                class_="sortable" if len(table.rows) >= SORTABLE else None,
            ),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label=table.title,
        ),
        element("p", table.note, class_="note") if table.note else None,
    )


def dot(place: int) -> Markup:
    """The mark of a version in its colour."""
    return element("span", class_="dot", style=f"--dot:var(--{version_colour(place).name})")


def labelled(name: str, places: Mapping[str, int]) -> Markup:
    """The name of a version behind its mark."""
    return element("span", _labelled(name, places), class_="name")


def _cells(
    table: Table, cells: tuple[Cell, ...], texts: tuple[str, ...], right: set[str], places: Mapping[str, int]
) -> Iterator[Markup]:
    for number, (name, cell, text) in enumerate(zip(table.columns, cells, texts, strict=True)):
        value = None if isinstance(cell, str) else _sort_value(cell)
        side = "right" if name in right else _TONES.get(text)
        shown = _labelled(text, places)
        if number:
            yield element("td", shown, class_=side, data_value=value)
        else:
            yield element("th", shown, scope="row", class_=side, data_value=value)


def _labelled(text: str, places: Mapping[str, int]) -> Child:
    return [dot(places[text]), text] if text in places else text


def _sort_value(cell: Cell) -> str:
    """The figure, the middle of an interval, "" for nothing."""
    if cell is None or isinstance(cell, str):
        return ""
    if isinstance(cell, tuple):
        return _sort_value((cell[0] + cell[1]) / 2)
    return "" if cell != cell else f"{cell:.12g}"
