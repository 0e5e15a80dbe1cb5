"""Comparisons of two systems: by hand, by enumeration, and by what must hold for any ranks."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from guided_store.errors import UsageError
from guided_store.evaluation import (
    average_seeds,
    bootstrap_intervals,
    compare,
    compare_many,
    holm,
    per_case,
    randomisation_p,
    wilcoxon_p,
)

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=8)
QUICK = {"replicates": 200, "permutations": 200}


def two_systems(cases: int = 400, better: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of a reference, and of a system that puts every target a fifth nearer to the top."""
    reference = np.random.default_rng(3).integers(1, 60, cases).astype(np.float64)
    return np.maximum(1.0, np.floor(reference * better)), reference


def test_average_seeds_averages_metrics_and_not_ranks() -> None:
    found = average_seeds([[1.0, 20.0], [3.0, np.inf]], ks=(10,))
    np.testing.assert_allclose(found["mrr"], [(1 + 1 / 3) / 2, 1 / 40])
    np.testing.assert_allclose(found["recall@10"], [1.0, 0.0])


@pytest.mark.parametrize(
    ("runs", "words"), [([], "at least one seed"), ([[1.0], [1.0, 2.0]], "1 and 2 cases")]
)
def test_average_seeds_refuses_what_cannot_be_averaged(runs: list[list[float]], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        average_seeds(runs)


def test_a_comparison_by_hand() -> None:
    users = np.array([4, 7, 7])
    found = compare(users, {"x": np.array([1.0, 0.5, 0.0])}, {"x": np.array([0.5, 0.0, 0.5])}, **QUICK)["x"]
    assert (found.users, found.cases) == (2, 3)
    assert found.value == pytest.approx(0.5)
    assert found.reference == pytest.approx(1 / 3)
    assert found.difference == pytest.approx(1 / 6)
    assert found.relative == pytest.approx(0.5)
    # A resample of two users is one of them twice, or both: the interval is the extremes.
    assert found.interval == pytest.approx((0.0, 0.5))
    assert found.relative_interval == pytest.approx((0.0, 1.0))


def test_the_difference_has_the_interval_that_bootstrap_intervals_gives() -> None:
    # One definition of an interval in the package: 400 users and 1,000 resamples fit one block of draws.
    system, reference = (per_case(ranks) for ranks in two_systems())
    users = np.arange(400)
    apart = {name: system[name] - reference[name] for name in system}
    expected = bootstrap_intervals(users, apart, seed=5)
    found = compare(users, system, reference, seed=5, permutations=50)
    for name, interval in expected.items():
        assert found[name].interval == pytest.approx(interval, abs=1e-12)


def test_a_true_gain_is_found_and_noise_is_not() -> None:
    better, reference = two_systems()
    users = np.arange(400)
    gain = compare(users, per_case(better), per_case(reference), wilcoxon=True)["mrr"]
    assert gain.interval[0] > 0
    assert gain.relative_interval is not None
    assert gain.relative_interval[0] > 0
    assert gain.adjusted < 0.01
    assert gain.wilcoxon is not None
    assert gain.wilcoxon < 0.01
    shuffled = np.random.default_rng(1).permutation(reference)
    noise = compare(users, per_case(shuffled), per_case(reference), wilcoxon=True)["mrr"]
    assert noise.interval[0] < 0 < noise.interval[1]
    assert noise.p > 0.05
    assert noise.wilcoxon is not None
    assert noise.wilcoxon > 0.05


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    users, covered, zero = np.arange(150), 0, {"x": np.zeros(150)}
    for _ in range(200):
        low, high = compare(users, {"x": random.normal(0.3, 1, 150)}, zero, **QUICK)["x"].interval
        covered += low <= 0.3 <= high
    assert 178 <= covered <= 199  # 190 expected, standard deviation 3


def test_p_is_level_where_there_is_no_difference() -> None:
    random = np.random.default_rng(2)
    ps = randomisation_p(random.normal(0, 1, (80, 600)), 400)
    assert 0.02 <= (ps <= 0.05).mean() <= 0.09
    assert stats.kstest(ps, "uniform").pvalue > 0.001


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(-4, 4), min_size=1, max_size=8))
def test_the_randomisation_test_agrees_with_enumeration(differences: list[int]) -> None:
    column = np.array(differences, np.float64)
    sums = np.array([np.dot(signs, column) for signs in product([-1, 1], repeat=len(column))])
    exact = (np.abs(sums) >= abs(column.sum())).mean()
    found = randomisation_p(column[:, None] / 10, 4000)[0]  # tenths, so that equal sums differ in last bits
    assert found == pytest.approx(exact, abs=0.04)


def test_all_columns_see_the_same_flips_and_a_block_border_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    columns = np.random.default_rng(0).normal(0.1, 1, (50, 1)) * [1.0, 3.0, -1.0]
    ps = randomisation_p(columns, 999)
    assert ps[0] == ps[1] == ps[2]
    better, reference = two_systems(50)
    once = compare(np.arange(50), per_case(better), per_case(reference), **QUICK)
    monkeypatch.setattr("guided_store.evaluation._paired._DRAWS", 64)
    again = compare(np.arange(50), per_case(better), per_case(reference), **QUICK)
    assert once["mrr"].interval == pytest.approx(again["mrr"].interval, rel=0.5)
    assert once["mrr"].p == pytest.approx(again["mrr"].p, abs=0.05)


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


