"""Baselines against hand-computed scores, and on data where it is known which must win."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import UsageError
from guided_store.evaluation import (
    EASE,
    ItemKNN,
    NeighbourParameters,
    Popularity,
    RecentPopularity,
    Scorer,
    default_baselines,
    fit_baselines,
    ndcg_at,
    summarise,
    target_ranks,
)

DAY = 24 * 60 * 60


def test_popularity_counts_training_events_only(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 0, 1, 2, 2], [1, 1, 3]], 4)
    model = Popularity.fit(split)
    scores = model.score(split.sequences, split.test, slice(0, 2))
    assert scores.tolist() == [[2, 2, 0, 0], [2, 2, 0, 0]]


def test_recent_popularity_counts_up_to_each_case(make_split: Callable[..., Split]) -> None:
    """Only training events in the window before the case's latest history event count."""
    split = make_split(
        [[0, 1, 0, 2], [1, 2, 3, 0], [3, 3, 1, 1]],
        4,
        [[0, 10, 20, 30], [40, 50, 60, 70], [5, 45, 52, 100]],
    )
    model = RecentPopularity(split.train.items, split.train.times, 4, window=12, at_end=False)
    scores = model.score(split.sequences, split.test, np.array([0, 1, 2]))
    # Training events: item 0 at 0, 1 at 10, 1 at 40, 2 at 50, 3 at 5, 3 at 45; cases at 20, 60 and 52.
    assert np.floor(scores).tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 1]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), window=st.integers(0, 60))
def test_recent_popularity_equals_a_loop(make_split: Callable[..., Split], seed: int, window: int) -> None:
    random = np.random.default_rng(seed)
    histories = [random.integers(0, 5, random.integers(3, 8)).tolist() for _ in range(6)]
    times = [np.sort(random.integers(0, 80, len(history))).tolist() for history in histories]
    split = make_split(histories, 5, times)
    train = split.train
    model = RecentPopularity(train.items, train.times, 5, window, at_end=False)
    scores = model.score(split.sequences, split.test, slice(0, 6))
    for user in range(6):
        now = times[user][-2]
        within = (train.times <= now) & (train.times >= now - window)
        expected = np.bincount(train.items[within], minlength=5)
        np.testing.assert_array_equal(np.floor(scores[user]), expected)
        # Ties go by overall popularity.
        assert (scores[user] - expected < 1).all()


def test_recent_popularity_of_a_time_split_looks_from_the_end(make_split: Callable[..., Split]) -> None:
    split = make_split(
        [[0, 0, 0, 2], [1, 1, 3]], 4, [[0, 1, DAY, DAY], [200 * DAY, 201 * DAY, 202 * DAY]], "time"
    )
    model = RecentPopularity.fit(split, windows=(DAY,))
    scores = model.score(split.sequences, split.test, slice(0, 2))
    assert (np.floor(scores) == [0, 1, 0, 0]).all()
    assert model.parameters == {"window_days": 1.0}


def test_recent_popularity_needs_times(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2]], 3)
    with pytest.raises(UsageError, match="needs the time of every event"):
        RecentPopularity.fit(split)
    with pytest.raises(UsageError, match="needs the time of every event"):
        fit_baselines(split, ["recent-popularity"])
    assert default_baselines(split) == ("popularity", "item-knn", "ease")


def test_item_knn_by_hand(make_split: Callable[..., Split]) -> None:
    # Training rows: {0, 1}, {0, 1}, {0, 2}; norms: item 0 has 3 users, item 1 has 2, item 2 has 1.
    split = make_split([[0, 1, 2, 3], [1, 0, 3, 2], [2, 0, 1, 3]], 4)
    model = ItemKNN.fit(split, NeighbourParameters(shrink=1.0, neighbours=3, half_life=1.0))
    s01, s02 = 2 / (np.sqrt(6) + 1), 1 / (np.sqrt(3) + 1)
    scores = model.score(split.sequences, split.test, slice(0, 3))
    # Case 0: history 0, 1, 2, oldest first, so weights 1/4, 1/2, 1.
    np.testing.assert_allclose(scores[0, :3], [s01 / 2 + s02, s01 / 4, s02 / 4], rtol=1e-6)
    # Item 3 has no training event: below all others.
    assert (scores[:, 3] == -1).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), neighbours=st.integers(1, 8))
def test_item_knn_neighbours_equal_a_dense_sort(
    make_split: Callable[..., Split], seed: int, neighbours: int
) -> None:
    random = np.random.default_rng(seed)
    split = make_split([random.integers(0, 7, random.integers(3, 9)).tolist() for _ in range(9)], 7)
    model = ItemKNN.fit(split, NeighbourParameters(shrink=2.0, neighbours=neighbours))
    together = seen(split).T @ seen(split)
    norms = np.sqrt(np.diag(together))
    rows = rows_of_items(split, model)
    np.fill_diagonal(together, 0)
    similar = (together / (norms[:, None] * norms + 2)).astype(np.float32)
    for item in range(7):
        order = sorted(range(7), key=lambda other: (-similar[item, other], other))[:neighbours]
        expected = np.zeros(7)
        expected[order] = similar[item, order]
        np.testing.assert_allclose(np.maximum(rows[item], 0), expected, rtol=1e-5)


def test_items_no_neighbour_reaches_follow_by_popularity(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 0, 1], [2, 3, 2, 3], [2, 4, 2, 3], [2, 4, 0, 3]], 6)
    scores = ItemKNN.fit(split).score(split.sequences, split.test, slice(0, 1))[0]
    unreached = scores[2:]
    assert (unreached < 0).all()
    assert np.argsort(-unreached, kind="stable").tolist() == [0, 2, 1, 3]


