"""Results on stdout: JSON for machines, tables and sentences for people."""

from __future__ import annotations

import codecs
import dataclasses
import json
import math
import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout and nothing else.", show_default=False)
]


# Titles come from files and reasons from servers: what they hold must not steer a terminal. Escape sequences
# begin with a control character, and overrides of the writing direction reach beyond their own text.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """`text` without control characters and overrides of direction; line breaks and tabs stay."""
    return _STEERING.sub("", text)


def one_line(value: object) -> str:
    """The text of a table's cell: harmless, without line breaks, "" for None."""
    return "" if value is None else harmless(" ".join(str(value).splitlines()))


def plain(value: Any) -> Any:
    """`value` in JSON's own types: dataclasses as objects, arrays as lists, NaN and infinities as null."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and numbers, without importing numpy
        return plain(value.tolist())
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def print_json(value: Any) -> None:
    """One JSON document on stdout; letters beyond ASCII are escaped where stdout is not UTF-8."""
    typer.echo(json.dumps(plain(value), ensure_ascii=not _utf8_output(), allow_nan=False, indent=2))


def _utf8_output() -> bool:
    try:
        return codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name == "utf-8"
    except LookupError:
        return False


class Report(Protocol):
    """What a library function says about what it did."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        ...

    def lines(self) -> list[str]:
        """For people."""
        ...


def print_report(report: Report, as_json: bool) -> None:
    """A report as a JSON object, or as its lines."""
    if as_json:
        print_json(report.to_dict())
    else:
        show(*report.lines())


def print_reports(reports: Iterable[Report], as_json: bool) -> None:
    """Several reports as a JSON list, or as their lines."""
    if as_json:
        print_json([report.to_dict() for report in reports])
    else:
        show(*(line for report in reports for line in report.lines()))


_FOLDED = 8
"""Columns that a cell is folded to where others are kept whole, at least."""


def console(*, stderr: bool = False) -> Console:
    """A terminal to print tables on; a pipe gets plain text of 80 columns, or what COLUMNS says."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show(*things: RenderableType) -> None:
    """Print on stdout: sentences as they are (a terminal folds them), tables as wide as the terminal."""
    for thing in things:
        if isinstance(thing, str):
            typer.echo(harmless(thing))
        else:
            # A table wider than the terminal has names in it that are to be copied: broken by the terminal
            # they still can be, cut they could not.
            console().print(thing, crop=False)


def unicode_output() -> bool:
    """Whether stdout takes block characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "▇−".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return os.environ.get("TERM") != "linux"


def listing(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Collection[str] = (),
    whole: Collection[str] = (),
) -> RenderableType:
    """A table without lines; long cells are folded, never cut.

    Args:
        columns: their headings.
        rows: a cell for each column; None is an empty one.
        right: the columns of numbers.
        whole: columns whose cells a user copies into the next command: kept in one line. The table may
            become wider than the terminal for them.
    """
    from rich.cells import cell_len
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    cells = [tuple(one_line(cell) for cell in row) for row in rows]
    least = 0
    for place, name in enumerate(columns):
        kept = name in whole or (bool(whole) and name in right)
        table.add_column(name, justify="right" if name in right else "left", overflow="fold", no_wrap=kept)
        width = max(cell_len(text) for text in (name, *(row[place] for row in cells)))
        least += 2 + (width if kept else min(width, _FOLDED))
    if whole and least > console().width:
        table.width = least
    for row in cells:
        table.add_row(*row)
    return table


def pairs(values: Mapping[str, object]) -> RenderableType:
    """Names and values, one a line."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        if value is not None:
            table.add_row(name, one_line(value))
    return table


def size(octets: float) -> str:
    """Bytes for people, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if octets < 1000 or unit == "GB":
            return f"{octets:.0f} {unit}" if unit == "bytes" else f"{octets:.1f} {unit}"
        octets /= 1000
    raise AssertionError("unreachable")
