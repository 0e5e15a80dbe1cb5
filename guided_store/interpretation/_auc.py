"""Area under the ROC curve with DeLong's interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import Interval

_Z = 1.959963984540054  # normal quantile of 0.975


@dataclass(frozen=True)
class Auc:
    """Chance that a positive scores above a negative, ties counting half.

    Attributes:
        value: in 0..1; 0.5 where the score tells nothing.
        low, high: 95 % interval; NaN where the two groups do not overlap at all, which leaves no variance to
            estimate.
        positives, negatives: how many.
    """

    value: float
    low: float
    high: float
    positives: int
    negatives: int

    @property
    def interval(self) -> Interval | None:
        """(low, high), None where it cannot be said."""
        return None if np.isnan(self.low) else (self.low, self.high)

    def to_dict(self) -> dict[str, float | int | None]:
        """All fields, JSON-serialisable: None for NaN."""
        return {name: None if np.isnan(value) else value for name, value in vars(self).items()}


def auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> Auc:
    """AUC as the Mann-Whitney statistic U / (m n), with midranks for ties.

    Interval: DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44; computed by midranks,
    Sun and Xu 2014, IEEE Signal Processing Letters 21) on the logit scale, which keeps it within 0 and 1.

    Args:
        positive: scores (m,); negative: scores (n,); no NaN.

    Raises:
        UsageError: fewer than two of either.
    """
    m, n = len(positive), len(negative)
    if m < 2 or n < 2:
        raise UsageError(f"an AUC needs 2 items of each kind or more, not {m} and {n}")
    from scipy import stats

    together = stats.rankdata(np.concatenate([positive, negative]))
    above = (together[:m] - stats.rankdata(positive)) / n  # share of negatives below each positive
    below = 1 - (together[m:] - stats.rankdata(negative)) / m  # share of positives above each negative
    value = float(above.mean())
    variance = float(above.var(ddof=1) / m + below.var(ddof=1) / n)
    low = high = float("nan")
    if 0 < value < 1 and variance > 0:
        logit = math.log(value / (1 - value))
        half = _Z * math.sqrt(variance) / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-end)) for end in (logit - half, logit + half))
    return Auc(value, low, high, m, n)
