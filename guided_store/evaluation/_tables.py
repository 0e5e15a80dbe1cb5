"""One table of figures, written once and shown in a terminal, in Markdown, in CSV and in a page alike."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from guided_store.errors import UsageError

Cell = str | int | float | None | tuple[float, float]
"""Text, a count, a figure, nothing, or an interval (low, high)."""

_DEFAULT = ".4f"


@dataclass(frozen=True)
class Table:
    """Figures with a title, not yet text: each reader formats them by `text`, or takes them as they are.

    Attributes:
        title: a few words, in sentence case and without a full stop; the same title in every format.
        columns: headings, unique; the first columns name a row.
        rows: a cell for each column. `None` and NaN are shown as nothing; NumPy's numbers are taken too.
        note: one or more sentences to stand below, or "".
        formats: column -> format specification of its numbers and interval ends (".1%", "+.4f", ",d");
            without one a float has 4 decimals and an int is grouped by thousands.

    Raises:
        UsageError: a heading twice, a row of another length, or a format of no column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Lists are what a caller often has; kept as tuples, a table cannot change under its readers.
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", tuple(tuple(_plain(cell) for cell in row) for row in self.rows))
        if len(set(self.columns)) < len(self.columns):
            raise UsageError(f"the table {self.title!r} has a heading twice")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise UsageError(f"the table {self.title!r} has a row that does not fit its columns")
        if unknown := set(self.formats) - set(self.columns):
            raise UsageError(f"the table {self.title!r} has no column {sorted(unknown)[0]!r} to format")

    @property
    def right(self) -> tuple[str, ...]:
        """The columns without text, which are set flush right."""
        columns = zip(*self.rows, strict=True) if self.rows else ()
        return tuple(
            name
            for name, cells in zip(self.columns, columns, strict=False)
            if not any(isinstance(cell, str) for cell in cells)
        )

    def text(self) -> list[tuple[str, ...]]:
        """The rows as people read them."""
        specs = [self.formats.get(name, "") for name in self.columns]
        return [
            tuple(cell_text(cell, spec) for cell, spec in zip(row, specs, strict=True)) for row in self.rows
        ]

    def to_markdown(self, level: int = 3) -> str:
        """Heading of `level`, the table, the note; ends with a newline."""
        aligned = ["--:" if name in self.right else "---" for name in self.columns]
        lines = [self.columns, aligned, *self.text()]
        table = "\n".join(f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines)
        note = f"\n{self.note}\n" if self.note else ""
        return f"{'#' * level} {self.title}\n\n{table}\n{note}"

    def to_csv(self) -> str:
        """The figures unrounded; an interval becomes the two columns "NAME low" and "NAME high"."""
        columns = list(zip(*self.rows, strict=True)) or [()] * len(self.columns)
        wide = [any(isinstance(cell, tuple) for cell in cells) for cells in columns]
        head: list[str] = []
        for name, two in zip(self.columns, wide, strict=True):
            head += [f"{name} low", f"{name} high"] if two else [name]
        lines: list[list[str]] = []
        for row in self.rows:
            line: list[str] = []
            for cell, two in zip(row, wide, strict=True):
                if isinstance(cell, tuple):
                    line += [_exact(cell[0]), _exact(cell[1])]
                else:
                    line += [_exact(cell), ""] if two else [_exact(cell)]
            lines.append(line)
        return _written([head, *lines])

    def to_dict(self) -> dict[str, object]:
        """Title, columns, rows and note, JSON-serialisable; NaN is null."""
        return {
            "title": self.title,
            "columns": list(self.columns),
            "rows": [[_json(cell) for cell in row] for row in self.rows],
            "note": self.note,
        }


def tables_to_csv(tables: Iterable[Table]) -> str:
    """Several tables in one file, a line for every figure: table, row, column, value, low, high.

    `row` is the text cells of the row, joined by " / "; its other cells are the lines. Figures are
    unrounded; cells without one have no line.
    """
    lines = [["table", "row", "column", "value", "low", "high"]]
    for table in tables:
        for row in table.rows:
            name = " / ".join(cell for cell in row if isinstance(cell, str))
            for column, cell in zip(table.columns, row, strict=True):
                if isinstance(cell, tuple):
                    lines.append([table.title, name, column, "", _exact(cell[0]), _exact(cell[1])])
                elif not isinstance(cell, str) and (exact := _exact(cell)):
                    lines.append([table.title, name, column, exact, "", ""])
    return _written(lines)


def cell_text(cell: Cell, spec: str = "") -> str:
    """One cell as people read it; see `Table.formats` for `spec`. An interval is "low to high"."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    if isinstance(cell, tuple):
        return f"{cell_text(cell[0], spec)} to {cell_text(cell[1], spec)}"
    if isinstance(cell, int):
        return format(cell, spec or ",d")
    return "" if math.isnan(cell) else format(cell, spec or _DEFAULT)


def _plain(cell: Any) -> Cell:
    """NumPy's numbers as Python's, which JSON and `isinstance` know; a pair as a tuple."""
    if isinstance(cell, tuple | list):
        low, high = cell
        return float(low), float(high)
    found: Cell = cell.item() if isinstance(cell, np.generic) else cell
    return found


def _exact(cell: str | float | None) -> str:
    """For a program: all digits, and nothing where there is no figure."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return cell if isinstance(cell, str) else repr(cell)


def _json(cell: Cell) -> object:
    if isinstance(cell, tuple):
        return [_json(cell[0]), _json(cell[1])]
    return None if isinstance(cell, float) and math.isnan(cell) else cell


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _written(lines: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
