"""Options that several commands share, and the values they stand for."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from guided_store.catalogue import Sequences, Split


SplitKind = Literal["loo", "time", "none"]
"""How events are divided into training, validation and test."""

Repeats = Literal["allow", "exclude"]
"""Whether items of the history may come again."""

As = Annotated[str, typer.Option("--as", metavar="NAME", help="Name of the new version.", show_default=False)]

At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Time split: test on what comes after this (2001-05-31, or seconds since 1970); "
        "by default the last tenth of the events.",
    ),
]


def make_split(sequences: Sequences, kind: SplitKind, at: str | None = None) -> Split:
    """The split that `--split` and `--at` ask for."""
    from guided_store.catalogue import leave_one_out, no_split, time_split
    from guided_store.errors import UsageError

    if at is not None and kind != "time":
        raise UsageError("--at belongs to --split time")
    if kind == "loo":
        return leave_one_out(sequences)
    if kind == "none":
        return no_split(sequences)
    return time_split(sequences, at=moment(at))


def moment(text: str | None) -> str | float | None:
    """A number stays a number of seconds; everything else is a date for `time_split` to read."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def assignments(texts: Iterable[str], option: str) -> dict[str, float]:
    """Numbers by name from `humor=1.5`, one or several separated by commas; the last of a name wins."""
    from guided_store.errors import UsageError

    found: dict[str, float] = {}
    for text in (part for whole in texts for part in whole.split(",") if part.strip()):
        name, equals, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            equals, value = "", 0.0
        if not equals or not name.strip().isidentifier() or value != value:
            raise UsageError(f"{option} {text.strip()!r} is not of the form name=number, such as humor=1.5")
        found[name.strip()] = value
    return found


def item_ids(lines: Sequence[str] | None) -> tuple[str, ...] | None:
    """Ids from values of `--items`, each one line of CSV: `a,b,"c,d"`; None where the option is not given.

    Spaces around an id and empty ids are dropped, as `ingest` does.
    """
    from guided_store.errors import UsageError

    if not lines:
        return None
    found: list[str] = []
    for line in lines:
        try:
            rows = list(csv.reader([line], skipinitialspace=True, strict=True))
        except csv.Error as error:
            raise UsageError(
                f'--items {line!r} is not one line of CSV ({error}); write a,b,"c,d" or give the option '
                "several times"
            ) from None
        found.extend(part.strip() for row in rows for part in row if part.strip())
    return tuple(found)


def names(text: str | None) -> tuple[str, ...]:
    """Names from `a,b,c`; empty parts are dropped."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """Positive whole numbers from `5,10,20`, ascending, each once."""
    from guided_store.errors import UsageError

    try:
        found = sorted({int(part) for part in names(text)})
    except ValueError:
        found = []
    if not found or found[0] < 1:
        raise UsageError(f"{option} {text!r} is not a list of whole numbers from 1, such as 5,10,20")
    return tuple(found)
