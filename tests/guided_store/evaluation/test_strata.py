"""Head and tail, short and long: by hand, and by what must hold for any counts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.errors import UsageError
from guided_store.evaluation import (
    length_strata,
    per_case,
    per_stratum,
    popularity_bounds,
    popularity_strata,
)

COUNTS = st.lists(st.integers(0, 30), min_size=1, max_size=60).filter(any).map(np.array)


def test_bounds_by_hand() -> None:
    counts = np.array([9, 50, 3, 1, 20, 8, 7, 2, 6, 5, 0, 0])  # ten items seen, two never
    assert popularity_bounds(counts) == (20,)
    assert popularity_bounds(counts, (0.2, 0.5)) == (20, 7)


def test_a_share_is_not_rounded_up_by_floating_point() -> None:
    assert popularity_bounds(np.arange(1, 16)) == (13,)  # 3 of 15, though 0.2 * 15 > 3 in floats


def test_cases_by_hand() -> None:
    found = popularity_strata(np.array([20, 19, 7, 6, 0]), (20, 7))
    assert {name: inside.tolist() for name, inside in found.items()} == {
        "head": [True, False, False, False, False],
        "torso": [False, True, True, False, False],
        "tail": [False, False, False, True, True],
    }


@given(COUNTS, st.floats(0.01, 0.99))
def test_the_head_is_the_smallest_set_of_whole_counts_that_reaches_its_share(
    counts: np.ndarray, share: float
) -> None:
    (bound,) = popularity_bounds(counts, (share,))
    seen = (counts > 0).sum()
    assert (counts >= bound).sum() >= share * seen - 1e-6
    assert (counts > bound).sum() < share * seen + 1e-6


@given(COUNTS, st.sampled_from([(0.2,), (0.2, 0.5)]))
def test_every_case_is_in_one_stratum(counts: np.ndarray, shares: tuple[float, ...]) -> None:
    strata = popularity_strata(counts, popularity_bounds(counts, shares))
    np.testing.assert_array_equal(np.sum(list(strata.values()), axis=0), 1)
    assert strata["head"].any()
    assert not strata["head"][counts == 0].any()


def test_lengths_divide_at_the_median() -> None:
    found = length_strata(np.array([3, 5, 5, 9]))
    assert found["short"].tolist() == [True, True, True, False]
    assert found["long"].tolist() == [False, False, False, True]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.data())
def test_strata_weighted_by_their_shares_give_the_total(ranks: list[int], data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=len(ranks), max_size=len(ranks)))
    values = per_case(ranks)
    found = per_stratum(values, length_strata(np.array(lengths)))
    assert sum(stratum.cases for stratum in found.values()) == len(ranks)
    for metric, column in values.items():
        total = sum(s.share * (s.metrics[metric] or 0.0) for s in found.values())
        assert total == pytest.approx(column.mean())


def test_an_empty_stratum_has_no_figure() -> None:
    found = per_stratum({"x": np.ones(2)}, length_strata(np.array([4, 4])))["long"]
    assert found.to_dict() == {"name": "long", "cases": 0, "share": 0.0, "metrics": {"x": None}}
    assert json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("shares", [(), (0.0,), (1.0,), (0.5, 0.2), (0.2, 0.2), (0.1, 0.2, 0.3)])
def test_wrong_shares_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="one or two growing"):
        popularity_bounds(np.array([3, 1]), shares)


def test_what_cannot_be_divided_is_refused() -> None:
    with pytest.raises(UsageError, match="no item has a training event"):
        popularity_bounds(np.zeros(3, np.int64))
    with pytest.raises(UsageError, match="no case"):
        length_strata(np.zeros(0, np.int64))
    with pytest.raises(UsageError, match="one or two bounds"):
        popularity_strata(np.array([1]), ())
    with pytest.raises(UsageError, match="2 cases"):
        per_stratum({"x": np.ones(3)}, {"head": np.ones(2, np.bool_)})
