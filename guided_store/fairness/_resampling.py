"""Means over cases, and the same means over resamples of users, all on the same draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import LEVEL, REPLICATES, Interval, resampled_sums, user_totals

_COLUMNS = 512
"""Columns resampled at a time: 34,670 users of these take 140 MB."""


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn: percentile bootstrap over users, each drawn with all their cases.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Attributes:
        users: user of each case, int64 (C,).
        replicates: resamples; `level`: coverage; `seed`: of the draws.
    """

    users: NDArray[np.int64]
    replicates: int = REPLICATES
    level: float = LEVEL
    seed: int = 0

    def __post_init__(self) -> None:
        if self.replicates < 2 or not 0 < self.level < 1:
            raise UsageError(
                "intervals need 2 replicates or more and a level between 0 and 1, "
                f"not {self.replicates} and {self.level:g}"
            )

    def sums(self, columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sums of columns (C, N): as observed (N,), and over resamples (replicates, N)."""
        found = []
        for first in range(0, columns.shape[1], _COLUMNS):
            totals = user_totals(self.users, columns[:, first : first + _COLUMNS])
            found.append(resampled_sums(totals, self.replicates, self.seed))
        return columns.sum(axis=0), np.concatenate(found, axis=1)

    def bounds(self, resampled: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ends of the intervals of figures, (2, ...), from their resamples (replicates, ...).

        NaN where a figure is undefined in any resample.
        """
        tails = [(1 - self.level) / 2, (1 + self.level) / 2]
        found: NDArray[np.float64] = np.quantile(resampled, tails, axis=0)
        return found


def interval(bounds: NDArray[np.float64], *place: int) -> Interval | None:
    """One interval of `Resampling.bounds`, None where it is undefined."""
    low, high = float(bounds[(0, *place)]), float(bounds[(1, *place)])
    return None if np.isnan(low) or np.isnan(high) else (low, high)


def ratio(value: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """`value / reference`, NaN where the reference is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = np.where(reference == 0, np.nan, np.true_divide(value, reference))
    return found
