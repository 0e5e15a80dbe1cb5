"""The ratio of two means over different cases of the same users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import LEVEL, REPLICATES, resampled_sums


@dataclass(frozen=True)
class Ratio:
    """A ratio of two means and its interval.

    Attributes:
        value: None where the reference is 0.
        interval: percentile bootstrap over users; None where `value` is, or where a resample's reference
            is 0.
    """

    value: float | None
    interval: tuple[float, float] | None

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable."""
        return {"value": self.value, "interval": None if self.interval is None else list(self.interval)}


def ratio_of_means(
    users: NDArray[np.int64],
    values: NDArray[np.float64],
    reference_users: NDArray[np.int64],
    reference: NDArray[np.float64],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Ratio:
    """`mean(values) / mean(reference)` with a bootstrap interval over users.

    A user is drawn with all cases on both sides, so that a user who has some on each counts in both means
    of a resample. Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13.

    Args:
        users, values: user and value of each case, (C,); reference_users, reference: of the others, (D,);
            user numbers must mean the same on both sides.

    Raises:
        UsageError: a side has no case.
    """
    if not len(values) or not len(reference):
        raise UsageError("a ratio of means needs at least one case on each side")
    distinct, row = np.unique(np.concatenate([users, reference_users]), return_inverse=True)
    mine, other = row[: len(users)], row[len(users) :]
    size = len(distinct)
    totals = np.stack(
        [
            np.bincount(mine, weights=values, minlength=size),
            np.bincount(mine, minlength=size),
            np.bincount(other, weights=reference, minlength=size),
            np.bincount(other, minlength=size),
        ],
        axis=1,
    ).astype(np.float64)
    below = float(reference.mean())
    if not below:
        return Ratio(None, None)
    sums = resampled_sums(totals, replicates, seed)
    usable = bool((sums[:, 1:] > 0).all())
    interval = None
    if usable:
        ratios = (sums[:, 0] / sums[:, 1]) / (sums[:, 2] / sums[:, 3])
        low, high = np.quantile(ratios, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        interval = (float(low), float(high))
    return Ratio(float(values.mean()) / below, interval)
