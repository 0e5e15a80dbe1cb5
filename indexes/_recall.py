"""How much of the exact list an index returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexes._errors import VectorIndexError
from indexes._hidden import Exclude
from indexes._index import VectorIndex

_TOLERANCE = 1e-6


def measure_recall(
    index: VectorIndex, queries: NDArray[np.float32], k: int = 100, exclude: Exclude = None
) -> float:
    """Mean share of the exact top k that `index` returns, 0 to 1, over the queries that have a list.

    Tie-aware: a returned item counts if its score reaches the exact k-th score (within 1e-6 of its size), as
    one of several equally good items is as right as another.

    Args:
        index: any index that holds or was given its original vectors.
        queries: float32 (m, dim), m at least 1; use real ones, recall depends on where queries lie.
        k: list length.
        exclude: as in `VectorIndex.search`; measure with the exclusions that will be used.

    Raises:
        VectorIndexError: nothing to compare (no queries, everything excluded, only compressed codes at hand).
    """
    if not index.has_originals:
        raise VectorIndexError(
            "recall needs the original vectors: call attach_vectors on the loaded index first"
        )
    exact, _ = index.search(queries, k, exclude=exclude, exact=True)
    found, _ = index.search(queries, k, exclude=exclude)
    wanted = np.isfinite(exact).sum(axis=1)
    has_list = wanted > 0
    if not has_list.any():
        raise VectorIndexError("recall needs at least one query with items to return")
    exact, found, wanted = exact[has_list], found[has_list], wanted[has_list]
    last = exact[np.arange(len(exact)), wanted - 1].astype(np.float64)
    reached = found >= (last - _TOLERANCE * np.abs(last))[:, None]
    return float((reached.sum(axis=1) / wanted).mean())
