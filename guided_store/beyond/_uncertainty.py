"""How sure the figures are: over users by resampling or by leaving one out, over seeds by their spread.

Means over users take the percentile bootstrap. Coverage, Gini and personalisation do not: in a resample some
users stand twice and a third is missing, so that it shows fewer items, more unequally, than as many other
users would, and its interval can lie beside the figure. They take the jackknife over users, `variance =
(U - 1) / U sum_u (t_(-u) - mean)^2`, which errs on the wide side (Efron and Stein, "The jackknife estimate of
variance", Annals of Statistics 9, 1981), and a normal interval.

Where a label is several seeds of one recipe, the question is what other seeds would show as well. The
variance of the mean over seeds is then added to that over users, and the interval is `value +- q * error`, q
between Student's t (the seeds' degrees of freedom) and the normal quantile, by the share of the variance that
either has (Cochran and Cox, "Experimental Designs", 1957, section 4.14): the rule that recipes' accuracy is
judged by. A single model brings no spread of seeds, and its interval speaks of this model alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Interval, mixed_quantile

Seeds = Sequence[Sequence[float]]
"""Figures of each seed, of each label that takes part."""


def jackknife_interval(
    value: float, effects: NDArray[np.float64], level: float, seeds: Seeds = ()
) -> Interval:
    """Interval of a figure of all lists from the effects of leaving out each user.

    Args:
        value: the figure, or the difference of two.
        effects: float64 (U,), see `Whole`; of a difference, their difference.
        level: coverage, within (0, 1).
        seeds: figures of each seed, of one label or of both; single ones bring nothing.
    """
    users = len(effects)
    variance = (users - 1) / users * float(((effects - effects.mean()) ** 2).sum())
    by_seeds, freedom = _spread(seeds)
    reach = _reach(variance, by_seeds, freedom, level)
    return value - reach, value + reach


def resampled_interval(
    value: float, resampled: NDArray[np.float64], level: float, seeds: Seeds = ()
) -> Interval:
    """Interval of a mean, a ratio or a difference from its resamples over users.

    Args:
        value: the figure.
        resampled: float64 (replicates,), NaN where a resample has no case that counts.
        level, seeds: as `jackknife_interval`.
    """
    by_seeds, freedom = _spread(seeds)
    if by_seeds:
        reach = _reach(float(np.nanvar(resampled)), by_seeds, freedom, level)
        return value - reach, value + reach
    low, high = np.nanquantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _spread(seeds: Seeds) -> tuple[float, int]:
    """Variance of the mean over seeds (of a difference: of both), and its degrees of freedom."""
    groups = [np.asarray(found, np.float64) for found in seeds if len(found) > 1]
    variance = sum(float(found.var(ddof=1)) / len(found) for found in groups)
    return variance, sum(len(found) - 1 for found in groups)


def _reach(by_users: float, by_seeds: float, freedom: int, level: float) -> float:
    """Half the width of an interval."""
    total = by_users + by_seeds
    if by_seeds:
        quantile = float(mixed_quantile(1 - level, by_seeds / total, freedom))
    else:
        quantile = NormalDist().inv_cdf((1 + level) / 2)
    return quantile * float(np.sqrt(total))
