"""Bars and roundings."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli._bars import EIGHTHS, bar, rounded_parts, signed

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.integers(0, 4))
def test_rounded_parts_add_up_and_are_next_to_the_exact_ones(parts: list[float], decimals: int) -> None:
    rounded, total = rounded_parts(parts, decimals)
    unit = 10**decimals
    assert round(sum(round(value * unit) for value in rounded)) == round(total * unit)
    assert total == pytest.approx(math.fsum(parts), abs=0.5 / unit + 1e-6)
    for exact, shown in zip(parts, rounded, strict=True):
        assert abs(exact - shown) <= 1 / unit + 1e-6


def test_rounded_parts_of_thirds() -> None:
    assert rounded_parts([1 / 3, 1 / 3, 1 / 3]) == ([0.34, 0.33, 0.33], 1.0)


def test_what_is_on_the_grid_stays() -> None:
    assert rounded_parts([0.25, -0.5, 2.0]) == ([0.25, -0.5, 2.0], 1.75)


@given(NUMBERS, st.floats(1e-3, 1e6), st.integers(1, 60))
def test_bars_fit_and_show_what_is_not_zero(value: float, full: float, width: int) -> None:
    drawn = bar(value, full, width)
    assert len(drawn) <= width
    assert bool(drawn) == (value != 0)
    plain = bar(value, full, width, blocks=False)
    assert len(plain) <= width
    assert set(plain) <= {"+" if value > 0 else "-"}


def test_bar_lengths_are_in_proportion() -> None:
    assert bar(1, 1, 4) == "████"
    assert bar(-0.5, 1, 4) == "██"
    assert bar(0.03125, 1, 4) == EIGHTHS[0]
    assert bar(0.3, 1, 4, blocks=False) == "+"
    assert bar(-1, 1, 3, blocks=False) == "---"


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_no_bar_for_what_has_no_length(value: float) -> None:
    assert bar(value, 1, 10) == ""


def test_signs_are_always_there() -> None:
    assert signed(0.824) == "+0.82"
    assert signed(-0.31) == "−0.31"
    assert signed(-0.31, blocks=False) == "-0.31"
