"""What other users, and other seeds of the same recipe, might have made of a figure.

Comparing trained models asks about users alone: percentile bootstrap over users. Comparing recipes asks about
seeds too, and has few of them. Users and seeds are resampled together (a hierarchical bootstrap: Davison and
Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8): of a recipe's n seeds n - 1 are drawn
with replacement, since n draws would understate the variance of a mean by (n - 1) / n, half of it with two
seeds (Rao and Wu, "Resampling inference with complex survey data", JASA 83, 1988). Users are drawn as for
models, one draw for all seeds and candidates.

Percentiles of so few seeds would still lie too near: the resamples give the standard error only, and the
interval is `value +- q * error`, where q lies between Student's t (freedom: the seeds less one a recipe) and
the normal quantile, weighted by the shares of the variance that come from seeds and from users (after Cochran
and Cox, "Experimental Designs", 1950, for means of unequal variance). With seeds that scatter alike in both
recipes this holds its level, or is a little careful: of 200,000 simulated comparisons of a recipe with itself
3 to 5 % were rejected at 5 %, with two, three and five seeds a side and whatever the share of the seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import LEVEL, REPLICATES, mixed_quantile, resampled_sums, user_totals

PerCase = Mapping[str, NDArray[np.float64]]
"""Metric -> value of each case, float64 (C,)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """Means of M metrics of one candidate, and their resamples.

    Attributes:
        means: of each seed, float64 (S, M).
        on_users: R resamples of users, averaged over seeds, float64 (R, M).
        on_both: of users and seeds, float64 (R, M); the same where there is one seed.
    """

    means: Floats
    on_users: Floats
    on_both: Floats

    @property
    def seeds(self) -> int:
        return len(self.means)

    @property
    def value(self) -> Floats:
        """Mean over seeds, float64 (M,)."""
        found: Floats = self.means.mean(axis=0)
        return found

    def of(self, metrics: NDArray[np.bool_]) -> Draws:
        """The same of some of the metrics, bool (M,)."""
        return Draws(self.means[:, metrics], self.on_users[:, metrics], self.on_both[:, metrics])

    @property
    def seed_variance(self) -> Floats:
        """Of the mean over seeds, float64 (M,); 0 with one seed, of which it cannot be known."""
        if self.seeds == 1:
            return np.zeros(self.means.shape[1])
        found: Floats = self.means.var(axis=0, ddof=1) / self.seeds
        return found


@dataclass(frozen=True)
class Apart:
    """Difference and relative change of two candidates, each of M metrics.

    Attributes:
        difference, low, high: float64 (M,), `value - reference` with its interval.
        relative, relative_low, relative_high: `value / reference - 1`; NaN where it cannot be said.
        p: two-sided, of seeds and users; None for single models, whose test is another.
    """

    difference: Floats
    low: Floats
    high: Floats
    relative: Floats
    relative_low: Floats
    relative_high: Floats
    p: Floats | None


