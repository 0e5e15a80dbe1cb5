"""Times: numbers since 1970, ISO 8601 strings and Arrow timestamps, as whole seconds and microseconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
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
    match,
    nulls,
    plain_array,
    take,
    trimmed_text,
)
from guided_store.catalogue._options import UNITS_PER_SECOND, TimeUnit
from guided_store.errors import UsageError

# Beyond the year 3000, numbers are in another unit than the one that was said.
LATEST = 32_503_680_000


@dataclass
class Times:
    """A parsed time column.

    Attributes:
        seconds: int64 (n,) since 1970, `MISSING` where blank.
        micros: int64 (n,) microseconds above the second.
        faults: rows that are no times.
        forms: what was met: "numbers", "ISO 8601" or "timestamps".
    """

    seconds: NDArray[np.int64]
    micros: NDArray[np.int64]
    faults: list[Fault] = field(default_factory=list)
    forms: set[str] = field(default_factory=set)


def parse_times(column: Any, name: str, unit: TimeUnit) -> Times:
    """Parse a column of times; numeric ones are in `unit`."""
    column = plain_array(column, name)
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        zone = None if pa.types.is_date(column.type) else column.type.tz
        exact = filled(column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64()), MISSING)
        seconds, micros = _split(exact.astype(np.int64, copy=False), 1_000_000)
        return Times(seconds, micros, [], {"timestamps"})
    if pa.types.is_integer(column.type):
        values = filled(column.cast(pa.int64()), MISSING).astype(np.int64, copy=False)
        return _checked(*_split(values, UNITS_PER_SECOND[unit]), name, unit, column)
    if pa.types.is_floating(column.type):
        numbers = filled(column.cast(pa.float64()), 0.0)
        present = ~nulls(column)
        good = present & np.isfinite(numbers)
        seconds, micros = _from_floats(np.where(good, numbers, 0.0), unit)
        times = _checked(np.where(good, seconds, MISSING), np.where(good, micros, 0), name, unit, column)
        times.faults += faults(name, "is not a number", present & ~good, column)
        return times
    return _from_text(column, name, unit)


def parse_moment(moment: str | float) -> int:
    """One moment as seconds since 1970: a number of seconds, or an ISO 8601 date (without a zone: UTC).

    Raises:
        UsageError: it is neither.
    """
    try:
        seconds = float(moment)
    except ValueError:
        try:
            return math.ceil(_iso(str(moment)).timestamp())
        except ValueError:
            pass
    else:
        if math.isfinite(seconds) and abs(seconds) < LATEST:
            return math.ceil(seconds)
    raise UsageError(f"{moment!r} is neither a time in seconds since 1970 nor an ISO 8601 date (2001-12-31)")


def utc(seconds: float) -> str:
    """Seconds since 1970 as "2001-12-31 23:59:59 UTC"."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _from_text(column: Any, name: str, unit: TimeUnit) -> Times:
    text, present, unreadable = trimmed_text(column)
    at_once = cast_all(text, present, pa.int64())
    if at_once is not None:
        return _checked(*_split(at_once, UNITS_PER_SECOND[unit]), name, unit, text)
    whole = match(text, INTEGER) & present
    values = np.full(len(text), MISSING, np.int64)
    values[whole] = take(text, whole).cast(pa.int64()).to_numpy()
    seconds, micros = _split(values, UNITS_PER_SECOND[unit])
    forms = {"numbers"} if whole.any() else set()
    wrong = unreadable
    rest = present & ~whole
    if rest.any():
        decimal = rest & match(text, NUMBER)
        if decimal.any():
            forms.add("numbers")
            numbers = take(text, decimal).cast(pa.float64()).to_numpy()
            seconds[decimal], micros[decimal] = _from_floats(numbers, unit)
        other = rest & ~decimal
        if other.any():
            stamps, failed = _from_iso(text.filter(pa.array(other)))
            seconds[other], micros[other] = _split(stamps, 1_000_000)
            bad = np.flatnonzero(other)[failed]
            wrong = wrong.copy()
            wrong[bad] = True
            if len(bad) < other.sum():
                forms.add("ISO 8601")
    times = _checked(seconds, micros, name, unit, text)
    times.faults += faults(name, "is neither a number nor an ISO 8601 date", wrong, text)
    times.forms = forms
    return times


def _from_iso(text: Any) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Microseconds since 1970 (MISSING where failed), and which failed."""
    zoned = match(text, r"[0-9]([Zz]|[+-][0-9]{2}:?[0-9]{2})$") & match(text, ":")
    micros = np.full(len(text), MISSING, np.int64)
    failed = np.zeros(len(text), bool)
    for mask, kind in ((zoned, pa.timestamp("us", "UTC")), (~zoned, pa.timestamp("us"))):
        if not mask.any():
            continue
        part = text.filter(pa.array(mask))
        try:
            micros[mask] = pc.cast(part, kind).cast(pa.int64()).to_numpy()
        except pa.ArrowInvalid:
            each = [_iso_micros(value) for value in part.to_pylist()]
            micros[mask] = [MISSING if value is None else value for value in each]
            failed[mask] = [value is None for value in each]
    return micros, failed


def _iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso_micros(text: str) -> int | None:
    try:
        span = _iso(text) - datetime(1970, 1, 1, tzinfo=UTC)
    except ValueError:
        return None
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def _split(values: NDArray[np.int64], scale: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Whole seconds and microseconds of whole numbers at `scale` to a second."""
    if scale == 1:
        return values, np.zeros(len(values), np.int64)
    seconds, rest = np.divmod(values, scale)
    missing = values == MISSING
    micros = rest * 1_000_000 // scale
    return np.where(missing, MISSING, seconds), np.where(missing, 0, micros)


def _from_floats(numbers: NDArray[np.float64], unit: TimeUnit) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    in_seconds = np.clip(numbers / UNITS_PER_SECOND[unit], -4e18, 4e18)
    seconds = np.floor(in_seconds)
    micros = np.minimum(np.round((in_seconds - seconds) * 1e6), 999_999)
    return seconds.astype(np.int64), micros.astype(np.int64)


def _checked(
    seconds: NDArray[np.int64], micros: NDArray[np.int64], name: str, unit: TimeUnit, shown: Any
) -> Times:
    late = seconds > LATEST
    finer = {"s": "ms", "ms": "us", "us": "ns", "ns": "ns"}[unit]
    what = f"lies after the year 3000 (is it not in {unit}, but --time-unit {finer}?)"
    found = faults(name, what, late, shown)
    return Times(np.where(late, MISSING, seconds), micros, found, {"numbers"})
