"""Likeness of ranked lists, against the paper's example, hand-computed fractions and plain code."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from guided_store.errors import UsageError
from guided_store.geometry import list_overlap_at, order_agreement, rank_biased_overlap
from guided_store.geometry._ranked import shared_at_depth

WIDTH = 6
LISTS = st.lists(st.integers(0, 9), max_size=WIDTH, unique=True)


def padded(*lists: list[int] | str) -> np.ndarray:
    """Lists of numbers or letters as rows of one width."""
    rows = [[ord(item) if isinstance(item, str) else item for item in row] for row in lists]
    width = max(WIDTH, *map(len, rows))
    return np.array([row + [-1] * (width - len(row)) for row in rows], np.int32)


def rbo_ext(one: list[int], other: list[int], p: float) -> float:
    """Equation 32 of Webber, Moffat and Zobel (2010), with sets and loops."""
    short, long = sorted((one, other), key=len)
    s, l = len(short), len(long)  # noqa: E741

    def x(depth: int) -> int:
        return len(set(short[:depth]) & set(long[:depth]))

    first = sum(x(d) / d * p**d for d in range(1, l + 1))
    second = sum(x(s) * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1))
    return (1 - p) / p * (first + second) + ((x(l) - x(s)) / l + x(s) / s) * p**l


def test_agreement_at_each_depth_is_that_of_the_papers_example() -> None:
    # Their figure of average overlap: agreement 0, 0, .667, .5, .4, .333, .286 at depths 1 to 7.
    shared = shared_at_depth(padded("abcdefg"), padded("zcavwxy"))[0]
    assert shared.tolist() == [0, 0, 2, 2, 2, 2, 2]
    assert np.round(shared / np.arange(1, 8), 3).tolist() == [0, 0, 0.667, 0.5, 0.4, 0.333, 0.286]


def test_the_papers_example_by_hand() -> None:
    p = Fraction(9, 10)
    terms = sum(Fraction(2, d) * p**d for d in range(3, 8))
    by_hand = (1 - p) / p * terms + Fraction(2, 7) * p**7
    found = rank_biased_overlap(padded("abcdefg"), padded("zcavwxy"))
    assert found[0] == pytest.approx(float(by_hand), abs=1e-12)


def test_two_swapped_items_by_hand() -> None:
    # X = 0, 2: (1 - p)/p (0 p + 2/2 p^2) + 2/2 p^2 = (1 - p) p + p^2 = p
    assert rank_biased_overlap(np.array([[1, 2]]), np.array([[2, 1]]), 0.7)[0] == pytest.approx(0.7)


def test_a_list_that_goes_on_where_the_other_ends() -> None:
    # One item seen of one list, all that is known agrees: nothing speaks against 1.
    assert rank_biased_overlap(padded([5]), padded([5, 6, 7]))[0] == pytest.approx(1.0)


@settings(deadline=None)
@given(LISTS.filter(bool), LISTS.filter(bool), st.floats(0.05, 0.98))
def test_rbo_agrees_with_plain_code_on_lists_of_any_length(
    one: list[int], other: list[int], p: float
) -> None:
    found = rank_biased_overlap(padded(one), padded(other), p)[0]
    assert found == pytest.approx(rbo_ext(one, other, p), abs=1e-12)
    assert found == rank_biased_overlap(padded(other), padded(one), p)[0]
    assert 0 <= found <= 1


@settings(deadline=None)
@given(st.lists(LISTS.filter(bool), min_size=1, max_size=5))
def test_a_list_is_wholly_like_itself(lists: list[list[int]]) -> None:
    rows = padded(*lists)
    assert rank_biased_overlap(rows, rows).tolist() == [1.0] * len(rows)
    assert list_overlap_at(rows, rows, 3).tolist() == [1.0] * len(rows)
    assert [tau for tau in order_agreement(rows, rows).tolist() if tau == tau] == [1.0] * sum(
        len(row) > 1 for row in lists
    )


def test_lists_with_nothing_in_common_and_empty_lists() -> None:
    one, other = padded([1, 2], [1], [], []), padded([3, 4], [], [1], [])
    assert rank_biased_overlap(one, other).tolist()[:3] == [0, 0, 0]
    assert list_overlap_at(one, other, 2).tolist()[:3] == [0, 0, 0]
    assert np.isnan(rank_biased_overlap(one, other)[3])
    assert np.isnan(list_overlap_at(one, other, 2)[3])
    assert np.isnan(order_agreement(one, other)).all()


@settings(deadline=None)
@given(LISTS, LISTS)
def test_order_agrees_with_scipys_tau(one: list[int], other: list[int]) -> None:
    common = [item for item in one if item in other]
    found = order_agreement(padded(one), padded(other))[0]
    if len(common) < 2:
        assert np.isnan(found)
    else:
        places = [other.index(item) for item in common]
        assert found == pytest.approx(stats.kendalltau(range(len(common)), places).statistic)


def test_overlap_divides_by_the_longer_of_short_lists() -> None:
    one, other = padded([1, 2, 3, 4], [1, 2]), padded([4, 3, 9, 1], [2, 7, 8])
    assert list_overlap_at(one, other, 4).tolist() == [3 / 4, 1 / 3]
    assert list_overlap_at(one, other, 2).tolist() == [0, 1 / 2]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    one, other = (np.stack([random.permutation(30)[:10] for _ in range(50)]) for _ in range(2))
    whole = rank_biased_overlap(one, other), order_agreement(one, other)
    monkeypatch.setattr("guided_store.geometry._ranked._AT_ONCE", 300)
    assert (rank_biased_overlap(one, other) == whole[0]).all()
    np.testing.assert_array_equal(order_agreement(one, other), whole[1])


@pytest.mark.parametrize("p", [0.0, 1.0, -1.0])
def test_a_persistence_outside_its_range_is_refused(p: float) -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        rank_biased_overlap(padded([1]), padded([1]), p)


def test_lists_of_other_cases_are_refused() -> None:
    with pytest.raises(UsageError, match="the same cases"):
        rank_biased_overlap(padded([1]), padded([1], [2]))
    with pytest.raises(UsageError, match="1 or more"):
        list_overlap_at(padded([1]), padded([1]), 0)
