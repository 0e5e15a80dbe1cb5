"""Coverage, Gini and personalisation: by hand, by brute force, and under another draw of users."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.beyond import coverage, exposure, gini, jackknife_interval, personalisation

N_ITEMS = 7


@st.composite
def some_lists(draw: st.DrawFn) -> NDArray[np.int32]:
    """Up to 8 lists of 3 different items among 7, some cut short by -1."""
    seed, rows = draw(st.integers(0, 10_000)), draw(st.integers(1, 8))
    random = np.random.default_rng(seed)
    lists = np.argsort(random.random((rows, N_ITEMS)), axis=1)[:, :3].astype(np.int32)
    lists[np.arange(3) >= random.integers(0, 4, (rows, 1))] = -1
    return lists


def array(lists: Any) -> NDArray[np.int32]:
    return np.array(lists, np.int32)


def test_by_hand() -> None:
    lists = array([[0, 1], [0, 2], [0, -1]])
    assert exposure(lists, 4).tolist() == [3, 1, 1, 0]
    assert coverage(lists, 4).value == 3 / 4
    # Sorted 0 1 1 3: weights -3 -1 1 3 give -1 + 1 + 9 = 9, over 4 items and 5 showings.
    assert gini(lists, 4).value == pytest.approx(9 / 20)
    # Each of the three pairs shares item 0, of k = 2.
    assert personalisation(lists, 4).value == pytest.approx(1 - 1 / 2)


def test_extremes() -> None:
    same, apart = array([[0, 1]] * 3), array([[0, 1], [2, 3], [4, 5]])
    assert personalisation(same, 6).value == 0
    assert personalisation(apart, 6).value == 1
    assert coverage(apart, 6).value == 1
    assert gini(apart, 6).value == 0
    assert gini(array([[0]] * 5), 100).value == pytest.approx(0.99)


def test_nothing_to_measure_is_nan_and_no_warning() -> None:
    nothing = array([[-1, -1], [-1, -1]])
    assert coverage(nothing, 5).value == 0
    assert np.isnan(gini(nothing, 5).value)
    assert np.isnan(personalisation(array([[0, 1]]), 5).value)


@settings(deadline=None)
@given(some_lists())
def test_bounds_and_order_of_users(lists: NDArray[np.int32]) -> None:
    shuffled = np.random.default_rng(0).permutation(lists)
    for measure in (coverage, gini, personalisation):
        one, other = measure(lists, N_ITEMS), measure(shuffled, N_ITEMS)
        assert np.isnan(one.value) or -1e-12 <= one.value <= 1
        assert one.value == pytest.approx(other.value, nan_ok=True)
        assert sorted(one.effects) == pytest.approx(sorted(other.effects), nan_ok=True)


@settings(deadline=None)
@given(some_lists())
def test_against_pairs_one_by_one(lists: NDArray[np.int32]) -> None:
    sets = [{int(item) for item in row if item >= 0} for row in lists]
    assert coverage(lists, N_ITEMS).value == len(set().union(*sets)) / N_ITEMS
    overlaps = [len(a & b) / 3 for a, b in combinations(sets, 2)]
    if overlaps and any(sets):
        assert personalisation(lists, N_ITEMS).value == pytest.approx(1 - np.mean(overlaps))
    counts = exposure(lists, N_ITEMS)
    if counts.any():
        apart = sum(abs(int(a) - int(b)) for a, b in combinations(counts, 2))
        assert gini(lists, N_ITEMS).value == pytest.approx(apart / (N_ITEMS * counts.sum()))


@settings(deadline=None)
@given(some_lists(), st.integers(0, 100))
def test_effects_are_those_of_leaving_a_user_out(lists: NDArray[np.int32], seed: int) -> None:
    # Users of several cases each.
    users = np.random.default_rng(seed).integers(0, 4, len(lists)).astype(np.int64)
    for measure in (coverage, personalisation):
        whole = measure(lists, N_ITEMS, users)
        for place, user in enumerate(np.unique(users)):
            left = measure(lists[users != user], N_ITEMS, users[users != user]).value
            if not np.isnan(left) and (users != user).any():
                assert whole.value + whole.effects[place] == pytest.approx(left)


def test_effects_of_gini_err_by_ties_within_lists_alone() -> None:
    random = np.random.default_rng(1)
    weight = 1 / np.arange(1, 201)
    lists = np.argsort(random.gumbel(size=(300, 200)) + np.log(weight), axis=1)[:, -10:].astype(np.int32)
    whole = gini(lists, 200)
    exact = np.array([gini(np.delete(lists, user, 0), 200).value for user in range(300)]) - whole.value
    assert np.abs(whole.effects - exact).max() < 0.1 * exact.std()
    # Without equal exposures among a user's items nothing is missed.
    distinct = array([[0, 1], [0, 1], [0, 2], [0, 1]])
    assert gini(distinct, 3).effects[3] == pytest.approx(
        gini(distinct[:3], 3).value - gini(distinct, 3).value
    )


def test_intervals_hold_what_other_users_would_show() -> None:
    """400 draws of 150 users: the interval of one draw is as wide as the draws scatter, or a little wider."""
    random = np.random.default_rng(2)
    appeal = np.log(1 / np.arange(1, 121) ** 1.2)
    draws = np.argsort(random.gumbel(size=(400, 150, 120)) + appeal, axis=2)[:, :, -5:].astype(np.int32)
    for measure in (coverage, gini, personalisation):
        wholes = [measure(lists, 120) for lists in draws]
        values = np.array([whole.value for whole in wholes])
        ends = np.array([jackknife_interval(whole.value, whole.effects, 0.95) for whole in wholes])
        held = (ends[:, 0] <= values.mean()) & (values.mean() <= ends[:, 1])
        assert held.mean() > 0.92
        widths = (ends[:, 1] - ends[:, 0]) / 2 / 1.96
        assert 0.9 < widths.mean() / values.std() < 1.6
