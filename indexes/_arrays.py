"""Checks on arrays that come from outside: shape, type, finite values, size of the values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexes._errors import VectorIndexError

LARGEST_NORM = 1e18
"""Vectors and queries longer than this are refused: two such norms multiply to 1e36, which float32 holds."""

_BLOCK_VALUES = 1 << 20


def check_matrix(name: str, array: NDArray[np.float32], dim: int | None = None) -> NDArray[np.float32]:
    """Return `array` as C-contiguous float32 (rows, dim); `name` is used in the sentence when it is not."""
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise VectorIndexError(f"{name} must be an array with two dimensions, not {_describe(array)}")
    if array.dtype != np.float32:
        raise VectorIndexError(f"{name} must be float32, not {array.dtype}: convert with .astype(np.float32)")
    if dim is not None and array.shape[1] != dim:
        raise VectorIndexError(f"{name} have {array.shape[1]} columns where {dim} are expected")
    array = np.ascontiguousarray(array)
    _check_values(name, array)
    return array


def check_bias(bias: NDArray[np.float32] | None, rows: int) -> NDArray[np.float32] | None:
    """Return `bias` as contiguous float32 (rows,), or None."""
    if bias is None:
        return None
    if not isinstance(bias, np.ndarray) or bias.shape != (rows,):
        raise VectorIndexError(f"bias must be an array of {rows} values, one a vector, not {_describe(bias)}")
    if bias.dtype != np.float32:
        raise VectorIndexError(f"bias must be float32, not {bias.dtype}: convert with .astype(np.float32)")
    bias = np.ascontiguousarray(bias)
    _check_values("bias", bias[:, None])
    return bias


def longest_norm(matrix: NDArray[np.float32]) -> float:
    """The largest Euclidean norm of the rows, computed in float64; 0.0 for no rows."""
    longest = 0.0
    for block in _blocks(matrix):
        wide = block.astype(np.float64)
        longest = max(longest, float(np.sqrt(np.square(wide).sum(axis=1).max())))
    return longest


def _check_values(name: str, matrix: NDArray[np.float32]) -> None:
    start = 0
    for block in _blocks(matrix):
        wide = block.astype(np.float64)
        # Non-finite values make the sum of squares non-finite, so that one pass serves both checks.
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.square(wide).sum(axis=1)
            bad = ~(squares <= LARGEST_NORM**2)
        if bad.any():
            row = int(np.argmax(bad))
            why = "is too long for float32 scores" if np.isfinite(wide[row]).all() else "is not finite"
            raise VectorIndexError(f"{name}: row {start + row} {why}")
        start += len(block)


def _blocks(matrix: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    step = max(1, _BLOCK_VALUES // max(1, matrix.shape[1]))
    return [matrix[start : start + step] for start in range(0, len(matrix), step)]


def _describe(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"one of shape {value.shape}"
    return type(value).__name__
