"""Which items are shown: how much of users' attention each group of items gets, and who it is due to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import stdtrit

from guided_store.evaluation import Cases, Interval
from guided_store.fairness._groups import Grouping
from guided_store.fairness._resampling import Resampling, interval, ratio

LEAST_ITEMS = 3
"""Items that a group needs, in effect, for a change to be spoken of as the group's."""

_CASES = 4096
"""Cases whose histories are looked at together."""


@dataclass(frozen=True)
class GroupExposure:
    """How much one version shows one group of items.

    Shares are means over cases, so that every user counts alike. An item of several groups counts in each.

    Attributes:
        grouping, group: which; items: how many of the vocabulary; targets: cases whose target is one.
        version: label of the version.
        catalogue, history, target: the group's share of the items, of what users had before, and of what
            they took next (its relevance).
        places: share of the places of the lists; exposure: the same with a place at rank r weighing
            1 / log2(1 + r); `interval`: of `exposure`.
        to_catalogue, to_history, to_target: exposure over these shares; 1 is neither favour nor neglect. None
            where the share is 0, and `to_target` where too few targets are of the group.
        history_interval, target_interval: of `to_history` and `to_target`.
        change: exposure over the reference's, None for the reference or where that is 0; `change_interval`:
            of it, over users; `items_interval`: of it, over items, None where too few of them are shown.
    """

    grouping: str
    group: str
    items: int
    targets: int
    version: str
    catalogue: float
    history: float
    target: float
    places: float
    exposure: float
    interval: Interval | None
    to_catalogue: float | None
    to_history: float | None
    history_interval: Interval | None
    to_target: float | None
    target_interval: Interval | None
    change: float | None = None
    change_interval: Interval | None = None
    items_interval: Interval | None = None

    @property
    def favoured(self) -> int:
        """1 where the version shows the group more than the reference, -1 less, 0 where it may be chance.

        Both intervals must leave out 1. Over users alone nearly every group changes, since two versions, and
        two seeds of one, differ in what they make of single items; what holds over items too is a matter of
        the group.
        """
        found = {
            0 if ends is None else int(ends[0] > 1) - int(ends[1] < 1)
            for ends in (self.change_interval, self.items_interval)
        }
        return found.pop() if len(found) == 1 else 0


def rank_weights(k: int) -> NDArray[np.float64]:
    """Attention by rank, float64 (k,): `1 / log2(1 + rank)`, as NDCG discounts it."""
    found: NDArray[np.float64] = 1 / np.log2(np.arange(2, k + 2))
    return found


