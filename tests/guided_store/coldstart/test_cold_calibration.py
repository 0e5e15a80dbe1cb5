from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.coldstart import Calibration, Cases, calibrate_cold, ranks_among, ratio_of_means
from guided_store.errors import UsageError
from guided_store.evaluation import Rows, bootstrap_intervals, ndcg_at, recall_at

WARM, COLD, CASES = 60, 25, 80
TRAINED = np.arange(WARM + COLD) < WARM
EVERYTHING = np.ones(WARM + COLD, np.bool_)


class Table:
    """Scores by case, from a table; an offset on cold items."""

    name = "table"

    def __init__(self, scores: NDArray[np.float32], offset: float = 0.0) -> None:
        self.scores = scores + np.where(TRAINED, 0, offset).astype(np.float32)

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        return self.scores[targets.users[rows]]


def cases(targets: NDArray[np.int32]) -> Cases:
    """Cases with a history of item 0, which is warm and never a target."""
    n = len(targets)
    items = np.stack([np.zeros(n, np.int32), targets], axis=1).ravel()
    sequences = Sequences(
        tuple(f"u{user}" for user in range(n)),
        tuple(f"i{item}" for item in range(WARM + COLD)),
        np.arange(0, 2 * n + 1, 2),
        items,
    )
    users, ends = np.arange(n), np.ones(n, np.int64)
    none = Targets(users[:0], ends[:0])
    return Cases(Split("leave-one-out", sequences, ends, none, Targets(users, ends)), users)


def world(seed: int, gap: float) -> tuple[Table, Cases, Cases, NDArray[np.float32]]:
    """Targets score well among their kind; cold items stand `gap` below warm ones."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((CASES, WARM + COLD)).astype(np.float32)
    cold = rng.integers(WARM, WARM + COLD, CASES).astype(np.int32)
    warm = rng.integers(1, WARM, CASES).astype(np.int32)
    scores[np.arange(CASES), cold] += 1.5
    scores[np.arange(CASES), warm] += 2
    scores[:, WARM:] -= np.float32(gap)
    return Table(scores), cases(cold), cases(warm), scores


def measured(scores: NDArray[np.float32], offset: float, cold: Cases, warm: Cases) -> tuple[float, float]:
    table = Table(scores, offset)
    recall = recall_at(ranks_among(table, cold, [EVERYTHING])[0], 20).mean()
    return float(recall), float(ndcg_at(ranks_among(table, warm, [EVERYTHING])[0], 10).mean())


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.floats(-1, 5), st.sampled_from([0.0, 0.02, 0.1, 0.5]))
def test_the_offset_is_the_best_that_the_warm_side_bears(seed: int, gap: float, loss: float) -> None:
    table, cold, warm, scores = world(seed, gap)
    found = calibrate_cold(table, cold, warm, TRAINED, EVERYTHING, warm_loss=loss)
    without = ndcg_at(ranks_among(table, warm, [TRAINED])[0], 10).mean()
    assert found.warm_ndcg[0] == pytest.approx(without)
    recall, ndcg = measured(scores, found.offset, cold, warm)
    assert recall == pytest.approx(found.cold_recall[1], abs=2 / CASES)  # float32 may break a tie otherwise
    assert ndcg == pytest.approx(found.warm_ndcg[2], abs=0.01)
    assert ndcg >= (1 - loss) * without - 1e-9
    before = measured(scores, 0.0, cold, warm)
    assert before == pytest.approx((found.cold_recall[0], found.warm_ndcg[1]))
    for offset in np.linspace(-3, 8, 15):
        other, kept = measured(scores, float(offset), cold, warm)
        assert other <= found.cold_recall[1] + 1e-9 or kept < (1 - loss) * without


def test_cold_items_far_below_are_brought_up() -> None:
    table, cold, warm, _ = world(1, gap=10.0)
    found = calibrate_cold(table, cold, warm, TRAINED, EVERYTHING)
    assert found.cold_recall[0] == 0
    assert found.cold_recall[1] > 0.1
    assert found.offset > 7
    assert set(found.to_dict()) >= {"offset", "cold_recall@20", "warm_ndcg@10"}
    assert isinstance(found, Calibration)


def test_where_cold_items_are_too_few_to_cost_much_all_recall_is_taken() -> None:
    _, _, warm, scores = world(1, gap=3.0)
    two = EVERYTHING.copy()
    two[WARM + 2 :] = False
    scores[np.arange(CASES), warm.targets] = 9  # two cold items can push it to rank 3, no further
    cold = cases((WARM + np.arange(CASES) % 2).astype(np.int32))
    found = calibrate_cold(Table(scores), cold, warm, TRAINED, two, warm_loss=0.9)
    assert found.cold_recall[1] == 1.0
    assert found.warm_ndcg == pytest.approx((1.0, 1.0, found.warm_ndcg[2]))
    assert found.warm_ndcg[2] >= 0.5
    assert np.isfinite(found.offset)


def test_what_cannot_be_calibrated_is_refused() -> None:
    table, cold, warm, scores = world(0, 0.0)
    with pytest.raises(UsageError, match="no cold item"):
        calibrate_cold(table, cold, warm, EVERYTHING, EVERYTHING)
    with pytest.raises(UsageError, match="share from 0"):
        calibrate_cold(table, cold, warm, TRAINED, EVERYTHING, warm_loss=1.0)
    scores[:, :WARM] = -np.inf
    with pytest.raises(UsageError, match="ranks no warm target"):
        calibrate_cold(Table(scores), cold, warm, TRAINED, EVERYTHING)


def test_a_ratio_against_one_is_the_interval_of_the_mean() -> None:
    rng = np.random.default_rng(0)
    users, values = np.repeat(np.arange(100), 2), rng.random(200)
    found = ratio_of_means(users, values, np.arange(100), np.ones(100))
    low, high = bootstrap_intervals(users, {"x": values})["x"]
    assert found.value == pytest.approx(values.mean())
    assert found.interval == pytest.approx((low, high), abs=0.01)


def test_a_ratio_of_the_same_cases_is_exactly_one() -> None:
    values = np.random.default_rng(1).random(50) + 0.1
    users = np.arange(50)
    found = ratio_of_means(users, 2 * values, users, values)
    assert found.value == pytest.approx(2)
    assert found.interval == pytest.approx((2, 2))


def test_a_ratio_to_nothing_has_no_value() -> None:
    users = np.arange(3)
    assert ratio_of_means(users, np.ones(3), users, np.zeros(3)).to_dict() == {
        "value": None,
        "interval": None,
    }
    rare = ratio_of_means(users, np.ones(3), users, np.array([1.0, 0, 0]))
    assert rare.value == pytest.approx(3)
    assert rare.interval is None  # a resample without the one hit has no ratio
    with pytest.raises(UsageError, match="at least one case"):
        ratio_of_means(users, np.ones(3), users[:0], np.ones(0))
