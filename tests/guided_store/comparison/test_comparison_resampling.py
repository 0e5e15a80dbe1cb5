"""Intervals and tests of models over users, and of recipes over seeds and users."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.comparison._resampling import apart, draw, interval
from guided_store.evaluation import bootstrap_intervals


def runs(
    random: np.random.Generator, seeds: int, users: int, spread: float, mean: float = 1.0
) -> list[dict[str, NDArray[np.float64]]]:
    """Values of one metric, each seed shifted by its own luck."""
    luck = random.normal(0, spread, seeds)
    return [{"m": mean + luck[seed] + random.normal(0, 1, users)} for seed in range(seeds)]


def test_one_model_has_the_bootstrap_interval_of_evaluation() -> None:
    random = np.random.default_rng(1)
    users, values = random.integers(0, 30, 100), random.random(100)
    drawn = draw(users, {"a": [{"m": values}]}, replicates=500, seed=3)["a"]
    low, high = interval(drawn)
    expected = bootstrap_intervals(users, {"m": values}, replicates=500, seed=3)["m"]
    assert (low[0], high[0]) == pytest.approx(expected)
    assert drawn.value[0] == pytest.approx(values.mean())
    assert drawn.seed_variance[0] == 0


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_resampled_seeds_vary_as_a_mean_of_seeds_does(seeds: int) -> None:
    """Users are all alike here, so that what varies is the seeds: the variance must be s^2 / n, not less."""
    levels = np.linspace(0.2, 0.8, seeds)
    systems = {"a": [{"m": np.full(50, level)} for level in levels]}
    drawn = draw(np.arange(50), systems, replicates=20_000, seed=0)["a"]
    expected = levels.var(ddof=1) / seeds
    assert drawn.on_both.var() == pytest.approx(expected, rel=0.05)
    assert drawn.seed_variance[0] == pytest.approx(expected)
    assert drawn.on_users.var() == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize(("seeds", "spread"), [(2, 0.02), (2, 0.2), (2, 1.0), (3, 0.2), (5, 0.2)])
def test_a_recipe_against_itself_is_seldom_called_different(seeds: int, spread: float) -> None:
    """Users' noise is 1 / sqrt(150) = 0.08: seeds scatter less, more, and far more than that."""
    random, reached, repetitions = np.random.default_rng(7), 0, 300
    for _ in range(repetitions):
        systems = {name: runs(random, seeds, 150, spread) for name in "ab"}
        drawn = draw(np.arange(150), systems, replicates=100)
        found = apart(drawn["b"], drawn["a"])
        assert found.p is not None
        reached += bool(found.p[0] < 0.05)
    # Three standard errors of 300 repetitions above 5 %.
    assert reached <= 0.088 * repetitions


def test_users_alone_would_call_seeds_of_one_recipe_different() -> None:
    """What the recipes' interval is for: on the same data, 95 % intervals over users miss 0 far oftener."""
    random, missed, covered = np.random.default_rng(8), 0, 0
    for _ in range(200):
        systems = {name: runs(random, 2, 150, 0.3) for name in "ab"}
        drawn = draw(np.arange(150), systems, replicates=100)
        low, high = np.quantile(drawn["b"].on_users - drawn["a"].on_users, [0.025, 0.975])
        missed += not low <= 0 <= high
        found = apart(drawn["b"], drawn["a"])
        covered += bool(found.low[0] <= 0 <= found.high[0])
    assert missed > 80
    assert covered > 180


def test_recipes_that_are_apart_are_found() -> None:
    random = np.random.default_rng(9)
    systems = {"a": runs(random, 3, 400, 0.02), "b": runs(random, 3, 400, 0.02, mean=1.5)}
    drawn = draw(np.arange(400), systems)
    found = apart(drawn["b"], drawn["a"])
    assert found.p is not None
    assert found.p[0] < 0.01
    assert found.low[0] > 0
    assert found.relative_low[0] < found.relative[0] < found.relative_high[0]
    assert found.relative[0] == pytest.approx(drawn["b"].value[0] / drawn["a"].value[0] - 1)


@settings(max_examples=30, deadline=None)
@given(
    seeds=st.tuples(st.integers(2, 4), st.integers(2, 4)),
    mean=st.floats(-0.3, 0.3),
    spread=st.floats(0, 0.5),
    seed=st.integers(0, 1000),
)
def test_p_is_below_5_per_cent_where_the_interval_is_without_0(
    seeds: tuple[int, int], mean: float, spread: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    systems = {"a": runs(random, seeds[0], 60, spread), "b": runs(random, seeds[1], 60, spread, 1 + mean)}
    drawn = draw(np.arange(60), systems, replicates=100)
    found = apart(drawn["b"], drawn["a"])
    assert found.p is not None
    assert (found.p[0] < 0.05) == (not found.low[0] <= 0 <= found.high[0])


def test_equal_runs_are_not_apart() -> None:
    values = [{"m": np.random.default_rng(0).random(40)} for _ in range(2)]
    drawn = draw(np.arange(40), {"a": values, "b": [dict(run) for run in values]}, replicates=50)
    found = apart(drawn["b"], drawn["a"])
    assert found.p is not None
    assert found.p[0] == 1
    assert found.difference[0] == 0


def test_a_ratio_to_nothing_is_not_said() -> None:
    nothing = {"m": np.zeros(20)}
    for count in (1, 2):
        drawn = draw(
            np.arange(20), {"a": [nothing] * count, "b": [{"m": np.ones(20)}] * count}, replicates=20
        )
        found = apart(drawn["b"], drawn["a"])
        assert np.isnan([found.relative[0], found.relative_low[0], found.relative_high[0]]).all()
        assert found.difference[0] == 1
