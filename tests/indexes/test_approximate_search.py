"""Every kind of index: filters, lengths, order, agreement with exact search, threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from indexes import EXACT_ABOVE, IndexSpec, VectorIndex, VectorIndexError, measure_recall

if TYPE_CHECKING:
    from tests.indexes.conftest import World

N = 2600
LOSSY = ("SQ8", "HNSW32,SQ8", "HNSW16,PQ4x4", "IVF64,SQ8", "IVF16,PQ4x4")


@pytest.fixture(scope="module")
def index(factory: str, world: World) -> VectorIndex:
    return VectorIndex.build(world.vectors, world.bias, IndexSpec(factory))


def hidden_of(lists: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    hidden = np.zeros((len(lists), N), np.bool_)
    for row, ids in enumerate(lists):
        hidden[row, ids] = True
    return hidden


def check(
    world: World, found: tuple[NDArray[np.float32], NDArray[np.int64]], hidden: NDArray[np.bool_]
) -> None:
    """What holds for every answer: full rows, nothing hidden, no repetition, order, and true scores."""
    scores, ids = found
    m, width = ids.shape
    wanted = np.minimum(width, N - hidden.sum(axis=1))
    np.testing.assert_array_equal((ids >= 0).sum(axis=1), wanted)
    exact = (world.queries.astype(np.float64) @ world.vectors.T.astype(np.float64) + world.bias).astype(
        np.float32
    )
    for row in range(m):
        row_ids, row_scores = ids[row, : wanted[row]], scores[row, : wanted[row]]
        assert not hidden[row, row_ids].any()
        assert len(np.unique(row_ids)) == len(row_ids)
        np.testing.assert_array_equal(np.lexsort((row_ids, -row_scores)), np.arange(len(row_ids)))
        np.testing.assert_allclose(row_scores, exact[row, row_ids], rtol=1e-5, atol=1e-5)
        assert np.isneginf(scores[row, wanted[row] :]).all()
        assert (ids[row, wanted[row] :] == -1).all()


def test_answers_hold_what_they_promise_under_all_filters(index: VectorIndex, world: World) -> None:
    rng = np.random.default_rng(9)
    none = np.zeros((50, N), np.bool_)
    few, most = rng.random(N) < 0.99, rng.random(N) < 0.01
    big = [rng.choice(N, size=rng.integers(0, N + 1), replace=False) for _ in range(50)]
    check(world, index.search(world.queries, 20), none)
    check(world, index.search(world.queries, 20, exclude=world.histories), hidden_of(world.histories))
    check(world, index.search(world.queries, 20, exclude=big), hidden_of(big))
    check(world, index.search(world.queries, 20, exclude=np.arange(30)), hidden_of([np.arange(30)] * 50))
    for allow in (few, most):
        check(world, index.search(world.queries, 20, allow=allow), none | ~allow)
        found = index.search(world.queries, 20, exclude=world.histories, allow=allow)
        check(world, found, hidden_of(world.histories) | ~allow)
    check(world, index.search(world.queries, N, exclude=world.histories), hidden_of(world.histories))


def test_forced_exact_search_equals_brute_force(
    index: VectorIndex, world: World, brute_force: Callable[..., Any]
) -> None:
    scores, ids = index.search(world.queries, 50, exclude=world.histories, exact=True)
    wanted = brute_force(world.vectors, world.bias, world.queries, 50, hidden_of(world.histories))
    np.testing.assert_array_equal(ids, wanted[1])
    np.testing.assert_array_equal(scores, wanted[0])


def test_search_is_exact_above_the_threshold(
    index: VectorIndex, world: World, brute_force: Callable[..., Any]
) -> None:
    many = int(EXACT_ABOVE * N) + 1
    lists = [np.random.default_rng(row).choice(N, size=many, replace=False) for row in range(50)]
    _, ids = index.search(world.queries, 50, exclude=lists)
    np.testing.assert_array_equal(
        ids, brute_force(world.vectors, world.bias, world.queries, 50, hidden_of(lists))[1]
    )
    allow = np.ones(N, np.bool_)
    allow[lists[0]] = False
    _, ids = index.search(world.queries, 50, allow=allow)
    hidden = np.broadcast_to(~allow, (50, N))
    np.testing.assert_array_equal(ids, brute_force(world.vectors, world.bias, world.queries, 50, hidden)[1])


def test_long_histories_are_answered_exactly(
    index: VectorIndex,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    brute_force: Callable[..., Any],
) -> None:
    monkeypatch.setattr("indexes._index.OWN_HIDDEN_MOST", 20)
    _, ids = index.search(world.queries, 50, exclude=world.histories)
    wanted = brute_force(world.vectors, world.bias, world.queries, 50, hidden_of(world.histories))[1]
    long = np.array([len(history) > 20 for history in world.histories])
    assert 0 < long.sum() < 50
    np.testing.assert_array_equal(ids[long], wanted[long])


def test_a_batch_and_its_queries_agree(index: VectorIndex, world: World) -> None:
    _, ids = index.search(world.queries, 10, exclude=world.histories)
    agree = 0.0
    for row in range(50):
        _, one = index.search(world.queries[row], 10, exclude=[world.histories[row]])
        agree += len(np.intersect1d(ids[row], one[0])) / 10
    assert agree / 50 > 0.97  # more is fetched together than alone, so an approximate list may only improve


def test_threads_get_the_answers_of_one(index: VectorIndex, world: World) -> None:
    wanted = [index.search(world.queries[row], 20, exclude=[world.histories[row]]) for row in range(50)]
    wrong: list[int] = []

    def work(shift: int) -> None:
        for step in range(50):
            row = (step + shift) % 50
            scores, ids = index.search(world.queries[row], 20, exclude=[world.histories[row]])
            if not (np.array_equal(scores, wanted[row][0]) and np.array_equal(ids, wanted[row][1])):
                wrong.append(row)

    threads = [threading.Thread(target=work, args=(13 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_index_that_visits_too_little_is_completed_by_exact_search(
    world: World, brute_force: Callable[..., Any]
) -> None:
    index = VectorIndex.build(world.vectors, world.bias, IndexSpec("IVF64,Flat", {"nprobe": 1}))
    _, ids = index.search(world.queries, 500)
    assert (ids >= 0).all()
    np.testing.assert_array_equal(ids, brute_force(world.vectors, world.bias, world.queries, 500)[1])


def test_recall_is_one_for_exact_and_rises_with_effort(world: World) -> None:
    assert measure_recall(VectorIndex.build(world.vectors, world.bias), world.queries, 50) == 1.0
    lists = VectorIndex.build(world.vectors, world.bias, IndexSpec("IVF64,Flat", {"nprobe": 1}))
    low = measure_recall(lists, world.queries, 20, world.histories)
    middle = measure_recall(lists.with_search(nprobe=8), world.queries, 20, world.histories)
    assert 0.0 < low < middle <= 1.0
    assert measure_recall(lists.with_search(nprobe=64), world.queries, 20, world.histories) == 1.0
    assert lists.spec.search == {"nprobe": 1}
    graph = VectorIndex.build(world.vectors, world.bias, IndexSpec("HNSW32"))
    assert measure_recall(graph, world.queries, 100, world.histories) > 0.95


def test_recall_counts_any_of_equally_good_items() -> None:
    vectors = np.zeros((200, 4), np.float32)
    vectors[:, 0] = 1
    vectors[::2, 1] = 1e-3  # two groups of equal vectors; a list may hold any of a group
    index = VectorIndex.build(vectors, spec=IndexSpec("HNSW8"))
    assert measure_recall(index, np.array([[1, 0, 0, 0]], np.float32), 10) == 1.0


def test_recall_of_known_lists() -> None:
    """Two lists, visited one at a time: of the query between them exactly one half is found."""
    vectors = np.repeat(np.array([[10, 0], [0, 10]], np.float32), 50, axis=0)
    vectors += np.random.default_rng(0).uniform(0, 0.1, vectors.shape).astype(np.float32)
    index = VectorIndex.build(vectors, spec=IndexSpec("IVF2,Flat", {"nprobe": 1}))
    query = np.array([[1, 1]], np.float32)
    _, exact = index.search(query, 40, exact=True)
    _, found = index.search(query, 40)
    share = len(np.intersect1d(exact, found)) / 40
    assert 0 < share < 1
    assert measure_recall(index, query, 40) == pytest.approx(share)


def test_recall_without_anything_to_compare_is_refused(world: World) -> None:
    index = VectorIndex.build(world.vectors, world.bias)
    with pytest.raises(VectorIndexError, match="at least one query"):
        measure_recall(index, world.queries[:0])
    with pytest.raises(VectorIndexError, match="at least one query"):
        measure_recall(index, world.queries, exclude=np.arange(N))


@pytest.mark.parametrize("factory", LOSSY)
def test_loaded_codes_score_by_themselves_until_vectors_are_attached(
    world: World, tmp_path: Path, factory: str
) -> None:
    built = VectorIndex.build(world.vectors, world.bias, IndexSpec(factory))
    built.save(tmp_path / "index", version_digest="v")
    index = VectorIndex.load(tmp_path / "index")
    assert built.has_originals
    assert not index.has_originals
    exclude = [np.arange(row * 40) for row in range(50)]
    scores, ids = index.search(world.queries, 30, exclude=exclude)
    assert (ids >= 0).all()
    assert not np.take_along_axis(hidden_of(exclude), ids, axis=1).any()
    with pytest.raises(VectorIndexError, match="recall needs the original vectors"):
        measure_recall(index, world.queries)
    with pytest.raises(VectorIndexError, match="built with a bias"):
        index.attach_vectors(world.vectors)
    with pytest.raises(VectorIndexError, match="do not fit an index of 2600 vectors with 15 columns"):
        index.attach_vectors(world.vectors[1:], world.bias[1:])
    index.attach_vectors(world.vectors, world.bias)
    wanted = built.search(world.queries, 30, exclude=exclude)
    scores, ids = index.search(world.queries, 30, exclude=exclude)
    np.testing.assert_array_equal(ids, wanted[1])
    np.testing.assert_array_equal(scores, wanted[0])
    assert measure_recall(index, world.queries) == measure_recall(built, world.queries)
