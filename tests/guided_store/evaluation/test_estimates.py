"""Means and ratios of sums with intervals over users."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from guided_store.evaluation import (
    Estimate,
    bootstrap_intervals,
    bootstrap_means,
    bootstrap_ratios,
    metric_name,
    mixed_quantile,
    user_totals,
)


def test_a_ratio_of_sums_with_users_as_units() -> None:
    users = np.repeat(np.arange(40), 2)
    above, below = np.arange(80.0)[:, None], np.full((80, 1), 2.0)
    (found,) = bootstrap_ratios(users, above, below)
    assert found.value == pytest.approx(39.5 / 2)
    # The mean of 40 users whose means are 0.5, 2.5, ..., 78.5, halved.
    error = np.arange(0.5, 80, 2).std() / np.sqrt(40) / 2
    assert found.interval is not None
    np.testing.assert_allclose(found.interval, stats.norm.interval(0.95, 39.5 / 2, error), atol=0.15 * error)


def test_means_are_those_of_plain_intervals() -> None:
    random = np.random.default_rng(0)
    users, values = random.integers(0, 30, 90), random.normal(size=(90, 2))
    plain = bootstrap_intervals(users, {"a": values[:, 0], "b": values[:, 1]})
    found = bootstrap_means(users, values)
    assert [one.value for one in found] == pytest.approx(values.mean(axis=0).tolist())
    for one, interval in zip(found, plain.values(), strict=True):
        assert one.interval == pytest.approx(interval)


def test_undefined_values_are_left_out() -> None:
    values = np.tile([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]], (20, 1))
    some, none = bootstrap_means(np.arange(60), values)
    assert some.value == pytest.approx(2)
    assert some.interval is not None
    assert none.to_dict() == {"value": None, "low": None, "high": None}


def test_a_handful_has_a_figure_but_no_interval() -> None:
    few = np.full((50, 1), np.nan)
    few[:2] = [[0.2], [0.4]]
    (found,) = bootstrap_means(np.arange(50), few)
    assert found.value == pytest.approx(0.3)
    assert found.interval is None
    (one,) = bootstrap_means(np.zeros(9, np.int64), np.arange(9.0)[:, None])
    assert (one.value, one.interval) == (4, None)
    nothing = bootstrap_ratios(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 1)))
    assert [np.isnan(each.value) for each in nothing] == [True] * 3
    assert Estimate(1.0, 0.5, 2.0).to_dict() == {"value": 1.0, "low": 0.5, "high": 2.0}


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_totals_by_user(numbers: list[int]) -> None:
    users = np.array(numbers)
    columns = np.column_stack([np.arange(len(users)), np.ones(len(users))])
    expected = [columns[users == user].sum(axis=0) for user in np.unique(users)]
    np.testing.assert_array_equal(user_totals(users, columns), expected)


@pytest.mark.parametrize("freedom", [1, 2, 8])
def test_the_quantile_lies_between_student_and_normal(freedom: int) -> None:
    found = mixed_quantile(np.full(3, 0.05), np.array([0.0, 0.25, 1.0]), freedom)
    normal, student = stats.norm.ppf(0.975), stats.t.ppf(0.975, freedom)
    np.testing.assert_allclose(found, [normal, 0.75 * normal + 0.25 * student, student])


def test_metrics_by_name() -> None:
    assert [metric_name(one) for one in ("mrr", "ndcg@10", "coverage")] == ["MRR", "NDCG@10", "coverage"]