def draw(
    users: NDArray[np.int64],
    systems: Mapping[str, Sequence[PerCase]],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> dict[str, Draws]:
    """Resample all candidates on the same users.

    Args:
        users: user of each case, int64 (C,), C at least 1; a user is drawn with all their cases.
        systems: label -> values of each seed, all with the same metrics in the same order.
        replicates: resamples; `seed`: of all draws.
    """
    columns = [metric for runs in systems.values() for run in runs for metric in run.values()]
    totals = user_totals(users, np.column_stack([*columns, np.ones(len(users))]))
    sums = resampled_sums(totals, replicates, seed)
    means, resampled = totals[:, :-1].sum(axis=0) / len(users), sums[:, :-1] / sums[:, -1:]
    found, start = {}, 0
    for number, (label, runs) in enumerate(systems.items()):
        width = len(runs[0])
        here = slice(start, start + len(runs) * width)
        start = here.stop
        runs_drawn = resampled[:, here].reshape(replicates, len(runs), width)
        on_users = on_both = runs_drawn.mean(axis=1)
        if len(runs) > 1:
            random = np.random.default_rng([seed, number])
            picked = random.integers(0, len(runs), (replicates, len(runs) - 1))
            on_both = runs_drawn[np.arange(replicates)[:, None], picked].mean(axis=1)
        found[label] = Draws(means[here].reshape(len(runs), width), on_users, on_both)
    return found


def interval(one: Draws, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Low and high end of each metric's mean, float64 (M,) each."""
    if one.seeds == 1:
        return _percentiles(one.on_users, level)
    reach = _reach(one.on_both, one.on_users, one.seed_variance, one.seeds - 1, level)
    return one.value - reach, one.value + reach


def apart(one: Draws, reference: Draws, level: float = LEVEL) -> Apart:
    """How far a candidate is from the reference; both single models, or both recipes of 2 seeds or more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(reference.value > 0, one.value / reference.value - 1, np.nan)
    difference = one.value - reference.value
    if one.seeds == 1:
        low, high = _percentiles(one.on_users - reference.on_users, level)
        ends = np.full((2, len(difference)), np.nan)
        sure = (reference.on_users > 0).all(axis=0)
        if sure.any():
            ends[:, sure] = _percentiles(one.on_users[:, sure] / reference.on_users[:, sure] - 1, level)
        return Apart(difference, low, high, relative, ends[0], ends[1], None)
    freedom = one.seeds + reference.seeds - 2
    both, on_users = one.on_both - reference.on_both, one.on_users - reference.on_users
    by_seeds = one.seed_variance + reference.seed_variance
    reach = _reach(both, on_users, by_seeds, freedom, level)
    p = _p(difference, both, on_users, by_seeds, freedom)
    ends = _ratio_ends(one, reference, freedom, level)
    return Apart(difference, difference - reach, difference + reach, relative, ends[0], ends[1], p)


def _ratio_ends(one: Draws, reference: Draws, freedom: int, level: float) -> Floats:
    """Ends of the relative change, float64 (2, M), on the scale of logarithms; NaN where a resample is 0."""
    ends = np.full((2, len(one.value)), np.nan)
    both_sides = [values for side in (one, reference) for values in (side.means, side.on_users, side.on_both)]
    sure = np.logical_and.reduce([(values > 0).all(axis=0) for values in both_sides])
    if not sure.any():
        return ends
    a, b = one.of(sure), reference.of(sure)
    by_seeds = a.seed_variance / a.value**2 + b.seed_variance / b.value**2
    both, on_users = np.log(a.on_both / b.on_both), np.log(a.on_users / b.on_users)
    reach = _reach(both, on_users, by_seeds, freedom, level)
    middle = np.log(a.value / b.value)
    ends[:, sure] = np.exp([middle - reach, middle + reach]) - 1
    return ends


def _percentiles(drawn: Floats, level: float) -> tuple[Floats, Floats]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def _reach(both: Floats, on_users: Floats, by_seeds: Floats, freedom: int, level: float) -> Floats:
    """Half the width of an interval, float64 (M,)."""
    share = _seed_share(on_users, by_seeds)
    found: Floats = both.std(axis=0) * mixed_quantile(np.full(len(share), 1 - level), share, freedom)
    return found


def _p(difference: Floats, both: Floats, on_users: Floats, by_seeds: Floats, freedom: int) -> Floats:
    """Where the interval would just reach 0, float64 (M,); bisection, since the quantile is a mix."""
    error = both.std(axis=0)
    # Rounding leaves differences of equal runs a little beside 0.
    away = np.abs(difference) > 1e-12
    steps = np.divide(np.abs(difference), error, out=np.full(len(error), np.inf), where=error > 0)
    share = _seed_share(on_users, by_seeds)
    low, high = np.full(len(error), np.log(1e-12)), np.zeros(len(error))
    for _ in range(50):
        middle = (low + high) / 2
        beyond = mixed_quantile(np.exp(middle), share, freedom) > steps
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    found: Floats = np.where(away, np.exp(high), 1.0)
    return found


def _seed_share(on_users: Floats, by_seeds: Floats) -> Floats:
    """Share of the variance that comes from seeds, float64 (M,); 0 where nothing varies."""
    total = on_users.var(axis=0) + by_seeds
    found: Floats = np.divide(by_seeds, total, out=np.zeros(len(total)), where=total > 0)
    return found
