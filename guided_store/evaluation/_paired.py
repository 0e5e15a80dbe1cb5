"""Two systems on the same cases: how far apart they are, how sure that is, and whether it may be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from guided_store.errors import UsageError
from guided_store.evaluation._intervals import LEVEL, REPLICATES, Interval, resampled_sums, user_totals
from guided_store.evaluation._metrics import KS, per_case

PERMUTATIONS = 10_000
"""Sign flips of a randomisation test; the smallest p it can find is 1 / 10,001."""

_DRAWS = 2_000_000
"""Signs drawn at a time (16 MB)."""


@dataclass(frozen=True)
class Paired:
    """One metric of one system against a reference, on the same users.

    Attributes:
        metric: its name, as in `per_case`.
        users, cases: how many were compared.
        value, reference: mean over the cases of the system, and of the reference.
        difference: `value - reference`; `interval`: its bootstrap interval over users.
        relative: `value / reference - 1`, None where the reference is 0.
        relative_interval: of the ratio of the two means, resampled together; None where `relative` is, or
            where a resample's reference is 0 (too few hits to say).
        p: two-sided, of the randomisation test, never 0; `permutations`: how many sign flips it drew.
        adjusted: `p` after Holm's correction over the metrics compared at once.
        wilcoxon: p of the signed-rank test, None where it was not asked for.
    """

    metric: str
    users: int
    cases: int
    value: float
    reference: float
    difference: float
    interval: Interval
    relative: float | None
    relative_interval: Interval | None
    p: float
    permutations: int
    adjusted: float
    wilcoxon: float | None = None

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            **vars(self),
            "interval": list(self.interval),
            "relative_interval": None if self.relative_interval is None else list(self.relative_interval),
        }


def average_seeds(ranks: Sequence[ArrayLike], ks: Sequence[int] = KS) -> dict[str, NDArray[np.float64]]:
    """Every metric of every case, averaged over runs of one system with different seeds.

    The metrics are averaged, not the ranks: a user's MRR is the mean of what each run gives that user.

    Args:
        ranks: one float64 (C,) per seed, the same cases in the same order.

    Returns:
        name -> float64 (C,), names as in `per_case`.

    Raises:
        UsageError: no run, or runs of different length.
    """
    if not len(ranks):
        raise UsageError("there is no run to average: give the ranks of at least one seed")
    runs = [per_case(run, ks) for run in ranks]
    lengths = sorted({len(run["mrr"]) for run in runs})
    if len(lengths) > 1:
        raise UsageError(
            f"the runs have {' and '.join(map(str, lengths))} cases: only runs on one split can be averaged"
        )
    return {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}


def compare(
    users: NDArray[np.int64],
    values: Mapping[str, NDArray[np.float64]],
    reference: Mapping[str, NDArray[np.float64]],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    wilcoxon: bool = False,
) -> dict[str, Paired]:
    """Compare one system with a reference; see `compare_many`, of which this is the case of one pair."""
    found = compare_many(
        users,
        {"system": values, "reference": reference},
        [("system", "reference")],
        replicates=replicates,
        level=level,
        permutations=permutations,
        seed=seed,
        wilcoxon=wilcoxon,
    )
    return found["system", "reference"]


def compare_many(
    users: NDArray[np.int64],
    systems: Mapping[str, Mapping[str, NDArray[np.float64]]],
    pairs: Sequence[tuple[str, str]],
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    wilcoxon: bool = False,
) -> dict[tuple[str, str], dict[str, Paired]]:
    """Compare pairs of systems on the same cases, metric by metric.

    Intervals: percentile bootstrap over users, each drawn with all their cases, both systems and all metrics
    on the same draws (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13); the
    relative change is the ratio of the two resampled means. They say how far the figures depend on which
    users were asked, for the runs at hand; how far runs differ is what the spread over seeds shows.

    Significance: randomisation test on the mean difference, each user's difference keeping or changing its
    sign with equal chance (Smucker, Allan and Carterette, "A comparison of statistical significance tests for
    information retrieval evaluation", CIKM 2007), p counted with the observed order itself, so that it is
    valid and never 0 (Phipson and Smyth, 2010). Holm's correction goes over the metrics of each pair.

    Args:
        users: user of each case, int64 (C,), any numbering.
        systems: name -> metric -> float64 (C,), see `average_seeds`; all with the same metrics.
        pairs: (system, reference) by name.
        replicates: resamples; `level`: coverage of the intervals, within (0, 1).
        permutations: sign flips drawn; `seed`: of all draws.
        wilcoxon: also the signed-rank test (Wilcoxon 1945, zeros ranked as in Pratt 1959).

    Returns:
        pair -> metric -> `Paired`.

    Raises:
        UsageError: no cases, an unknown name, other metrics or another number of cases, fewer than 2
            replicates or permutations, or a level outside (0, 1).
    """
    metrics = _checked(users, systems, pairs, replicates, level, permutations)
    if not pairs:
        return {}
    # Only what some pair needs is resampled; one block of columns per system, cases per user last.
    needed = list(dict.fromkeys(name for pair in pairs for name in pair))
    columns = [systems[name][metric] for name in needed for metric in metrics]
    totals = user_totals(users, np.column_stack([*columns, np.ones(len(users))]))
    sums = resampled_sums(totals, replicates, seed)
    means, resampled = totals[:, :-1].sum(axis=0) / len(users), sums[:, :-1] / sums[:, -1:]
    block = {name: slice(i * len(metrics), (i + 1) * len(metrics)) for i, name in enumerate(needed)}
    differences = np.concatenate([totals[:, block[a]] - totals[:, block[b]] for a, b in pairs], axis=1)
    ps = randomisation_p(differences, permutations, seed).reshape(len(pairs), len(metrics))
    tails = [(1 - level) / 2, (1 + level) / 2]
    found: dict[tuple[str, str], dict[str, Paired]] = {}
    for number, (a, b) in enumerate(pairs):
        adjusted = holm(ps[number])
        found[a, b] = {}
        for at, metric in enumerate(metrics):
            first, second = block[a].start + at, block[b].start + at
            value, reference = float(means[first]), float(means[second])
            apart = np.quantile(resampled[:, first] - resampled[:, second], tails)
            one = Paired(
                metric=metric,
                users=len(totals),
                cases=len(users),
                value=value,
                reference=reference,
                difference=value - reference,
                interval=(float(apart[0]), float(apart[1])),
                relative=value / reference - 1 if reference else None,
                relative_interval=_ratio_interval(resampled[:, first], resampled[:, second], tails),
                p=float(ps[number, at]),
                permutations=permutations,
                adjusted=float(adjusted[at]),
            )
            if wilcoxon:
                column = differences[:, number * len(metrics) + at]
                one = replace(one, wilcoxon=wilcoxon_p(column))
            found[a, b][metric] = one
    return found


def randomisation_p(
    differences: NDArray[np.float64], permutations: int = PERMUTATIONS, seed: int = 0
) -> NDArray[np.float64]:
    """Two-sided p of the paired randomisation test, for several columns at once.

    Args:
        differences: float64 (U, N), one row per user; every column sees the same sign flips.
        permutations: how many flips of all signs; `seed`: of them.

    Returns:
        float64 (N,), `(1 + flips at least as far from 0 as observed) / (1 + permutations)`.
    """
    rows = len(differences)
    random = np.random.default_rng(seed)
    # A flipped sum may differ from an equal observed one in its last bits: such ties count as reached.
    slack = 1e-12 * np.abs(differences).sum(axis=0)
    observed = np.abs(differences.sum(axis=0)) - slack
    reached = np.zeros(differences.shape[1], np.int64)
    step = max(1, _DRAWS // max(1, rows))
    for start in range(0, permutations, step):
        size = min(step, permutations - start)
        bits = np.unpackbits(random.integers(0, 256, (size, -(-rows // 8)), np.uint8), axis=1, count=rows)
        signs = bits.astype(np.float64)
        signs *= 2
        signs -= 1
        reached += (np.abs(signs @ differences) >= observed).sum(axis=0)
    found: NDArray[np.float64] = (1 + reached) / (1 + permutations)
    return found


def holm(ps: ArrayLike) -> NDArray[np.float64]:
    """p values after Holm's step-down correction, float64 (N,), in the order given.

    The i-th smallest of N is multiplied by N - i + 1, never below a smaller one's, at most 1. Source: Holm,
    "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).

    Raises:
        UsageError: a value outside [0, 1].
    """
    values = np.asarray(ps, np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise UsageError("p values must lie between 0 and 1")
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    found = np.empty(len(values), np.float64)
    found[order] = np.minimum(stepped, 1.0)
    return found


def wilcoxon_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of the signed-rank test over users, zeros ranked (Pratt); 1 where all are 0."""
    from scipy import stats

    # Means over seeds that are equal may differ in their last bits, and would be ranked as apart.
    differences = np.round(differences, 12)
    if not differences.any():
        return 1.0
    return float(stats.wilcoxon(differences, zero_method="pratt", method="approx").pvalue)


def sign_test(above: int, below: int) -> float:
    """Two-sided exact p that of these signs as few are of one kind by tossing a coin; 1 without any.

    Ties are left out before. Source: Dixon and Mood, "The statistical sign test", Journal of the American
    Statistical Association 41 (1946).
    """
    trials = above + below
    tail = sum(comb(trials, few) for few in range(min(above, below) + 1))
    return min(1.0, 2 * tail / (1 << trials))


def _ratio_interval(
    value: NDArray[np.float64], reference: NDArray[np.float64], tails: Sequence[float]
) -> Interval | None:
    if not reference.all():
        return None
    low, high = np.quantile(value / reference - 1, tails)
    return float(low), float(high)


def _checked(
    users: NDArray[np.int64],
    systems: Mapping[str, Mapping[str, NDArray[np.float64]]],
    pairs: Sequence[tuple[str, str]],
    replicates: int,
    level: float,
    permutations: int,
) -> list[str]:
    """Names of the metrics that all compared systems have, or UsageError."""
    if not len(users):
        raise UsageError("a comparison needs at least one case")
    if replicates < 2 or permutations < 2 or not 0 < level < 1:
        raise UsageError(
            "a comparison needs 2 replicates and permutations or more and a level between 0 and 1, "
            f"not {replicates}, {permutations} and {level:g}"
        )
    metrics: list[str] | None = None
    for name in dict.fromkeys(name for pair in pairs for name in pair):
        if name not in systems:
            raise UsageError(f"there is no system {name!r} to compare: there are {', '.join(systems)}")
        for metric, values in systems[name].items():
            if len(values) != len(users):
                raise UsageError(
                    f"{name!r} has {len(values)} values of {metric} for {len(users)} cases: "
                    "only systems on one split can be compared"
                )
        if metrics is not None and set(metrics) != set(systems[name]):
            raise UsageError(f"{name!r} has other metrics than the system it is compared with")
        metrics = metrics or list(systems[name])
    return metrics or []
