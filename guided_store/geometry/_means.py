"""Means over pairs of runs, and over users or items with bootstrap intervals, undefined values left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import LEVEL, resampled_sums

Interval = tuple[float, float]

One = TypeVar("One")
Values = NDArray[np.float64]


def between(a: Sequence[One], b: Sequence[One], measure: Callable[[One, One], Values | float]) -> Values:
    """Mean of `measure` over the pairs of a run of `a` and a run of `b`; undefined values (NaN) left out."""
    return mean_known([measure(x, y) for x, y in product(a, b)])


def within(sides: Sequence[Sequence[One]], measure: Callable[[One, One], Values | float]) -> Values | None:
    """The same over the pairs of runs of one side, mean over the sides that have several; None without."""
    found = [mean_known([measure(x, y) for x, y in combinations(side, 2)]) for side in sides if len(side) > 1]
    return mean_known(found) if found else None


def mean_known(values: Sequence[Values | float] | Values) -> Values:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    stacked = np.asarray(values, np.float64)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0).sum(axis=0)
    mean: Values = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def means_with_intervals(
    groups: NDArray[np.int64], columns: NDArray[np.float64], replicates: int, seed: int
) -> list[tuple[float, Interval | None]]:
    """Mean of each column over its known values, and its percentile interval over resampled groups.

    Args:
        groups: user (or item) of each row, int64 (C,), drawn with all its rows.
        columns: float64 (C, N), NaN where undefined; all columns see the same draws.
        replicates: resamples; `seed`: of the draws.

    Returns:
        (mean, interval) per column; (NaN, None) where nothing is known, and no interval where a resample
        holds nothing known, or of a single group.
    """
    distinct, row = np.unique(groups, return_inverse=True)
    known = ~np.isnan(columns)
    cells = np.concatenate([np.where(known, columns, 0), known], axis=1)
    totals = np.stack(
        [np.bincount(row, weights=cell, minlength=len(distinct)) for cell in cells.T], axis=1
    ).astype(np.float64)
    count = columns.shape[1]
    sums = resampled_sums(totals, replicates, seed)
    whole = totals.sum(axis=0)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found: list[tuple[float, Interval | None]] = []
    for at in range(count):
        if not whole[count + at]:
            found.append((float("nan"), None))
            continue
        mean, interval = float(whole[at] / whole[count + at]), None
        if len(distinct) > 1 and sums[:, count + at].all():
            low, high = np.quantile(sums[:, at] / sums[:, count + at], tails)
            interval = (float(low), float(high))
        found.append((mean, interval))
    return found
