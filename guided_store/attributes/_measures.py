"""Measures on columns of scores with gaps: shares of values, correlations, agreement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


def shares(column: Column) -> tuple[Column, Column]:
    """The values that occur, ascending, and the share of known scores on each; both empty without scores."""
    values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
    return values, counts / max(counts.sum(), 1)


def correlation(x: Column, y: Column) -> float:
    """Pearson correlation over rows where both are known; 0 where it is undefined."""
    both = ~(np.isnan(x) | np.isnan(y))
    if both.sum() < 3:
        return 0.0
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0 else 0.0


def rank_correlation(x: Column, y: Column) -> tuple[float, int]:
    """Spearman correlation over rows where both are known (0 where undefined), and their number."""
    both = ~(np.isnan(x) | np.isnan(y))
    return correlation(_ranks(x[both]), _ranks(y[both])), int(both.sum())


def agreements(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[tuple[float, float, int]]:
    """Of each column of two scorings (n, A): Pearson correlation, mean absolute difference, items in both.

    A column on which both scorings say the same everywhere has correlation 1, whether it varies or not.
    """
    found = []
    for x, y in zip(first.T, second.T, strict=True):
        both = ~(np.isnan(x) | np.isnan(y))
        apart = np.abs(x[both] - y[both])
        r = 1.0 if not apart.any() else correlation(x, y)
        found.append((r, float(apart.mean()) if len(apart) else 0.0, len(apart)))
    return found


def _ranks(x: Column) -> Column:
    """Ranks from 1, ties sharing their mean."""
    _, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[where], np.float64)
