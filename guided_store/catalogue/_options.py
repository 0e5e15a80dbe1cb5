"""What a caller says about a file, and about how to take it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from guided_store.errors import UsageError

TimeUnit = Literal["s", "ms", "us", "ns"]
UNITS_PER_SECOND: dict[TimeUnit, int] = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class FileFormat:
    """How the bytes of a file are laid out.

    Attributes:
        kind: "csv", "parquet" or "jsonl"; None takes it from the file's name (".gz", ".bz2" and ".zst" are
            unpacked on the way).
        delimiter: between the fields of a CSV file; None takes the most frequent of tab, comma, semicolon
            and bar in the first line. More than one character is allowed ("::").
        header: whether the first line of a CSV file names the columns; else they are called "1", "2", ...
        names: the columns of a CSV file without a header, when they are not to be called so.
        quoting: whether a field may stand in double quotes.
        encoding: of a CSV file.
    """

    kind: Literal["csv", "parquet", "jsonl"] | None = None
    delimiter: str | None = None
    header: bool = True
    names: tuple[str, ...] = ()
    quoting: bool = True
    encoding: str = "utf-8"


@dataclass(frozen=True)
class InteractionLayout:
    """Which columns of a file are what; None guesses among common names, and the report says what it took.

    Attributes:
        user, item: id columns.
        time: numbers since 1970 in `time_unit`, ISO 8601 strings, or a timestamp type. Without a zone: UTC.
        order: whole numbers that grow along a user's events, where times are absent or tied. When either of
            `time` and `order` is given, the other is not guessed.
        weight: a number per event (a rating), kept and usable by `IngestOptions.min_weight`.
        time_unit: unit of numeric times; None is seconds, or milliseconds in the Amazon 2023 layout.
        file: the layout of the bytes.
    """

    user: str | None = None
    item: str | None = None
    time: str | None = None
    order: str | None = None
    weight: str | None = None
    time_unit: TimeUnit | None = None
    file: FileFormat = field(default_factory=FileFormat)


@dataclass(frozen=True)
class ItemLayout:
    """Which columns of an item file are what; columns that are not named here are kept as they are.

    Attributes:
        item_id: the id column; None guesses.
        title: the title column; None guesses.
        text: columns composed into `text`, the description that models read; None guesses, () composes none.
        split_year: whether "Heat (1995)" becomes the title "Heat" and the year 1995; None does it where most
            titles end so.
        file: the layout of the bytes.
    """

    item_id: str | None = None
    title: str | None = None
    text: tuple[str, ...] | None = None
    split_year: bool | None = None
    file: FileFormat = field(default_factory=FileFormat)


@dataclass(frozen=True)
class UserLayout:
    """Which column of a user file is the id (None guesses), and which group columns to keep (None: all)."""

    user: str | None = None
    columns: tuple[str, ...] | None = None
    file: FileFormat = field(default_factory=FileFormat)


@dataclass(frozen=True)
class IngestOptions:
    """How rows are taken in.

    Attributes:
        on_error: "fail" refuses the file at rows that cannot be read; "skip" leaves them out and lists them.
        fill_time: "neighbours" gives an event with a blank time the time of the user's previous event that
            has one, else of the next; None refuses blank times.
        min_user_events, min_item_events: k-core: users and items with fewer events are removed, again and
            again, until none is left. 0 and 1 filter nothing. Refused when events are added to a table that
            has some: what an earlier core removed cannot be counted again.
        min_weight: rows with a lower weight, or none, are left out.
        duplicates: what happens to a user's repeated events with one item: "keep-all", or only the "first"
            or the "last". An event that repeats user, item, time and order altogether is always taken once,
            so that reading a file twice changes nothing.
        replace: start the table anew with these files rather than adding to it.
    """

    on_error: Literal["fail", "skip"] = "fail"
    fill_time: Literal["neighbours"] | None = None
    min_user_events: int = 0
    min_item_events: int = 0
    min_weight: float | None = None
    duplicates: Literal["keep-all", "first", "last"] = "keep-all"
    replace: bool = False

    def __post_init__(self) -> None:
        choices: tuple[tuple[str, object, tuple[object, ...]], ...] = (
            ("on_error", self.on_error, ("fail", "skip")),
            ("fill_time", self.fill_time, (None, "neighbours")),
            ("duplicates", self.duplicates, ("keep-all", "first", "last")),
        )
        for name, value, allowed in choices:
            if value not in allowed:
                words = ", ".join(repr(choice) for choice in allowed)
                raise UsageError(f"{name} is {value!r}; it must be one of {words}")
        if min(self.min_user_events, self.min_item_events) < 0:
            raise UsageError("the fewest events of a k-core cannot be negative")

    @property
    def has_core(self) -> bool:
        """Whether a k-core filter is asked for."""
        return max(self.min_user_events, self.min_item_events) > 1
