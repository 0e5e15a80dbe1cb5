"""Tables of the library on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cli._output import console, harmless, listing, show

if TYPE_CHECKING:
    from guided_store.evaluation import Table


def show_tables(tables: Iterable[Table]) -> None:
    """Print tables one below the other: title, rows, note.

    A version as a heading ("base/x") stands in two lines, so that more columns fit beside each other.
    """
    for table in tables:
        show("")
        console().print(harmless(table.title), style="bold", markup=False, highlight=False)
        columns = [_heading(name) for name in table.columns]
        show(listing(columns, table.text(), right=[_heading(name) for name in table.right]))
        if table.note:
            show(table.note)


def _heading(name: str) -> str:
    return name.replace("/", "/\n")
