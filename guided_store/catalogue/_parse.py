"""From a file's columns to codes, times and numbers, by whole arrays; what is wrong is named by row."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.catalogue._arrays import (
    INTEGER,
    MISSING,
    NUMBER,
    Fault,
    cast_all,
    faults,
    filled,
    is_text,
    match,
    nulls,
    plain_array,
    take,
    trimmed_text,
)
from guided_store.catalogue._ids import Vocabulary

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass
class Parsed:
    """One column, parsed: `values` with `MISSING` (or NaN, or -1 for ids) where blank or at fault."""

    values: NDArray[Any]
    faults: list[Fault] = field(default_factory=list)


def parse_ids(column: Any, name: str, vocabulary: Vocabulary) -> Parsed:
    """Codes int32 of an id column; -1 where the id is blank or cannot be read.

    White space around ids is removed; whole numbers become their digits.
    """
    column = plain_array(column, name)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    ids, wrong = _clean_ids(encoded.dictionary.to_pylist())
    indices = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    usable = np.array([reason is None for reason in wrong], bool)
    table = np.full(len(ids) + 1, -1, np.int32)  # the last one is for null
    # Only what occurs: a Parquet dictionary may hold values of other rows.
    seen = np.zeros(len(ids), bool)
    seen[indices[indices >= 0]] = True
    places = np.flatnonzero(usable & seen)
    table[places] = vocabulary.encode([ids[place] for place in places])
    codes = table[indices]
    found: list[Fault] = []
    if (codes < 0).any():
        rows = np.flatnonzero(codes < 0)
        reasons = [*wrong, "is blank"]
        for kind in dict.fromkeys(str(reasons[place]) for place in np.unique(indices[rows])):
            of_kind = rows[[reasons[place] == kind for place in indices[rows]]]
            found.append(Fault(f"{name} {kind}", of_kind, partial(_say, f"{name} {kind}")))
    return Parsed(codes, found)


def parse_whole(column: Any, name: str) -> Parsed:
    """Whole numbers as int64, `MISSING` where blank; everything else is a fault."""
    column = plain_array(column, name)
    values = np.full(len(column), MISSING, np.int64)
    if pa.types.is_integer(column.type):
        return Parsed(filled(column.cast(pa.int64()), MISSING).astype(np.int64, copy=False))
    if pa.types.is_floating(column.type):
        numbers = filled(column.cast(pa.float64()), 0.0)
        present = ~nulls(column)
        good = present & np.isfinite(numbers) & (np.floor(numbers) == numbers) & (np.abs(numbers) < 2**53)
        values[good] = numbers[good].astype(np.int64)
        return Parsed(values, faults(name, "is not a whole number", present & ~good, column))
    text, present, unreadable = trimmed_text(column)
    at_once = cast_all(text, present, pa.int64())
    if at_once is not None:
        return Parsed(at_once)
    whole = match(text, INTEGER) & present
    values[whole] = take(text, whole).cast(pa.int64()).to_numpy()
    # "3.0": what a spreadsheet or a data frame makes of whole numbers beside blanks.
    pointed = match(text, r"^[+-]?[0-9]{1,15}\.0*$") & present & ~whole
    values[pointed] = take(text, pointed).cast(pa.float64()).to_numpy().astype(np.int64)
    wrong = (present & ~whole & ~pointed) | unreadable
    return Parsed(values, faults(name, "is not a whole number", wrong, text))


def parse_number(column: Any, name: str) -> Parsed:
    """Finite numbers as float32, NaN where blank; everything else is a fault."""
    column = plain_array(column, name)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = filled(column.cast(pa.float64()), np.nan)
        wrong = ~nulls(column) & ~np.isfinite(numbers)
        numbers = np.where(wrong, np.nan, numbers)
        return Parsed(numbers.astype(np.float32), faults(name, "is not a finite number", wrong, column))
    text, present, unreadable = trimmed_text(column)
    at_once = cast_all(text, present, pa.float32())
    if at_once is not None and np.isfinite(at_once).all():
        return Parsed(at_once)
    good = match(text, NUMBER) & present
    values = np.full(len(column), np.nan)
    values[good] = take(text, good).cast(pa.float64()).to_numpy()
    finite = np.isfinite(values.astype(np.float32))
    wrong = (present & ~(good & finite)) | unreadable
    values[wrong] = np.nan
    return Parsed(values.astype(np.float32), faults(name, "is not a finite number", wrong, text))


def text_column(column: Any, name: str) -> tuple[Any, list[Fault]]:
    """A column as strings with null for blanks; invalid UTF-8 is a fault."""
    column = plain_array(column, name)
    if not is_text(column.type):
        return column, []
    text, present, unreadable = trimmed_text(column)
    text = pc.if_else(pa.array(~present), pa.scalar(None, pa.string()), text)
    return text, faults(name, "is not valid UTF-8", unreadable, None)


def _say(reason: str, _: int) -> str:
    return reason


def _clean_ids(values: list[Any]) -> tuple[list[str], list[str | None]]:
    """Ids as text, and what is wrong with each (None: nothing)."""
    ids: list[str] = []
    wrong: list[str | None] = []
    for value in values:
        reason: str | None = None
        if isinstance(value, bytes):
            try:
                value = value.decode()
            except UnicodeDecodeError:
                value, reason = "", "is not valid UTF-8"
        if isinstance(value, float):
            if value.is_integer():
                value = int(value)
            else:
                value, reason = "", "is NaN" if value != value else "is a number with a fraction"
        name = str(value).strip() if value is not None else ""
        if reason is None and not name:
            reason = "is blank"
        elif reason is None and _CONTROL.search(name):
            reason = "holds a control character"
        ids.append(name)
        wrong.append(reason)
    return ids, wrong
