"""What is understood as a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.catalogue._arrays import MISSING
from guided_store.catalogue._times import parse_moment, parse_times, utc
from guided_store.errors import UsageError

MOMENTS = st.datetimes(datetime(1930, 1, 1), datetime(2600, 1, 1))


@given(st.lists(MOMENTS, min_size=1, max_size=5), st.sampled_from([None, 0, 330, -480]))
def test_iso_strings_agree_with_python(moments: list[datetime], offset: int | None) -> None:
    zone = None if offset is None else timezone(timedelta(minutes=offset))
    text = [moment.replace(tzinfo=zone).isoformat() for moment in moments]
    times = parse_times(pa.array(text), "time", "s")
    exact = [moment.replace(tzinfo=zone or UTC) - datetime(1970, 1, 1, tzinfo=UTC) for moment in moments]
    assert times.seconds.tolist() == [gap // timedelta(seconds=1) for gap in exact]
    assert times.micros.tolist() == [gap.microseconds for gap in exact]
    assert times.faults == []
    assert times.forms == {"ISO 8601"}


@pytest.mark.parametrize("text", ["2001-09-09", "2001-09-09 00:00", "2001-09-09T00:00:00Z", " 2001-09-09 "])
def test_forms_of_iso_dates(text: str) -> None:
    # Beside a string that Arrow cannot parse, and alone.
    for column in ([text], [text, "20010909T000000", "", "x"]):
        times = parse_times(pa.array(column), "time", "s")
        assert times.seconds[0] == 999993600
    assert times.seconds.tolist() == [999993600, 999993600, MISSING, MISSING]
    assert [fault.rows.tolist() for fault in times.faults] == [[3]]


@pytest.mark.parametrize(
    "unit, value, seconds, micros",
    [
        ("s", 1_000_000_000, 1_000_000_000, 0),
        ("ms", 1_000_000_000_123, 1_000_000_000, 123_000),
        ("us", 1_000_000_000_123_456, 1_000_000_000, 123_456),
        ("ns", 1_000_000_000_123_456_789, 1_000_000_000, 123_456),
        ("ms", -1, -1, 999_000),
    ],
)
def test_numbers_in_every_unit_and_type(unit: str, value: int, seconds: int, micros: int) -> None:
    for column in (
        pa.array([value, None]),
        pa.array([str(value), ""]),
        pa.array([str(value).encode(), None]),
    ):
        times = parse_times(column, "time", unit)  # type: ignore[arg-type]
        assert times.seconds.tolist() == [seconds, MISSING]
        assert times.micros.tolist() == [micros, 0]


def test_fractions_of_seconds_and_exponents() -> None:
    for column in (pa.array([1.5, 964e6, float("nan")]), pa.array(["1.5", "964e6", "nan"])):
        times = parse_times(column, "time", "s")
        assert times.seconds.tolist() == [1, 964_000_000, MISSING]
        assert times.micros.tolist() == [500_000, 0, 0]
        assert [fault.rows.tolist() for fault in times.faults] == [[2]]


def test_milliseconds_taken_for_seconds_are_named() -> None:
    for column in (
        pa.array([1, 1_600_000_000_000]),
        pa.array(["1", "1600000000000"]),
        pa.array([1.0, 1.6e12]),
    ):
        (fault,) = parse_times(column, "time", "s").faults
        assert fault.rows.tolist() == [1]
        assert "--time-unit ms" in fault.reason(1)


def test_arrow_dates_and_timestamps() -> None:
    days = parse_times(pa.array([date(1970, 1, 2), None]), "time", "s")
    assert days.seconds.tolist() == [86_400, MISSING]
    stamps = pa.array([1_500_000_001, None], pa.timestamp("ns", "Asia/Tokyo"))
    times = parse_times(stamps, "time", "ms")  # the unit is the type's own
    assert times.seconds.tolist() == [1, MISSING]
    assert times.micros.tolist() == [500_000, 0]


@pytest.mark.parametrize(
    "moment, seconds",
    [(5, 5), ("5", 5), (4.2, 5), ("2001-09-09", 999993600), ("2001-09-09T02:00+02:00", 999993600)],
)
def test_a_moment(moment: str | float, seconds: int) -> None:
    assert parse_moment(moment) == seconds


@pytest.mark.parametrize("moment", ["soon", "", "nan", "inf", 1e18, "2001-13-01"])
def test_no_moment(moment: str | float) -> None:
    with pytest.raises(UsageError, match="neither a time in seconds"):
        parse_moment(moment)


def test_utc_words() -> None:
    assert utc(float(np.int64(0))) == "1970-01-01 00:00:00 UTC"
