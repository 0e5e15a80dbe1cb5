"""All measures of all versions at once, each with its interval and its difference to the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.beyond import _catalogue, _popularity, _profiles
from guided_store.beyond._catalogue import Lists, Whole
from guided_store.beyond._categories import Categories, category_divergence
from guided_store.beyond._measures import MEASURES, Measure
from guided_store.beyond._sections import BeyondAccuracy, Estimate, Measured
from guided_store.beyond._uncertainty import jackknife_interval, resampled_interval
from guided_store.errors import UsageError
from guided_store.evaluation import LEVEL, REPLICATES, Cases, Judgement, resampled_sums
from guided_store.scoring import AttributeTable

K = 10

Column = NDArray[np.float64]


@dataclass(frozen=True)
class _Ratio:
    """A measure that is a sum over users divided by another: a mean, or a ratio of two means.

    Attributes:
        measure: which.
        tops: label -> one float64 (C,) per seed, NaN where not defined.
        bottom: float64 (C,), what the sum is divided by, 1 for a mean; NaN where not defined.
        less: taken off the ratio.
    """

    measure: Measure
    tops: dict[str, list[Column]]
    bottom: Column
    less: float = 0.0


def beyond_accuracy(
    judged: Mapping[str, Sequence[Judgement]],
    cases: Cases,
    *,
    attributes: AttributeTable | None = None,
    categories: Categories | None = None,
    k: int = K,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> BeyondAccuracy:
    """Coverage, concentration, novelty, popularity, serendipity, diversity and calibration of lists.

    Every measure is taken of each seed and averaged. A measure of single cases goes over those it is defined
    for under every label (a list and a history not empty, items scored), so that differences are paired.
    Intervals are over users, and over seeds where a label has several; see `_uncertainty`. They hold for one
    measure at a time and are not corrected for how many are looked at.

    Args:
        judged: label -> one `Judgement` per seed; the first label is the reference.
        cases: what was judged.
        attributes: scores of the vocabulary's items, for diversity and calibration.
        categories: of the vocabulary's items, for Steck's calibration; see `load_categories`.
        k: length of the lists.
        replicates: resamples of the users; level: coverage of the intervals; seed: of the resamples.

    Raises:
        UsageError: nothing judged, other cases or shorter lists than asked for, attributes or categories of
            another vocabulary, or `k`, `replicates` or `level` out of range.
    """
    lists = _lists(judged, cases, k, replicates, level)
    catalogue = cases.sequences.n_items
    _check_vocabulary(attributes, categories, catalogue)
    wholes = {
        MEASURES[name]: {
            label: [take(found, catalogue, cases.users) for found in runs] for label, runs in lists.items()
        }
        for name, take in (
            ("coverage", _catalogue.coverage),
            ("gini", _catalogue.gini),
            ("personalisation", _catalogue.personalisation),
        )
    }
    ratios = _popularity_ratios(lists, cases, k)
    profile: list[_Ratio] = []
    if attributes is not None:
        found, profile = _attribute_ratios(lists, cases, attributes)
        ratios += found
    if categories is not None:
        every = iter(category_divergence(cases, [one for runs in lists.values() for one in runs], categories))
        divergence = {label: [next(every) for _ in runs] for label, runs in lists.items()}
        ratios.append(_mean(MEASURES["divergence"], divergence))
    measured = {
        measure.name: _whole(measure, runs, len(cases), level)
        for measure, runs in wholes.items()
        if not any(np.isnan(one.value) for some in runs.values() for one in some)
    }
    taken = _resample([*ratios, *profile], cases, replicates, level, seed)
    measured.update((one.measure.name, taken[one.measure]) for one in ratios if one.measure in taken)
    asked = [*(measure.name for measure in wholes), *(one.measure.name for one in ratios)]
    notes = [
        f"no case has what {MEASURES[name].title} needs under every version, so it is not shown"
        for name in asked
        if name not in measured
    ]
    if attributes is None:
        notes.append("no attribute scores: diversity and calibration in attributes are not shown")
    return BeyondAccuracy(
        k=k,
        level=level,
        labels=tuple(judged),
        seeds={label: len(runs) for label, runs in judged.items()},
        users=len(np.unique(cases.users)),
        cases=len(cases),
        catalogue=catalogue,
        measures={name: measured[name] for name in MEASURES if name in measured},
        profile={one.measure.name: taken[one.measure] for one in profile if one.measure in taken},
        attributes=None if attributes is None else str(attributes.source),
        categories=None if categories is None else categories.column,
        notes=tuple(notes),
    )


def _popularity_ratios(lists: Mapping[str, list[Lists]], cases: Cases, k: int) -> list[_Ratio]:
    holders, n_users = _popularity.train_users(cases)
    places, last = _popularity.popular_places(cases, k)
    history = _popularity.history_means(cases, holders / max(n_users, 1))
    tops: dict[str, dict[str, list[Column]]] = {
        name: {label: [] for label in lists}
        for name in ("novelty", "popularity", "unexpectedness", "serendipity")
    }
    for label, runs in lists.items():
        for one in runs:
            surprising = _popularity.unexpected(one, places, last)
            tops["novelty"][label].append(_popularity.novelty(one, holders, n_users))
            tops["popularity"][label].append(_popularity.popularity(one, holders, n_users))
            tops["unexpectedness"][label].append(_popularity.unexpectedness(one, surprising))
            tops["serendipity"][label].append(_popularity.serendipity(one, surprising, cases.wanted))
    found = [_mean(MEASURES[name], columns) for name, columns in tops.items()]
    # The ratio of the two means, as `popularity_lift`.
    return [*found, _Ratio(MEASURES["popularity_lift"], tops["popularity"], history, less=1.0)]


def _attribute_ratios(
    lists: Mapping[str, list[Lists]], cases: Cases, attributes: AttributeTable
) -> tuple[list[_Ratio], list[_Ratio]]:
    """Diversity and miscalibration; and for each attribute the mean gap between list and history."""
    space = attributes.standardised()
    scored = np.asarray(np.isfinite(attributes.raw).any(axis=1))
    own = _profiles.history_profiles(cases, space, scored)
    diversity: dict[str, list[Column]] = {}
    gaps: dict[str, list[NDArray[np.float32]]] = {}
    for label, runs in lists.items():
        diversity[label] = [_profiles.intra_list_diversity(one, space, scored) for one in runs]
        gaps[label] = [_profiles.list_profiles(one, space, scored) - own for one in runs]
    apart = {label: [_profiles.miscalibration(one) for one in runs] for label, runs in gaps.items()}
    profile = [
        _mean(
            Measure(name, name, "near 0", "list less history, in deviations"),
            {label: [one[:, at].astype(np.float64) for one in runs] for label, runs in gaps.items()},
        )
        for at, name in enumerate(attributes.names)
    ]
    means = [_mean(MEASURES["diversity"], diversity), _mean(MEASURES["miscalibration"], apart)]
    return means, profile


def _mean(measure: Measure, tops: dict[str, list[Column]]) -> _Ratio:
    first = next(iter(tops.values()))[0]
    return _Ratio(measure, tops, np.ones(len(first)))


def _whole(measure: Measure, runs: dict[str, list[Whole]], n_cases: int, level: float) -> Measured:
    """Figures of all lists at once, by the jackknife."""
    seeds = {label: tuple(one.value for one in some) for label, some in runs.items()}
    values = {label: float(np.mean(found)) for label, found in seeds.items()}
    effects = {label: np.mean([one.effects for one in some], axis=0) for label, some in runs.items()}

    def estimate(label: str) -> Estimate:
        low, high = jackknife_interval(values[label], effects[label], level, [seeds[label]])
        # All of them lie within [0, 1].
        return Estimate(values[label], (max(low, 0.0), min(high, 1.0)), seeds[label])

    def change(label: str, reference: str) -> Estimate:
        value, effect = values[label] - values[reference], effects[label] - effects[reference]
        return Estimate(value, jackknife_interval(value, effect, level, [seeds[label], seeds[reference]]))

    return _measured(measure, n_cases, list(runs), estimate, change)


def _resample(
    ratios: Sequence[_Ratio], cases: Cases, replicates: int, level: float, seed: int
) -> dict[Measure, Measured]:
    """Figures of single cases, all on the same resamples of users; those of no defined case are left out."""
    distinct, row = np.unique(cases.users, return_inverse=True)
    columns: list[Column] = []
    kept: list[tuple[_Ratio, int, dict[str, tuple[float, ...]]]] = []
    for ratio in ratios:
        defined = ~np.isnan(ratio.bottom)
        for one in (one for runs in ratio.tops.values() for one in runs):
            defined &= ~np.isnan(one)
        bottom = np.where(defined, ratio.bottom, 0.0)
        if not bottom.any():
            continue
        seeds = {
            label: tuple(float(one[defined].sum() / bottom.sum()) - ratio.less for one in runs)
            for label, runs in ratio.tops.items()
        }
        kept.append((ratio, int(defined.sum()), seeds))
        tops = [np.where(defined, np.mean(runs, axis=0), 0.0) for runs in ratio.tops.values()]
        columns += [_per_user(row, one, len(distinct)) for one in (*tops, bottom)]
    if not kept:
        return {}
    sums = resampled_sums(np.stack(columns, axis=1), replicates, seed)
    found, place = {}, 0
    for ratio, n_cases, seeds in kept:
        block = sums[:, place : place + len(ratio.tops) + 1]
        place += block.shape[1]
        found[ratio.measure] = _ratio(ratio, n_cases, seeds, block, level)
    return found


def _ratio(
    ratio: _Ratio,
    n_cases: int,
    seeds: dict[str, tuple[float, ...]],
    block: NDArray[np.float64],
    level: float,
) -> Measured:
    """One measure from its resampled sums, float64 (replicates, labels + 1), the last what divides."""
    # A resample without a defined case has no figure.
    below = np.where(block[:, -1:] > 0, block[:, -1:], np.nan)
    drawn = dict(zip(ratio.tops, (block[:, :-1] / below - ratio.less).T, strict=True))
    values = {label: float(np.mean(found)) for label, found in seeds.items()}

    def estimate(label: str) -> Estimate:
        interval = resampled_interval(values[label], drawn[label], level, [seeds[label]])
        return Estimate(values[label], interval, seeds[label])

    def change(label: str, reference: str) -> Estimate:
        value, apart = values[label] - values[reference], drawn[label] - drawn[reference]
        return Estimate(value, resampled_interval(value, apart, level, [seeds[label], seeds[reference]]))

    return _measured(ratio.measure, n_cases, list(ratio.tops), estimate, change)


def _measured(
    measure: Measure,
    n_cases: int,
    labels: list[str],
    estimate: Callable[[str], Estimate],
    change: Callable[[str, str], Estimate],
) -> Measured:
    reference, *others = labels
    values = {label: estimate(label) for label in labels}
    return Measured(measure, n_cases, values, {label: change(label, reference) for label in others})


def _per_user(row: NDArray[np.intp], values: Column, n_users: int) -> Column:
    found: Column = np.bincount(row, values, n_users).astype(np.float64)
    return found


def _lists(
    judged: Mapping[str, Sequence[Judgement]], cases: Cases, k: int, replicates: int, level: float
) -> dict[str, list[Lists]]:
    """The first `k` items of every list, checked."""
    if not judged or not all(judged.values()):
        raise UsageError("there is nothing to compare: give at least one version, each with a seed or more")
    if k < 1:
        raise UsageError(f"a list needs 1 item or more, not {k}")
    if replicates < 2 or not 0 < level < 1:
        raise UsageError(
            "an interval needs 2 replicates or more and a level between 0 and 1, "
            f"not {replicates} and {level:g}"
        )
    for label, runs in judged.items():
        for one in runs:
            if len(one.items) != len(cases):
                raise UsageError(
                    f"{label!r} was judged on {len(one.items):,} cases, not the {len(cases):,} of this split"
                )
            if one.items.shape[1] < min(k, cases.sequences.n_items):
                raise UsageError(
                    f"the lists of {label!r} hold {one.items.shape[1]} items, fewer than the {k} asked for"
                )
    return {label: [one.items[:, :k] for one in runs] for label, runs in judged.items()}


def _check_vocabulary(
    attributes: AttributeTable | None, categories: Categories | None, catalogue: int
) -> None:
    sizes = {
        "attribute scores": None if attributes is None else len(attributes.raw),
        "categories": None if categories is None else len(categories.indptr) - 1,
    }
    for what, size in sizes.items():
        if size is not None and size != catalogue:
            raise UsageError(
                f"the {what} are of {size:,} items, the split of {catalogue:,}: load them for it"
            )
