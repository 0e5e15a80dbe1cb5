"""Results on stdout: JSON for machines, tables and sentences for people."""

from __future__ import annotations

import codecs
import dataclasses
import json
import math
import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on stdout and nothing else.", show_default=False)
]


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


def console(*, stderr: bool = False) -> Console:
    """A terminal to print tables on; a pipe gets plain text of 80 columns, or what COLUMNS says."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False)


def show(*things: RenderableType) -> None:
    """Print on stdout: sentences as they are (a terminal folds them), tables as wide as the terminal."""
    for thing in things:
        if isinstance(thing, str):
            typer.echo(thing)
        else:
            console().print(thing)


def unicode_output() -> bool:
    """Whether stdout takes block characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "▇−".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return os.environ.get("TERM") != "linux"


def listing(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Collection[str] = ()
) -> RenderableType:
    """A table without lines, `right` naming the columns of numbers; long cells are folded, never cut."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    return table


def pairs(values: Mapping[str, object]) -> RenderableType:
    """Names and values, one a line."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        if value is not None:
            table.add_row(name, str(value))
    return table


def count(number: int, noun: str) -> str:
    """`1 user`, `2,000 users`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {_plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"


def size(octets: float) -> str:
    """Bytes for people, in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if octets < 1000 or unit == "GB":
            return f"{octets:.0f} {unit}" if unit == "bytes" else f"{octets:.1f} {unit}"
        octets /= 1000
    raise AssertionError("unreachable")
