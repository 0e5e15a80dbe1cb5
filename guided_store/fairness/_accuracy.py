"""How well each group is served: accuracy by group, gaps between groups, and what a version changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from guided_store.evaluation import Interval, holm
from guided_store.fairness._groups import Grouping
from guided_store.fairness._resampling import Resampling, interval, ratio

PERMUTATIONS = 1000
"""Times that groups are dealt anew to tell what gap chance alone makes."""

_DEALT = 8_000_000
"""Figures dealt at a time (32 MB)."""

Values = Mapping[str, Mapping[str, NDArray[np.float64]]]
"""label of a version -> metric -> float64 (C,), the first label the reference."""


@dataclass(frozen=True)
class GroupAccuracy:
    """One metric of one version for the cases of one group.

    Attributes:
        grouping, group: which; users, cases: how many.
        small: fewer users than are asked for; then nothing but `value` is claimed.
        version, metric: label of the version, and name of the metric as in `per_case`.
        value: mean over the group's cases, None without a case; `interval`: of it.
        against_rest: `value` minus the mean of all other cases whose group is known; `rest_interval`: of it.
        p: two-sided, of `against_rest` over its bootstrap standard error (normal); `adjusted`: by Holm over
            all groups of this version and metric.
        change: `value` minus that of the reference; None for the reference; `change_interval`: paired.
        apart: by how much the group gains more than the rest does; `apart_interval`: of it.
    """

    grouping: str
    group: str
    users: int
    cases: int
    small: bool
    version: str
    metric: str
    value: float | None
    interval: Interval | None = None
    against_rest: float | None = None
    rest_interval: Interval | None = None
    p: float | None = None
    adjusted: float | None = None
    change: float | None = None
    change_interval: Interval | None = None
    apart: float | None = None
    apart_interval: Interval | None = None


@dataclass(frozen=True)
class Gap:
    """How far apart the groups of one grouping are, those that are large enough.

    Attributes:
        grouping, version, metric: of what.
        best, worst: the groups that are served best and worst.
        gap: the difference between them; `interval`: of these two groups as if they had been named before.
        ratio: worst over best, None where the best is 0; `ratio_interval`: of it.
        chance: the mean gap if groups were dealt anew to the cases; p: how often that gap is as large, which
            takes into account that the best and the worst of several groups were picked.
        change: by how much the gap between `change_between` is wider than with the reference, None for the
            reference; `change_interval`: paired. These are the groups furthest apart in the mean of the two
            versions: picked by one of them, its gap would seem to shrink by chance alone.
    """

    grouping: str
    version: str
    metric: str
    best: str
    worst: str
    gap: float
    interval: Interval | None
    ratio: float | None
    ratio_interval: Interval | None
    chance: float
    p: float
    change: float | None = None
    change_interval: Interval | None = None
    change_between: tuple[str, str] | None = None


def group_accuracy(
    groupings: Sequence[Grouping], values: Values, resampling: Resampling, least: int
) -> tuple[list[GroupAccuracy], list[Gap]]:
    """Accuracy of every group and the gaps between groups.

    Ekstrand, Das, Burke and Diaz, "Fairness in information access systems" (Foundations and Trends in
    Information Retrieval 16, 2022), section 5: consumer fairness as the difference in utility between groups.

    Args:
        groupings: over the cases.
        values: of each version, the reference first.
        resampling: how intervals are drawn.
        least: users that a group needs.

    Returns:
        rows by grouping, group, version and metric; gaps by grouping, version and metric.
    """
    groupings = [grouping for grouping in groupings if grouping.labels]
    if not groupings:
        return [], []
    versions, metrics = list(values), list(next(iter(values.values())))
    figures = np.stack([values[version][metric] for version in versions for metric in metrics])  # (X, C)
    # The groups of all groupings side by side, each grouping's followed by all its cases of a known group.
    member = np.concatenate(
        [np.concatenate([one.member, one.member.any(axis=1, keepdims=True)], axis=1) for one in groupings],
        axis=1,
    ).astype(np.float64)  # (C, G)
    users = _users(member, resampling.users)
    cases = member.sum(axis=0).astype(np.int64)
    columns = np.concatenate([*(member * row[:, None] for row in figures), member], axis=1)
    observed, resampled = resampling.sums(columns)
    shape = (len(figures) + 1, member.shape[1])
    observed, resampled = observed.reshape(shape), resampled.reshape(-1, *shape)
    dealt = _dealt(member, figures, cases, resampling.seed)

    rows: list[GroupAccuracy] = []
    gaps: list[Gap] = []
    start = 0
    for grouping in groupings:
        stop = start + len(grouping.labels)
        inside, whole = slice(start, stop), slice(stop, stop + 1)
        means, draws = _means(observed, inside), _means(resampled, inside)
        rest = ratio(observed[:-1, whole] - observed[:-1, inside], observed[-1, whole] - observed[-1, inside])
        rest_draws = ratio(
            resampled[:, :-1, whole] - resampled[:, :-1, inside],
            resampled[:, -1:, whole] - resampled[:, -1:, inside],
        )
        sizes = [
            (label, int(users[start + place]), int(cases[start + place]))
            for place, label in enumerate(grouping.labels)
        ]
        rows += _rows(
            grouping.name, sizes, versions, metrics, means, draws, rest, rest_draws, resampling, least
        )
        sound = [place for place, (_, count, _) in enumerate(sizes) if count >= least]
        if len(sound) > 1:
            names = [grouping.labels[place] for place in sound]
            chance = dealt[:, :, start:stop][:, :, sound]
            gaps += _gaps(
                grouping.name,
                names,
                versions,
                metrics,
                means[:, sound],
                draws[:, :, sound],
                chance,
                resampling,
            )
        start = stop + 1
    return _corrected(rows), gaps


def _rows(
    grouping: str,
    sizes: Sequence[tuple[str, int, int]],
    versions: Sequence[str],
    metrics: Sequence[str],
    means: NDArray[np.float64],
    draws: NDArray[np.float64],
    rest: NDArray[np.float64],
    rest_draws: NDArray[np.float64],
    resampling: Resampling,
    least: int,
) -> list[GroupAccuracy]:
    own, others = draws, draws - rest_draws
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2 * ndtr(-np.abs((means - rest) / others.std(axis=0, ddof=1)))
    first = np.tile(np.arange(len(metrics)), len(versions))  # the reference's figure of the same metric
    ends = resampling.bounds(own)
    rest_ends = resampling.bounds(others)
    change_ends = resampling.bounds(own - own[:, first])
    apart_ends = resampling.bounds(others - others[:, first])
    found = []
    for place, (group, users, cases) in enumerate(sizes):
        for number, (version, metric) in enumerate((v, m) for v in versions for m in metrics):
            value = float(means[number, place]) if cases else None
            row = GroupAccuracy(grouping, group, users, cases, users < least, version, metric, value)
            if users >= least:
                known = {**vars(row), "interval": interval(ends, number, place)}
                if np.isfinite(rest[number, place]):
                    known |= {
                        "against_rest": float(means[number, place] - rest[number, place]),
                        "rest_interval": interval(rest_ends, number, place),
                        "p": None if np.isnan(p[number, place]) else float(p[number, place]),
                    }
                if version != versions[0]:
                    before = means[first[number], place]
                    known |= {
                        "change": float(means[number, place] - before),
                        "change_interval": interval(change_ends, number, place),
                    }
                    if np.isfinite(rest[number, place]):
                        gained = rest[number, place] - rest[first[number], place]
                        known |= {
                            "apart": float(means[number, place] - before - gained),
                            "apart_interval": interval(apart_ends, number, place),
                        }
                row = GroupAccuracy(**known)
            found.append(row)
    return found


def _gaps(
    grouping: str,
    names: Sequence[str],
    versions: Sequence[str],
    metrics: Sequence[str],
    means: NDArray[np.float64],
    draws: NDArray[np.float64],
    dealt: NDArray[np.float64],
    resampling: Resampling,
) -> list[Gap]:
    chance = dealt.max(axis=2) - dealt.min(axis=2)
    first = np.tile(np.arange(len(metrics)), len(versions))
    found = []
    for number, (version, metric) in enumerate((v, m) for v in versions for m in metrics):
        best, worst = int(means[number].argmax()), int(means[number].argmin())
        gap = float(means[number, best] - means[number, worst])
        gained, gained_draws = (
            means[number] - means[first[number]],
            draws[:, number] - draws[:, first[number]],
        )
        middle = means[number] + means[first[number]]
        high, low = int(middle.argmax()), int(middle.argmin())
        top, bottom = draws[:, number, best], draws[:, number, worst]
        reached = int((chance[:, number] >= gap - 1e-12).sum())
        other = version != versions[0]
        share = float(ratio(means[number, worst], means[number, best]))
        found.append(
            Gap(
                grouping=grouping,
                version=version,
                metric=metric,
                best=names[best],
                worst=names[worst],
                gap=gap,
                interval=interval(resampling.bounds(top - bottom)),
                ratio=None if np.isnan(share) else share,
                ratio_interval=interval(resampling.bounds(ratio(bottom, top))),
                chance=float(chance[:, number].mean()),
                p=(1 + reached) / (1 + len(chance)),
                change=float(gained[high] - gained[low]) if other else None,
                change_interval=(
                    interval(resampling.bounds(gained_draws[:, high] - gained_draws[:, low]))
                    if other
                    else None
                ),
                change_between=(names[high], names[low]) if other else None,
            )
        )
    return found


def _corrected(rows: Sequence[GroupAccuracy]) -> list[GroupAccuracy]:
    """Holm's correction over all groups of one version and metric."""
    families: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        if row.p is not None:
            families.setdefault((row.version, row.metric), []).append(place)
    found = list(rows)
    for places in families.values():
        ps = np.array([rows[place].p for place in places], np.float64)
        for place, adjusted in zip(places, holm(ps), strict=True):
            found[place] = GroupAccuracy(**{**vars(rows[place]), "adjusted": float(adjusted)})
    return found


