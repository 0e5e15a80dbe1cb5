"""Confidence intervals of metrics, by resampling users."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError

Interval = tuple[float, float]
"""Low and high end."""

REPLICATES = 1000
LEVEL = 0.95

_DRAWS = 2_000_000
"""Users drawn at a time (16 MB); how many changes no figure."""


def bootstrap_intervals(
    users: NDArray[np.int64],
    values: Mapping[str, NDArray[np.float64]],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> dict[str, Interval]:
    """Percentile bootstrap interval of the mean of each metric.

    Users are drawn with replacement, each with all their cases (cases of one user are not independent). All
    metrics see the same draws. Give differences of two systems' per-case values for a paired comparison.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Args:
        users: user of each case, int64 (C,), any numbering.
        values: metric name -> float64 (C,).
        replicates: resamples.
        level: coverage, within (0, 1).
        seed: of the draws; the same seed gives the same interval.

    Returns:
        name -> (low, high).

    Raises:
        UsageError: no cases, fewer than 2 replicates, or a level outside (0, 1).
    """
    if not len(users):
        raise UsageError("an interval needs at least one case")
    if replicates < 2 or not 0 < level < 1:
        raise UsageError(
            "an interval needs 2 replicates or more and a level between 0 and 1, "
            f"not {replicates} and {level:g}"
        )
    totals = user_totals(users, np.column_stack([*values.values(), np.ones(len(users))]))
    sums = resampled_sums(totals, replicates, seed)  # (replicates, metrics + 1)
    tail = (1 - level) / 2
    low, high = np.quantile(sums[:, :-1] / sums[:, -1:], [tail, 1 - tail], axis=0)
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate(values)}


def user_totals(
    users: NDArray[np.int64], columns: NDArray[np.floating | np.integer | np.bool_]
) -> NDArray[np.float64]:
    """Sums of columns over the cases of each user, what `resampled_sums` draws from.

    Args:
        users: user of each case, int64 (C,), any numbering.
        columns: (C, N), a value of each case; a column of ones gives the cases of each user.

    Returns:
        float64 (U, N), a row for each user there is, in ascending order of their numbers.
    """
    distinct, row = np.unique(users, return_inverse=True)
    found = np.empty((len(distinct), columns.shape[1]))
    for at, column in enumerate(columns.T):
        found[:, at] = np.bincount(row, weights=column, minlength=len(distinct))
    return found


def resampled_sums(totals: NDArray[np.float64], replicates: int, seed: int) -> NDArray[np.float64]:
    """Column sums over resamples of users, for bootstraps of means, differences and ratios.

    All columns see the same draws, so that differences and ratios of columns are paired.

    Args:
        totals: float64 (U, N), one row per user, U at least 1: sums over the user's cases.
        replicates: resamples, each of U users drawn with replacement; `seed`: of the draws.

    Returns:
        float64 (replicates, N).
    """
    users = len(totals)
    random = np.random.default_rng(seed)
    step = max(1, _DRAWS // users)
    found: list[NDArray[np.float64]] = []
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        drawn = random.integers(0, users, (size, users)) + np.arange(size)[:, None] * users
        weights = np.bincount(drawn.ravel(), minlength=size * users).reshape(size, users)
        found.append(weights.astype(np.float64) @ totals)
    return np.concatenate(found)
