"""Interaction files to `Events`: columns settled, values parsed, bad rows set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue._arrays import MISSING, Fault
from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._columns import Columns, listing, plain, settle
from guided_store.catalogue._events import Events, EventsBuilder
from guided_store.catalogue._ids import Vocabulary
from guided_store.catalogue._options import InteractionLayout, TimeUnit
from guided_store.catalogue._parse import parse_ids, parse_number, parse_whole
from guided_store.catalogue._readers import Chunk, Reader, open_reader
from guided_store.catalogue._times import parse_times
from guided_store.errors import UsageError
from guided_store.progress import Progress

_UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass
class Reading:
    """What was read from all files together.

    Attributes:
        events: the readable rows; `numbers` counts them from the given start.
        rows: all rows, bad ones included.
        columns: the settled columns of the first file.
        understood: sentences on guesses and on how times were read.
        blank_times: rows without a time; `first_blank` says where the first is.
    """

    events: Events
    rows: int
    columns: Columns
    understood: list[str]
    blank_times: int
    first_blank: str


@dataclass
class _State:
    users: Vocabulary
    items: Vocabulary
    bad: BadRows
    number: int
    builder: EventsBuilder = field(default_factory=EventsBuilder)
    forms: set[str] = field(default_factory=set)
    blank_times: int = 0
    first_blank: str = ""


def read_interactions(
    files: Sequence[Path],
    layout: InteractionLayout,
    users: Vocabulary,
    items: Vocabulary,
    bad: BadRows,
    first_number: int,
    progress: Progress,
) -> Reading:
    """Read the files one after another, in batches.

    Raises:
        UsageError: columns are missing or disagree between the files.
        DataError: a file cannot be read, or has bad rows that are not to be skipped.
    """
    state = _State(users, items, bad, first_number)
    opened: list[tuple[Reader, Columns]] = []
    for path in files:
        reader = open_reader(path, layout.file)
        columns = settle_interactions(reader, layout)
        first = opened[0][1] if opened else columns
        if {"time", "order"} & set(columns.names) != {"time", "order"} & set(first.names):
            raise UsageError(
                f"{files[0]} and {path} differ in their time and order columns; ingest them apart"
            )
        opened.append((reader, columns))
    unit = _time_unit(opened[0][0], opened[0][1], layout)
    for reader, columns in opened:
        _read_file(reader, columns, unit, state, progress)
    columns = opened[0][1]
    understood = [columns.sentence] if columns.sentence else []
    if "time" in columns.names and state.forms:
        how = {
            "numbers": f"{_UNIT_WORDS[unit]} since 1970",
            "ISO 8601": "ISO 8601 dates (UTC where they name no zone)",
            "timestamps": "timestamps (UTC where they name no zone)",
        }
        words = " and ".join(how[form] for form in sorted(state.forms))
        understood.append(f"times in column {columns.names['time']!r} read as {words}")
    events = state.builder.finish()
    rows = len(events) + bad.count
    return Reading(events, rows, columns, understood, state.blank_times, state.first_blank)


def settle_interactions(reader: Reader, layout: InteractionLayout) -> Columns:
    """The columns of an interaction file.

    Raises:
        UsageError: a column is missing.
    """
    named = {
        "user": layout.user,
        "item": layout.item,
        "time": layout.time,
        "order": layout.order,
        "weight": layout.weight,
    }
    either = layout.time is not None or layout.order is not None
    guess = ("user", "item", "weight") if either else ("user", "item", "time", "order", "weight")
    columns = settle(reader.path, reader.names, named, guess, ("user", "item"))
    if columns.get("time") is None and columns.get("order") is None:
        raise UsageError(
            f"{reader.path}: say which column is the time with --time, or the order with --order; "
            f"{listing(reader.names)}"
        )
    return columns


def set_aside(chunk: Chunk, found: Sequence[Fault], bad: BadRows) -> NDArray[np.bool_]:
    """Hand the faulty rows of a chunk to `bad`, each once; returns which rows are good."""
    good = np.ones(len(chunk.records), bool)
    for fault in found:
        rows = fault.rows[good[fault.rows]]
        good[rows] = False
        if len(rows):
            bad.add(fault.kind, chunk.records[rows].tolist(), partial(_reason, fault, rows))
    return good


def _reason(fault: Fault, rows: NDArray[np.int64], place: int) -> str:
    return fault.reason(int(rows[place]))


def _read_file(reader: Reader, columns: Columns, unit: TimeUnit, state: _State, progress: Progress) -> None:
    wanted = list(dict.fromkeys(columns.names.values()))
    done = 0
    with progress.task(f"reading {reader.path.name}", reader.size) as task:
        for chunk in reader.chunks(wanted, state.bad):
            _add(chunk, reader, columns, unit, state)
            state.bad.settle(reader.path.name, reader.unit, reader.locate, last=False)
            task.advance(chunk.done - done)
            done = chunk.done
    state.bad.settle(reader.path.name, reader.unit, reader.locate, last=True)


def _add(chunk: Chunk, reader: Reader, columns: Columns, unit: TimeUnit, state: _State) -> None:
    names = columns.names
    n = len(chunk.records)
    users = parse_ids(chunk.columns[names["user"]], "user id", state.users)
    items = parse_ids(chunk.columns[names["item"]], "item id", state.items)
    found = [*users.faults, *items.faults]
    times = positions = np.full(n, MISSING, np.int64)
    weights = np.full(n, np.nan, np.float32)
    if "time" in names:
        parsed = parse_times(chunk.columns[names["time"]], "time", unit)
        times = parsed.seconds
        # A fraction of a second orders events inside it, unless an order column does.
        positions = np.where(parsed.micros > 0, parsed.micros, MISSING)
        found += parsed.faults
        state.forms |= parsed.forms
    if "order" in names:
        order = parse_whole(chunk.columns[names["order"]], "order")
        positions = order.values
        found += order.faults
        blank = np.flatnonzero(positions == MISSING)
        found.append(Fault("order is blank", blank, lambda _: "order is blank"))
    if "weight" in names:
        weight = parse_number(chunk.columns[names["weight"]], "weight")
        weights = weight.values
        found += weight.faults
    good = set_aside(chunk, found, state.bad)
    if "time" in names:
        blank = np.flatnonzero(good & (times == MISSING))
        if len(blank) and not state.blank_times:
            line = reader.locate([int(chunk.records[blank[0]])])[0]
            state.first_blank = f"{reader.path.name} {reader.unit} {line}"
        state.blank_times += len(blank)
    numbers = state.number + np.arange(n)
    state.number += n
    events = Events(users.values, items.values, times, positions, weights, numbers, np.zeros(n, bool))
    state.builder.add(events if good.all() else events.take(good))


def _time_unit(reader: Reader, columns: Columns, layout: InteractionLayout) -> TimeUnit:
    if layout.time_unit is not None:
        return layout.time_unit
    names = {plain(name) for name in reader.names}
    amazon_2023 = "parentasin" in names and plain(columns.names.get("time", "")) == "timestamp"
    return "ms" if amazon_2023 else "s"
