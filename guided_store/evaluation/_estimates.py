"""Figures with their intervals over users: means and ratios of sums, undefined cases left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation._intervals import LEVEL, REPLICATES, Interval, resampled_sums, user_totals


@dataclass(frozen=True)
class Estimate:
    """A figure and its percentile bootstrap interval over users.

    All three are NaN where there is nothing to estimate from; `low` and `high` alone where no interval can be
    said: of one user, or of so few defined cases that some resample holds none. Such a handful would give an
    interval far too narrow, if resamples without a figure were passed over.
    """

    value: float
    low: float
    high: float

    @property
    def interval(self) -> Interval | None:
        """(low, high), None where it cannot be said."""
        return None if np.isnan(self.low) else (self.low, self.high)

    def to_dict(self) -> dict[str, float | None]:
        """`value`, `low`, `high`, JSON-serialisable: None for NaN."""
        return {name: None if np.isnan(value) else value for name, value in vars(self).items()}


_NAN = float("nan")


def bootstrap_ratios(
    users: NDArray[np.int64],
    above: NDArray[np.floating | np.integer | np.bool_],
    below: NDArray[np.floating | np.integer | np.bool_],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Estimate]:
    """Sum over sum of each column, with intervals of which all see the same draws.

    Users (or items: whatever the first argument numbers) are drawn with replacement, each with all their
    cases, as in `bootstrap_intervals`.

    Args:
        users: user of each case, int64 (C,), any numbering.
        above: (C, N); below: (C, N) or (C, 1), at least 0.
        replicates: resamples; `level`: coverage; `seed`: of the draws.

    Returns:
        N estimates, see `Estimate` for where they are NaN.
    """
    width = above.shape[1]
    if not len(users):
        return [Estimate(_NAN, _NAN, _NAN)] * width
    totals = user_totals(users, np.concatenate([above, below], axis=1, dtype=np.float64))
    sums = resampled_sums(totals, replicates, seed)
    bottom = np.broadcast_to(totals[:, width:].sum(axis=0), width)
    drawn = np.broadcast_to(sums[:, width:], (len(sums), width))
    known, sure = bottom > 0, (drawn > 0).all(axis=0) & (len(totals) > 1)
    value, ends = np.full(width, _NAN), np.full((2, width), _NAN)
    value[known] = totals[:, :width].sum(axis=0)[known] / bottom[known]
    if sure.any():
        tails = [(1 - level) / 2, (1 + level) / 2]
        ends[:, sure] = np.quantile(sums[:, :width][:, sure] / drawn[:, sure], tails, axis=0)
    return [Estimate(float(value[at]), float(ends[0, at]), float(ends[1, at])) for at in range(width)]


def bootstrap_means(
    users: NDArray[np.int64],
    values: NDArray[np.floating | np.integer | np.bool_],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Estimate]:
    """Mean of each column (C, N) over its values that are not NaN; otherwise as `bootstrap_ratios`."""
    columns = np.asarray(values, np.float64)
    known = ~np.isnan(columns)
    above = np.where(known, columns, 0.0)
    return bootstrap_ratios(users, above, known, replicates=replicates, level=level, seed=seed)
