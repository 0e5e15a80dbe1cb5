"""The item bias as one more vector column, so that one inner-product index serves the whole score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexes._arrays import check_bias, check_matrix
from indexes._errors import VectorIndexError


def augment(vectors: NDArray[np.float32], bias: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Append the bias as the last column: float32 (n, d) and (n,) or None (zeros) -> float32 (n, d + 1).

    With `augment_query`, `augment(X, b) @ augment_query(q) == X @ q + b` term by term, so the order of the
    maximum inner product is that of the biased score. This is exact, unlike the reductions of inner product
    to Euclidean distance, which add a column that depends on the largest norm.

    Raises:
        VectorIndexError: wrong shape or dtype, or values that are not finite.
    """
    vectors = check_matrix("vectors", vectors)
    bias = check_bias(bias, len(vectors))
    return append_column(vectors, 0.0 if bias is None else bias)


def augment_query(queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Append the constant 1 that meets the bias column: float32 (d,) or (m, d) -> (d + 1,) or (m, d + 1).

    Raises:
        VectorIndexError: wrong shape or dtype, or values that are not finite.
    """
    if isinstance(queries, np.ndarray) and queries.ndim == 1:
        return append_column(check_matrix("queries", queries[None]), 1.0).reshape(-1)
    if not isinstance(queries, np.ndarray) or queries.ndim != 2:
        raise VectorIndexError("queries must be one vector (d,) or a matrix (m, d)")
    return append_column(check_matrix("queries", queries), 1.0)


def append_column(matrix: NDArray[np.float32], column: NDArray[np.float32] | float) -> NDArray[np.float32]:
    """A copy of `matrix` (rows, d) with one more column, float32 (rows, d + 1); nothing is checked."""
    wide = np.empty((matrix.shape[0], matrix.shape[1] + 1), np.float32)
    wide[:, :-1] = matrix
    wide[:, -1] = column
    return wide