def list_shares(
    lists: NDArray[np.int32], member: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of each list that each group has, float64 (C, G); 0 for a list without items.

    Args:
        lists: int32 (C, k) item codes, -1 where nothing is recommended.
        member: bool (V, G).
        weights: float64 (k,), of the ranks.
    """
    padded = np.concatenate([member, np.zeros((1, member.shape[1]), np.bool_)])  # the row that -1 finds
    found = np.zeros((len(lists), member.shape[1]))
    for rank, weight in enumerate(weights):
        found += weight * padded[lists[:, rank]]
    total = (lists >= 0) @ weights
    return found / np.where(total > 0, total, 1)[:, None]


def history_means(cases: Cases, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over each case's history of values of items (V, N), float64 (C, N)."""
    found = np.empty((len(cases), values.shape[1]))
    for start in range(0, len(cases), _CASES):
        rows = slice(start, min(start + _CASES, len(cases)))
        case, item = cases.histories(rows)
        size = rows.stop - rows.start
        events = sparse.coo_array((np.ones(len(case)), (case, item)), shape=(size, len(values)))
        found[rows] = np.asarray(sparse.csr_array(events) @ values)
    return found / np.maximum(cases.history_lengths, 1)[:, None]


def group_exposure(
    groupings: Sequence[Grouping],
    lists: Mapping[str, Sequence[NDArray[np.int32]]],
    cases: Cases,
    resampling: Resampling,
    least: int,
) -> list[GroupExposure]:
    """Exposure of every group of items by every version.

    Singh and Joachims, "Fairness of exposure in rankings" (KDD 2018): exposure should be in proportion to
    relevance (`to_target`), or equal by size (`to_catalogue`); `to_history` is the same against what users
    chose before.

    Args:
        groupings: over the items.
        lists: version -> one int32 (C, k) per seed, the reference first.
        cases: what was asked.
        resampling: how intervals are drawn.
        least: targets that a group needs for its relevance to be spoken of.

    Returns:
        rows by grouping, group and version.
    """
    groupings = [grouping for grouping in groupings if grouping.labels]
    if not groupings:
        return []
    member = np.concatenate([grouping.member for grouping in groupings], axis=1)
    names = [(grouping.name, label) for grouping in groupings for label in grouping.labels]
    k = next(iter(lists.values()))[0].shape[1]
    weights, even = rank_weights(k), np.ones(k)
    shown = [np.mean([list_shares(run, member, weights) for run in runs], axis=0) for runs in lists.values()]
    places = [
        np.mean([list_shares(run, member, even).mean(axis=0) for run in runs], axis=0)
        for runs in lists.values()
    ]
    history = history_means(cases, member.astype(np.float64))
    target = member[cases.wanted].astype(np.float64)
    counted = np.ones((len(cases), 1))
    sums, draws = resampling.sums(np.concatenate([*shown, history, target, counted], axis=1))
    shape = (len(shown) + 2, len(names))
    share = sums[:-1].reshape(shape) / len(cases)
    draws = draws[:, :-1].reshape(-1, *shape) / draws[:, -1, None, None]
    catalogue = member.mean(axis=0)
    items_ends = _over_items(member, item_exposure(lists, len(member)), resampling)
    ends = resampling.bounds(draws)
    history_ends = resampling.bounds(ratio(draws, draws[:, -2:-1]))
    target_ends = resampling.bounds(ratio(draws, draws[:, -1:]))
    change_ends = resampling.bounds(ratio(draws, draws[:, :1]))
    targets = target.sum(axis=0).astype(int)
    found = []
    for place, (grouping, group) in enumerate(names):
        for number, version in enumerate(lists):
            own = share[number, place]
            relevant = targets[place] >= least
            compared = number > 0 and share[0, place] > 0
            found.append(
                GroupExposure(
                    grouping=grouping,
                    group=group,
                    items=int(member[:, place].sum()),
                    targets=int(targets[place]),
                    version=version,
                    catalogue=float(catalogue[place]),
                    history=float(share[-2, place]),
                    target=float(share[-1, place]),
                    places=float(places[number][place]),
                    exposure=float(own),
                    interval=interval(ends, number, place),
                    to_catalogue=_over(own, catalogue[place]),
                    to_history=_over(own, share[-2, place]),
                    history_interval=interval(history_ends, number, place),
                    to_target=_over(own, share[-1, place]) if relevant else None,
                    target_interval=interval(target_ends, number, place) if relevant else None,
                    change=_over(own, share[0, place]) if compared else None,
                    change_interval=interval(change_ends, number, place) if compared else None,
                    items_interval=interval(items_ends, number, place) if compared else None,
                )
            )
    return found


def item_exposure(lists: Mapping[str, Sequence[NDArray[np.int32]]], n_items: int) -> NDArray[np.float64]:
    """Discounted exposure of every item by every version, float64 (L, n_items), each row adding up to 1."""
    found = []
    for runs in lists.values():
        total = np.zeros(n_items)
        for run in runs:
            shown = run >= 0
            weights = np.broadcast_to(rank_weights(run.shape[1]), run.shape)
            total += np.bincount(run[shown], weights=weights[shown], minlength=n_items)
        found.append(total / max(total.sum(), 1e-300))
    return np.stack(found)


def _over_items(
    member: NDArray[np.bool_], exposure: NDArray[np.float64], resampling: Resampling
) -> NDArray[np.float64]:
    """Ends (2, L, G) of the exposure over the reference's if other items like these made up the group.

    Items are drawn anew with replacement. Exposure lies with few items, too few for percentiles: the ends are
    `ratio * exp(+-t * s)`, s the deviation of the logarithm over the draws, and t Student's with one degree
    of freedom less than the group has items in effect, by Kish's `(sum e)^2 / sum e^2` (Kish, "Survey
    sampling", 1965). Among random groups of 60 items (10 in effect) and changes that have nothing to do with
    them, such 95 % intervals left out 1 in 8 % of the cases, and percentile intervals in more than 10 %.
    """
    found = np.full((2, len(exposure), member.shape[1]), np.nan)
    if len(exposure) == 1:
        return found
    columns = np.concatenate([member * row[:, None] for row in exposure], axis=1)
    items = Resampling(np.arange(len(member)), resampling.replicates, resampling.level, resampling.seed)
    sums, draws = items.sums(columns)
    shape = (len(exposure), member.shape[1])
    sums, draws = sums.reshape(shape), draws.reshape(-1, *shape)
    mean = member * exposure[:, :, None]
    mean = (mean + mean[:1]) / 2
    effective = ratio(mean.sum(axis=1) ** 2, (mean**2).sum(axis=1))
    gained = ratio(sums, sums[:1])
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.log(ratio(draws, draws[:, :1])).std(axis=0, ddof=1)
        reach = stdtrit(effective - 1, (1 + resampling.level) / 2) * spread
        found[0], found[1] = gained * np.exp(-reach), gained * np.exp(reach)
    found[:, ~(effective >= LEAST_ITEMS)] = np.nan
    found[:, (gained == 0) & (effective >= LEAST_ITEMS)] = 0  # all of them were shown, none is now
    return found


def _over(value: float, reference: float) -> float | None:
    return float(value / reference) if reference > 0 else None
