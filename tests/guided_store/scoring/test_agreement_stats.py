"""The statistics of agreement: published tables, an oracle, and what must and must not change them."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from guided_store.scoring._agreement_stats import (
    biases,
    icc_a1,
    item_differences,
    krippendorff_alpha,
    mean_difference,
    pearson,
)

NAN = np.nan

# Shrout & Fleiss (1979), table 2: six targets, four judges; ICC(2,1) = .29 (table 4).
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)

# Krippendorff (2011), section D: four observers, twelve units, missing values; interval alpha = .849.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T

whole = st.integers(0, 10).map(float)
complete = arrays(float, array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8), elements=whole)
gappy = arrays(
    float,
    array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=8),
    elements=st.one_of(whole, st.just(NAN)),
)


def same(one: float, other: float) -> bool:
    return (np.isnan(one) and np.isnan(other)) or one == pytest.approx(other, abs=1e-9)


def test_the_classic_table_of_shrout_and_fleiss() -> None:
    assert icc_a1(SHROUT_FLEISS) == pytest.approx(0.29, abs=0.005)
    # By their mean squares (table 3): BMS 11.24, JMS 32.49, EMS 1.02.
    assert icc_a1(SHROUT_FLEISS) == pytest.approx(
        (11.24 - 1.02) / (11.24 + 3 * 1.02 + 4 * (32.49 - 1.02) / 6), abs=5e-4
    )


def test_the_published_example_of_krippendorff() -> None:
    assert krippendorff_alpha(KRIPPENDORFF) == pytest.approx(0.849, abs=5e-4)


def test_binary_data_of_krippendorff() -> None:
    # Krippendorff (2011), section A: two observers, ten units, alpha = .095; for two values the interval
    # distance is the nominal one.
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert krippendorff_alpha(np.array([meg, owen], float).T) == pytest.approx(0.095, abs=5e-4)


@given(gappy)
def test_alpha_is_that_of_the_krippendorff_package(ratings: NDArray[np.float64]) -> None:
    ours = krippendorff_alpha(ratings)
    paired = ratings[(~np.isnan(ratings)).sum(axis=1) >= 2]
    if np.isnan(ours):
        known = paired[~np.isnan(paired)]
        assert len(known) == 0 or known.min() == known.max()
    else:
        theirs = krippendorff.alpha(reliability_data=paired.T, level_of_measurement="interval")
        assert ours == pytest.approx(theirs, abs=1e-9)


@given(complete)
def test_icc_is_that_of_an_analysis_of_variance(ratings: NDArray[np.float64]) -> None:
    """The mean squares from a least-squares fit of item and rater effects, instead of from means."""
    n, k = ratings.shape
    items, raters = np.repeat(np.eye(n), k, axis=0), np.tile(np.eye(k), (n, 1))
    flat = ratings.ravel()

    def left(design: NDArray[np.float64]) -> float:
        fit = design @ np.linalg.lstsq(design, flat, rcond=None)[0]
        return float(((flat - fit) ** 2).sum())

    error = left(np.hstack([items, raters]))
    ms_items = (left(raters) - error) / (n - 1)
    ms_raters = (left(items) - error) / (k - 1)
    ms_error = error / ((n - 1) * (k - 1))
    whole = ms_items + (k - 1) * ms_error + k / n * (ms_raters - ms_error)
    if ratings.min() == ratings.max() or abs(whole) < 1e-9:
        assert np.isnan(icc_a1(ratings))
    else:
        assert icc_a1(ratings) == pytest.approx((ms_items - ms_error) / whole, abs=1e-6)


@given(gappy, st.randoms(use_true_random=False))
def test_the_order_of_raters_and_items_does_not_matter(ratings: NDArray[np.float64], random: object) -> None:
    shuffled = ratings[:, random.sample(range(ratings.shape[1]), ratings.shape[1])]  # type: ignore[attr-defined]
    shuffled = shuffled[::-1]
    for statistic in (pearson, icc_a1, krippendorff_alpha, mean_difference):
        assert same(statistic(ratings), statistic(shuffled))


@given(gappy, st.integers(-50, 50), st.sampled_from([0.5, 2.0, 10.0]))
def test_one_change_of_scale_for_all_raters_changes_no_coefficient(
    ratings: NDArray[np.float64], shift: int, factor: float
) -> None:
    moved = ratings * factor + shift
    for statistic in (pearson, icc_a1, krippendorff_alpha):
        assert same(statistic(ratings), statistic(moved))
    assert same(mean_difference(ratings) * factor, mean_difference(moved))


@given(arrays(float, 12, elements=whole), st.integers(1, 20))
def test_a_rater_who_scores_higher_correlates_and_does_not_agree(
    scores: NDArray[np.float64], shift: int
) -> None:
    assume(scores.min() < scores.max())
    both = np.stack([scores, scores + shift], axis=1)
    assert pearson(both) == pytest.approx(1)
    assert krippendorff_alpha(both) < 1 - 1e-6
    assert icc_a1(both) < 1 - 1e-6
    assert biases(both) == pytest.approx((shift,))
    assert mean_difference(both) == pytest.approx(shift)


def test_alpha_falls_as_one_rater_moves_away() -> None:
    scores = np.array([1, 4, 4, 6, 9, 2, 7.0])
    alphas = [krippendorff_alpha(np.stack([scores, scores + shift], axis=1)) for shift in (0, 1, 3, 10, 1000)]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[0] == 1
    assert alphas[-1] < 0


@given(complete)
def test_perfect_agreement_is_one_and_nothing_exceeds_it(ratings: NDArray[np.float64]) -> None:
    for statistic in (pearson, icc_a1, krippendorff_alpha):
        found = statistic(ratings)
        assert np.isnan(found) or found <= 1 + 1e-9
    alike = np.repeat(ratings[:, :1], 3, axis=1)
    if alike.min() < alike.max():
        for statistic in (pearson, icc_a1, krippendorff_alpha):
            assert statistic(alike) == pytest.approx(1)
        assert mean_difference(alike) == 0


@pytest.mark.parametrize("constant", [0.0, 7.0, 0.1])
def test_without_variance_there_is_no_coefficient(constant: float) -> None:
    ratings = np.full((7, 3), constant)
    assert np.isnan([pearson(ratings), icc_a1(ratings), krippendorff_alpha(ratings)]).all()
    assert mean_difference(ratings) == 0


@pytest.mark.parametrize("unit", [1.0, 0.1, 1 / 3, 1e6])
def test_two_raters_that_swap_two_ratings_have_no_icc(unit: float) -> None:
    swapped = np.array([[7.0, 4], [4, 7]]) * unit
    assert np.isnan(icc_a1(swapped))
    assert pearson(swapped) == pytest.approx(-1)
    assert icc_a1(np.array([[7.0, 4], [5, 7]]) * unit) < 0


def test_one_constant_rater_leaves_the_pairs_without_it() -> None:
    scores = np.array([1, 5, 9, 3.0])
    ratings = np.stack([scores, np.full(4, 5.0), scores], axis=1)
    assert pearson(ratings) == pytest.approx(1)
    assert np.isnan(pearson(ratings[:, :2]))
    assert 0 < krippendorff_alpha(ratings) < 1


def test_missing_ratings() -> None:
    ratings = np.array([[1, 3, NAN], [2, NAN, NAN], [4, 4, 1], [NAN, 8, 9]])
    # Pairs: first and second on two items, first and third on one, second and third on two.
    assert mean_difference(ratings) == pytest.approx(((2 + 0) / 2 + 3 + (3 + 1) / 2) / 3)
    assert biases(ratings) == pytest.approx((1, -3))
    np.testing.assert_allclose(item_differences(ratings), [2, NAN, 2, 1])
    # Items of a single rating say nothing of agreement.
    assert krippendorff_alpha(ratings) == krippendorff_alpha(ratings[[0, 2, 3]])
    # One complete item is too few for mean squares.
    assert np.isnan(icc_a1(ratings))
    nothing = np.full((3, 2), NAN)
    for statistic in (pearson, icc_a1, krippendorff_alpha, mean_difference):
        assert np.isnan(statistic(nothing))
    assert np.isnan(biases(nothing)).all()


@given(gappy)
def test_differences_of_items_are_over_pairs(ratings: NDArray[np.float64]) -> None:
    found = item_differences(ratings[:, None, :])[:, 0]
    for row, value in zip(ratings, found, strict=True):
        known = row[~np.isnan(row)]
        pairs = [abs(a - b) for place, a in enumerate(known) for b in known[place + 1 :]]
        assert same(float(np.mean(pairs)) if pairs else NAN, value)
