"""A figure with its interval over users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import LEVEL, REPLICATES, resampled_sums


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % bootstrap interval over users; NaN where there is nothing to estimate from."""

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        return self.low, self.high

    def to_dict(self) -> dict[str, float | None]:
        """`value`, `low`, `high`, JSON-serialisable: None for NaN."""
        return {name: None if np.isnan(value) else value for name, value in vars(self).items()}


NOTHING = Estimate(float("nan"), float("nan"), float("nan"))


def ratios(
    users: NDArray[np.int64],
    above: NDArray[np.floating | np.integer | np.bool_],
    below: NDArray[np.floating | np.bool_] | None = None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[Estimate]:
    """Sum over sum of each column, and its percentile bootstrap interval.

    Users are drawn with replacement, each with all their cases, all columns on the same draws (as in
    `evaluation.bootstrap_intervals`).

    Args:
        users: user of each case, int64 (C,), any numbering.
        above: (C, N); below: (C, N) or (C, 1), at least 0, or None for ones: then the ratios are means.
        replicates: resamples; `seed`: of them.

    Returns:
        N estimates; NaN where there is no case or nothing below.
    """
    if not len(users):
        return [NOTHING] * above.shape[1]
    whole = np.ones((len(users), 1)) if below is None else below
    distinct, row = np.unique(users, return_inverse=True)
    totals = np.zeros((len(distinct), above.shape[1] + whole.shape[1]))
    np.add.at(totals, row, np.concatenate([above, whole], axis=1, dtype=np.float64))
    sums = resampled_sums(totals, replicates, seed)
    width, tail = above.shape[1], (1 - LEVEL) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = totals[:, :width].sum(axis=0) / totals[:, width:].sum(axis=0)
        drawn = sums[:, :width] / sums[:, width:]
    # A resample may miss the few users that have something below: it says nothing of the ratio.
    drawn = np.where(np.isfinite(drawn), drawn, np.nan)
    found = []
    for column in range(width):
        known = drawn[~np.isnan(drawn[:, column]), column]
        if not np.isfinite(value[column]) or not len(known):
            found.append(NOTHING)
            continue
        low, high = np.quantile(known, [tail, 1 - tail])
        found.append(Estimate(float(value[column]), float(low), float(high)))
    return found


def mean(users: NDArray[np.int64], values: NDArray[np.floating | np.integer | np.bool_]) -> Estimate:
    """Mean of (C,) values with its interval."""
    return ratios(users, values[:, None])[0]
