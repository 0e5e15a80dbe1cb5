"""ItemKNN: items seen by the same users, the usual hard baseline of sequential recommenders."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.evaluation._histories import Rows, binary_matrix, decayed_histories
from guided_store.evaluation._tuning import best_on_validation
from guided_store.progress import SILENT, Progress

LONGEST = 500
"""Latest training events of a user that count: co-occurrences grow with the square of a history."""

SHRINKS = (0.0, 20.0, 100.0)
NEIGHBOURS = (50, 200)
HALF_LIVES = (1.0, 3.0, 10.0, float("inf"))
"""The grid tried on validation; half-lives in events."""

BLOCK_PAIRS = 4_000_000
"""Pairs of items that may be held at a time while neighbours are picked (some 150 MB if all co-occur)."""


@dataclass(frozen=True)
class NeighbourParameters:
    """What is chosen on validation; the values here hold where there is no validation case."""

    shrink: float = 20.0
    neighbours: int = 200
    half_life: float = 3.0


class ItemKNN:
    """Scores an item by its similarity to the items of the history, the latest ones weighing most.

    `score(u, i) = sum over j in history of 2 ** (-age_j / half_life) * sim(j, i)`, with
    `sim(j, i) = |users of both| / (sqrt(|users of j| |users of i|) + shrink)` (shrunk cosine) and only the
    most similar `neighbours` of each `j` kept. Sources: Deshpande and Karypis, "Item-based top-N
    recommendation algorithms", ACM TOIS 22 (2004); the shrinkage as in Bell and Koren (2007). Items that no
    neighbour reaches follow all others, by popularity, so that every item has a rank.

    Args:
        similarity: sparse (V, V), row j holding the neighbours of j.
        counts: training events of each item, int64 (V,).
        parameters: what the similarity was cut to and how histories are weighed.
    """

    name = "item-knn"
    trained = False

    def __init__(
        self,
        similarity: sparse.csr_array[np.float32],
        counts: NDArray[np.int64],
        parameters: NeighbourParameters,
    ) -> None:
        self._similarity = similarity
        # In [-1, 0): below any similarity, in order of popularity.
        self._unreached = (counts / (counts.max(initial=0) + 1) - 1).astype(np.float32)
        self._chosen = parameters

    @classmethod
    def fit(
        cls, split: Split, parameters: NeighbourParameters | None = None, progress: Progress = SILENT
    ) -> ItemKNN:
        """Count co-occurrences in training and choose shrinkage, neighbours and half-life on validation.

        Args:
            parameters: fixes them, with no choice.
        """
        train = split.train
        counts = train.counts()
        fallback = parameters or NeighbourParameters()
        tunes = parameters is None and len(split.validation) > 0
        shrinks = SHRINKS if tunes else (fallback.shrink,)
        widest = max(NEIGHBOURS) if tunes else fallback.neighbours
        tables = nearest(train, shrinks, widest, progress)

        def make(chosen: NeighbourParameters) -> ItemKNN:
            items, values = tables[chosen.shrink]
            return cls(_to_sparse(items, values, chosen.neighbours), counts, chosen)

        if not tunes:
            return make(fallback)
        # Half-life first, since it matters most, then the similarity's own two.
        lives = [NeighbourParameters(half_life=half_life) for half_life in HALF_LIVES]
        best = best_on_validation(split, [make(chosen) for chosen in lives], make(fallback), progress)
        grid = [
            NeighbourParameters(shrink, neighbours, best._chosen.half_life)
            for shrink, neighbours in product(SHRINKS, NEIGHBOURS)
        ]
        return best_on_validation(split, [make(chosen) for chosen in grid], best, progress)

    @property
    def parameters(self) -> dict[str, object]:
        return {
            "shrink": self._chosen.shrink,
            "neighbours": self._chosen.neighbours,
            "half_life_events": self._chosen.half_life if np.isfinite(self._chosen.half_life) else "infinite",
        }

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items): above 0 for reached items, in [-1, 0) for the others."""
        histories = decayed_histories(sequences, targets, rows, self._chosen.half_life)
        scores: NDArray[np.float32] = (histories @ self._similarity).toarray()
        np.copyto(scores, self._unreached, where=scores <= 0)
        return scores


def nearest(
    train: Sequences, shrinks: tuple[float, ...], neighbours: int, progress: Progress = SILENT
) -> dict[float, tuple[NDArray[np.int32], NDArray[np.float32]]]:
    """The most similar items of every item, for each shrinkage, from one pass over the co-occurrences.

    Returns:
        shrink -> (items int32 (V, n), similarities float32 (V, n)), most similar first, n = min(neighbours,
        V); similarity 0 where there are fewer.
    """
    matrix = binary_matrix(train, LONGEST)
    by_item = sparse.csr_array(matrix.T)
    norms = np.sqrt(np.diff(by_item.indptr)).astype(np.float32)
    n_items = train.n_items
    width = min(neighbours, n_items)
    tables = {
        shrink: (np.zeros((n_items, width), np.int32), np.zeros((n_items, width), np.float32))
        for shrink in shrinks
    }
    step = max(1, BLOCK_PAIRS // max(n_items, 1))
    with progress.task("item neighbours", n_items) as task:
        for start in range(0, n_items, step):
            stop = min(start + step, n_items)
            together = sparse.csr_array(by_item[start:stop] @ matrix)
            together.sort_indices()
            row = np.repeat(np.arange(stop - start), np.diff(together.indptr))
            other = together.indices.astype(np.int32)
            apart = other != row + start
            row, other, common = row[apart], other[apart], together.data[apart]
            begins = np.searchsorted(row, np.arange(stop - start))
            for shrink, (items, values) in tables.items():
                similar = common / (norms[row + start] * norms[other] + np.float32(shrink))
                # One key sorts by row, then by falling similarity (at most 1); stable, so that equals
                # stay in order of their codes.
                order = np.argsort(row - 0.5 * similar.astype(np.float64), kind="stable")
                place = np.arange(len(row)) - begins[row]
                near = place < width
                taken, at = order[near], (row[near] + start, place[near])
                items[at] = other[taken]
                values[at] = similar[taken]
            task.advance(stop - start)
    return tables


def _to_sparse(
    items: NDArray[np.int32], values: NDArray[np.float32], neighbours: int
) -> sparse.csr_array[np.float32]:
    """The first `neighbours` columns as sparse rows (V, V), zeros left out."""
    items, values = items[:, :neighbours], values[:, :neighbours]
    row, place = np.nonzero(values)
    shape = (len(items), len(items))
    return sparse.csr_array(sparse.coo_array((values[row, place], (row, items[row, place])), shape=shape))