def _means(sums: NDArray[np.float64], inside: slice) -> NDArray[np.float64]:
    """Means (..., X, G) of the groups `inside` from sums (..., X + 1, G) whose last row counts the cases."""
    return ratio(sums[..., :-1, inside], sums[..., -1:, inside])


def _users(member: NDArray[np.float64], users: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distinct users of each group, int64 (G,)."""
    return np.array([len(np.unique(users[column > 0])) for column in member.T], np.int64)


def _dealt(
    member: NDArray[np.float64], figures: NDArray[np.float64], cases: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """Means (PERMUTATIONS, X, G) when the cases' figures are dealt anew to the cases."""
    random = np.random.default_rng(seed)
    narrow, values = member.astype(np.float32), figures.astype(np.float32)
    found = np.empty((PERMUTATIONS, len(figures), member.shape[1]))
    # Several at a time: one alone would read all of `member` for a few rows.
    step = max(1, _DEALT // values.size)
    for start in range(0, PERMUTATIONS, step):
        orders = [random.permutation(values.shape[1]) for _ in range(min(step, PERMUTATIONS - start))]
        mixed = np.concatenate([values[:, order] for order in orders])
        found[start : start + len(orders)] = (mixed @ narrow).reshape(len(orders), *found.shape[1:])
    return found / np.maximum(cases, 1)