@given(P_VALUES)
def test_holm_never_lowers_a_p_and_keeps_their_order(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert (adjusted >= ps).all()
    assert (adjusted <= 1).all()
    order = np.argsort(ps, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(1.0, min(ps) * len(ps)))


def test_holm_goes_over_the_metrics_of_a_pair() -> None:
    better, reference = two_systems()
    found = compare(np.arange(400), per_case(better), per_case(reference))
    expected = holm([one.p for one in found.values()])
    np.testing.assert_allclose([one.adjusted for one in found.values()], expected)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_swapping_the_systems_mirrors_the_result(seed: int, users: int) -> None:
    random = np.random.default_rng(seed)
    who = random.integers(0, users, 60)
    first, second = (per_case(random.integers(1, 30, 60), (10,)) for _ in range(2))
    there = compare(who, first, second, **QUICK)["ndcg@10"]
    back = compare(who, second, first, **QUICK)["ndcg@10"]
    assert back.difference == pytest.approx(-there.difference)
    assert back.interval == pytest.approx((-there.interval[1], -there.interval[0]))
    assert back.p == there.p


def test_many_pairs_give_what_each_gives_alone() -> None:
    better, reference = (per_case(ranks, (10,)) for ranks in two_systems())
    users, other = np.arange(400), per_case(np.full(400, 7.0), (10,))
    systems = {"a": better, "b": reference, "c": other, "unused": {"else": np.zeros(1)}}
    found = compare_many(users, systems, [("a", "b"), ("c", "b")], **QUICK)
    for pair, system in ((("a", "b"), better), (("c", "b"), other)):
        for metric, alone in compare(users, system, reference, **QUICK).items():
            together = found[pair][metric]
            assert (together.p, together.adjusted) == (alone.p, alone.adjusted)
            assert together.interval == pytest.approx(alone.interval)
            assert together.relative_interval == pytest.approx(alone.relative_interval)
    assert compare_many(users, systems, []) == {}


def test_equal_systems_have_no_difference_and_p_1() -> None:
    ranks = per_case(np.arange(1.0, 31.0))
    found = compare(np.arange(30), ranks, ranks, wilcoxon=True, **QUICK)["mrr"]
    assert (found.difference, found.interval, found.relative) == (0.0, (0.0, 0.0), 0.0)
    assert (found.p, found.adjusted, found.wilcoxon) == (1.0, 1.0, 1.0)


def test_a_reference_without_hits_has_no_relative_change() -> None:
    never, once = per_case(np.full(20, np.inf), (10,)), per_case([1.0, *[np.inf] * 19], (10,))
    found = compare(np.arange(20), once, never, **QUICK)["recall@10"]
    assert (found.relative, found.relative_interval) == (None, None)
    # One hit among 20: some resample has none, so its ratio is unknown, and so is the interval.
    rare = compare(np.arange(20), once, once, **QUICK)["recall@10"]
    assert (rare.relative, rare.relative_interval) == (0.0, None)


def test_to_dict_is_json_with_the_same_keys_always() -> None:
    never = per_case(np.full(5, np.inf))
    with_it = compare(np.arange(5), never, never, wilcoxon=True, **QUICK)["mrr"].to_dict()
    without = compare(np.arange(5), per_case(np.ones(5)), per_case(np.ones(5)), **QUICK)["mrr"].to_dict()
    assert list(with_it) == list(without)
    assert json.loads(json.dumps(with_it, allow_nan=False)) == with_it


def test_wilcoxon_is_scipys() -> None:
    column = np.random.default_rng(0).normal(0.2, 1, 60)
    expected = stats.wilcoxon(column, zero_method="pratt", method="approx").pvalue
    assert wilcoxon_p(column) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"users": np.zeros(0, np.int64)}, "at least one case"),
        ({"users": np.arange(3)}, "2 values of x for 3 cases"),
        ({"reference": {"y": np.zeros(2)}}, "other metrics"),
        ({"replicates": 1}, "2 replicates"),
        ({"permutations": 0}, "2 replicates"),
        ({"level": 1.0}, "between 0 and 1"),
    ],
)
def test_a_comparison_refuses_what_it_cannot_compare(change: dict[str, object], words: str) -> None:
    given_ = {"users": np.arange(2), "values": {"x": np.zeros(2)}, "reference": {"x": np.zeros(2)}}
    with pytest.raises(UsageError, match=words):
        compare(**(given_ | change))  # type: ignore[arg-type]


def test_an_unknown_system_is_named() -> None:
    with pytest.raises(UsageError, match="no system 'b'"):
        compare_many(np.arange(1), {"a": {"x": np.zeros(1)}}, [("a", "b")])


def test_a_p_outside_0_and_1_is_refused() -> None:
    with pytest.raises(UsageError, match="between 0 and 1"):
        holm([0.5, 1.5])
