"""Made vectors, and exact search in plain numpy to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ALL_KINDS = (
    "Flat",
    "SQ8",
    "SQfp16",
    "HNSW32",
    "HNSW32,SQ8",
    "HNSW16,PQ4x4",
    "IVF64,Flat",
    "IVF64,SQ8",
    "IVF16,PQ4x4",
    "IVF64,SQ8,RFlat",
)


@pytest.fixture(scope="session", params=ALL_KINDS)
def factory(request: pytest.FixtureRequest) -> str:
    """Each kind of index in turn."""
    kind: str = request.param
    return kind


class World:
    """Clustered vectors with a bias, some of them repeated, and queries near them."""

    def __init__(self, n: int, dim: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((24, dim))
        vectors = centres[rng.integers(24, size=n)] + 0.5 * rng.standard_normal((n, dim))
        vectors[n // 2 : n // 2 + 40] = vectors[:40]
        self.vectors: NDArray[np.float32] = vectors.astype(np.float32)
        self.bias: NDArray[np.float32] = rng.standard_normal(n).astype(np.float32)
        self.bias[n // 2 : n // 2 + 40] = self.bias[:40]
        queries = centres[rng.integers(24, size=50)] + 0.5 * rng.standard_normal((50, dim))
        self.queries: NDArray[np.float32] = queries.astype(np.float32)
        self.histories = [rng.choice(n, size=rng.integers(0, 40), replace=False) for _ in range(50)]
        self.rng = rng


@pytest.fixture(scope="session")
def world() -> World:
    return World(n=2600, dim=15, seed=1)


@pytest.fixture(scope="session")
def brute_force() -> Callable[..., Any]:
    """Exact search in plain numpy: (vectors, bias, queries, k, hidden=None) -> scores, ids."""
    return search_by_brute_force


def search_by_brute_force(
    vectors: NDArray[np.float32],
    bias: NDArray[np.float32] | None,
    queries: NDArray[np.float32],
    k: int,
    hidden: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Exact top k by (-score, id) in plain numpy; `hidden` bool (m, n)."""
    m, n = len(queries), len(vectors)
    products = queries.astype(np.float64)[:, None, :] * vectors.astype(np.float64)[None, :, :]
    exact = products.sum(axis=2) + (0 if bias is None else bias.astype(np.float64))
    scores = exact.astype(np.float32)
    if hidden is not None:
        scores = np.where(hidden, np.float32(-np.inf), scores)
    order = np.lexsort((np.broadcast_to(np.arange(n), (m, n)), -scores), axis=1)[:, : min(k, n)]
    best = np.take_along_axis(scores, order, axis=1)
    return best, np.where(np.isneginf(best), -1, order)
