"""The hard stop: whatever happens, spent and reserved money stays within the maximum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.runs._budget import Budget


def test_what_is_in_flight_counts() -> None:
    budget = Budget(1.0, spent=0.25)
    assert budget.reserve(0.5)
    assert not budget.reserve(0.5)
    assert budget.in_flight == 1
    budget.settle(0.5, 0.125)  # it cost less: now the other fits
    assert budget.reserve(0.5)
    assert (budget.spent, budget.reserved, budget.in_flight) == (0.375, 0.5, 1)


def test_without_a_maximum_all_fits_and_is_counted() -> None:
    budget = Budget(None, spent=0.0)
    assert all(budget.reserve(1e9) for _ in range(3))
    budget.settle(1e9, 2.0)
    assert (budget.spent, budget.in_flight) == (2.0, 2)


def test_nothing_may_cost_nothing() -> None:
    assert Budget(0.0, spent=0.0).reserve(0.0)
    assert not Budget(0.0, spent=0.0).reserve(1e-9)


@given(
    st.floats(0, 10),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1), st.booleans()), max_size=60),
)
def test_it_is_never_exceeded(maximum: float, requests: list[tuple[float, float, bool]]) -> None:
    budget = Budget(maximum, spent=0.0)
    flying: list[tuple[float, float]] = []
    for bound, share, settle_first in requests:
        if settle_first and flying:
            budget.settle(*flying.pop(0))
        if budget.reserve(bound):
            flying.append((bound, bound * share))
        assert budget.spent + budget.reserved <= maximum * (1 + 1e-12)
        assert budget.in_flight == len(flying)
    paid = budget.spent + sum(actual for _, actual in flying)
    for bound, actual in flying:
        budget.settle(bound, actual)
    assert budget.reserved == 0.0
    assert budget.spent == pytest.approx(paid)
    assert budget.spent <= maximum * (1 + 1e-12)