def rows_of_items(split: Split, scorer: Scorer) -> NDArray[np.float32]:
    """Scores of histories of one item each, items in order of their codes: the model's rows."""
    sequences = split.sequences
    n = sequences.n_items
    single = Sequences(
        tuple(map(str, range(n))),
        sequences.item_ids,
        np.arange(0, 2 * n + 1, 2),
        np.repeat(np.arange(n, dtype=np.int32), 2),
    )
    return scorer.score(single, Targets(np.arange(n), np.ones(n, np.int64)), slice(0, n))


def seen(split: Split) -> NDArray[np.float64]:
    """Training events as a dense 0/1 matrix (U, V)."""
    train = split.train
    dense = np.zeros((train.n_users, train.n_items))
    dense[np.repeat(np.arange(train.n_users), train.lengths), train.items] = 1
    return dense


def test_ease_solves_its_regression(make_split: Callable[..., Split]) -> None:
    """Each column of B is the ridge regression of that item on all others (Steck 2019, equation 5)."""
    random = np.random.default_rng(0)
    split = make_split([random.integers(0, 8, random.integers(3, 9)).tolist() for _ in range(40)], 8)
    matrix = seen(split)
    weights = rows_of_items(split, EASE.fit(split, 3.0))
    assert (np.diag(weights) == 0).all()
    for item in range(8):
        others = [i for i in range(8) if i != item]
        x = matrix[:, others]
        expected = np.linalg.solve(x.T @ x + 3.0 * np.eye(7), x.T @ matrix[:, item])
        np.testing.assert_allclose(weights[others, item], expected, atol=1e-5)


def test_ease_refuses_large_catalogues_and_no_regularisation(make_split: Callable[..., Split]) -> None:
    with pytest.raises(UsageError, match="above 0"):
        EASE.fit(make_split([[0, 1, 2]], 3), 0.0)
    empty = Targets(np.zeros(0, np.int64), np.zeros(0, np.int64))
    ids = tuple(str(code) for code in range(10_001))
    sequences = Sequences(("u",), ids, np.array([0, 1]), np.array([0], np.int32))
    split = Split("none", sequences, np.array([1]), empty, empty)
    with pytest.raises(UsageError, match="use item-knn"):
        EASE.fit(split)
    assert "ease" not in default_baselines(split)


def test_without_validation_the_documented_defaults_hold(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1], [1, 2], [2, 0]], 3, [[0, 1], [2, 3], [4, 5]])
    assert ItemKNN.fit(split).parameters == {"shrink": 20.0, "neighbours": 200, "half_life_events": 3.0}
    assert EASE.fit(split).parameters == {"regularisation": 200.0, "half_life_events": 3.0}
    assert RecentPopularity.fit(split).parameters == {"window_days": 30.0}


def test_unknown_baseline(make_split: Callable[..., Split]) -> None:
    with pytest.raises(UsageError, match="unknown baseline 'bert'"):
        fit_baselines(make_split([[0, 1, 2]], 3), ["bert"])


def test_neighbour_models_see_structure_that_popularity_cannot(chains: Split) -> None:
    reached = {}
    for model in fit_baselines(chains):
        reached[model.name] = float(ndcg_at(target_ranks(model, chains), 10).mean())
    assert reached["item-knn"] > 2 * reached["popularity"]
    assert reached["ease"] > 2 * reached["popularity"]


def test_fits_are_reproducible(chains: Split) -> None:
    for first, second in zip(fit_baselines(chains), fit_baselines(chains), strict=True):
        np.testing.assert_array_equal(target_ranks(first, chains), target_ranks(second, chains))


def test_scorers_do_not_look_behind_the_history(chains: Split) -> None:
    """Scores stay the same when every event from the target on is replaced."""
    sequences = chains.sequences
    items = sequences.items.copy()
    last = sequences.indptr[1:][chains.test.users] - 1
    items[last] = (items[last] + 7) % sequences.n_items
    changed = Sequences(sequences.user_ids, sequences.item_ids, sequences.indptr, items, sequences.times)
    for model in fit_baselines(chains):
        before = model.score(sequences, chains.test, slice(0, 50))
        np.testing.assert_array_equal(model.score(changed, chains.test, slice(0, 50)), before)


def real_split(datasets: Path, make_split: Callable[..., Split]) -> Split | None:
    path = datasets / "ml-100k" / "u.data"
    if not path.is_file():
        return None
    table = np.loadtxt(path, dtype=np.int64)
    order = np.lexsort((np.arange(len(table)), table[:, 3], table[:, 0]))
    users, items, times = table[order, 0], table[order, 1] - 1, table[order, 3]
    bounds = np.flatnonzero(np.diff(users)) + 1
    return make_split(np.split(items, bounds), 1682, np.split(times, bounds))


def test_on_real_data(datasets: Path, make_split: Callable[..., Split], chains: Split) -> None:
    """MovieLens-100k where it is at hand, else the made sample: the neighbour models beat popularity."""
    real = real_split(datasets, make_split)
    split = real or chains
    started = time.process_time()
    figures = {model.name: summarise(target_ranks(model, split)) for model in fit_baselines(split)}
    best = figures["popularity"]["ndcg@10"]
    assert figures["item-knn"]["ndcg@10"] > 1.5 * best
    assert figures["ease"]["ndcg@10"] > 1.5 * best
    if real is not None:
        assert 0.09 < figures["item-knn"]["ndcg@10"] < 0.12
        assert 0.09 < figures["ease"]["ndcg@10"] < 0.12
        assert time.process_time() - started < 30 * (os.cpu_count() or 1)
