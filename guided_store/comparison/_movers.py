"""For whom, and for which items, a candidate is better than the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Cases

LEAST_CASES = 5
"""Cases that an item needs to be named among those that changed most."""

MOST = 5
"""Users, and items, named at either end."""

_EQUAL = 1e-12  # means over seeds that are equal may differ in their last bits


@dataclass(frozen=True)
class Outcome:
    """Users whose mean of a metric is higher, equal or lower than under the reference."""

    metric: str
    wins: int
    ties: int
    losses: int

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return dict(vars(self))


@dataclass(frozen=True)
class UserMove:
    """One user's change.

    Attributes:
        user: id; cases: how many the user has.
        item, title: what came next, in the user's case that changed most; the title is the id without one.
        reference_rank, rank: of that item in that case, the geometric mean over seeds; inf where unranked.
        change: of the user's mean metric.
    """

    user: str
    cases: int
    item: str
    title: str
    reference_rank: float
    rank: float
    change: float

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys; an infinite rank is None."""
        ranks = {name: _finite(getattr(self, name)) for name in ("reference_rank", "rank")}
        return {**vars(self), **ranks}


@dataclass(frozen=True)
class ItemMove:
    """One item's change: mean metric over the cases whose answer it is.

    Attributes:
        item, title: id, and title (the id without one).
        cases: whose answer it is; train: its training events.
        reference, value, change: mean metric, and `value - reference`.
    """

    item: str
    title: str
    cases: int
    train: int
    reference: float
    value: float
    change: float

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return dict(vars(self))


def outcome(cases: Cases, metric: str, change: NDArray[np.float64]) -> Outcome:
    """Wins, ties and losses over users of a change per case, float64 (C,)."""
    _, row = np.unique(cases.users, return_inverse=True)
    mean = np.bincount(row, weights=change) / np.bincount(row)
    wins, losses = int((mean > _EQUAL).sum()), int((mean < -_EQUAL).sum())
    return Outcome(metric, wins, len(mean) - wins - losses, losses)


def user_moves(
    cases: Cases,
    change: NDArray[np.float64],
    reference_ranks: NDArray[np.float64],
    ranks: NDArray[np.float64],
    titles: Mapping[str, str],
    most: int = MOST,
) -> tuple[UserMove, ...]:
    """The users that gained most, then those that lost most, the extreme first at either end.

    Users of equal change are ordered by how far (in powers of two) the rank of their case moved.

    Args:
        cases: what was judged.
        change: of the metric of each case, float64 (C,).
        reference_ranks, ranks: of each case, float64 (C,).
        titles: by item id.
        most: how many at either end; none that did not move.
    """
    distinct, row = np.unique(cases.users, return_inverse=True)
    count = np.bincount(row)
    mean = np.bincount(row, weights=change) / count
    bottom = float(cases.sequences.n_items) + 1  # stands for unranked
    climb = np.log2(np.minimum(reference_ranks, bottom)) - np.log2(np.minimum(ranks, bottom))
    # The case to show of each user: the largest move in the direction of the user's mean.
    toward = np.where(mean[row] >= 0, 1, -1)
    by_user = np.lexsort((-climb * toward, -change * toward, row))
    shown = by_user[np.searchsorted(row[by_user], np.arange(len(distinct)))]
    order = np.lexsort((-climb[shown], -mean))
    found = []
    for user in _ends(order, mean, most):
        case = shown[user]
        item = cases.sequences.item_ids[cases.wanted[case]]
        found.append(
            UserMove(
                cases.sequences.user_ids[distinct[user]],
                int(count[user]),
                item,
                titles.get(item, item),
                float(reference_ranks[case]),
                float(ranks[case]),
                float(mean[user]),
            )
        )
    return tuple(found)


def item_moves(
    cases: Cases,
    reference: NDArray[np.float64],
    values: NDArray[np.float64],
    titles: Mapping[str, str],
    most: int = MOST,
    least: int = LEAST_CASES,
) -> tuple[ItemMove, ...]:
    """The items that gained most, then those that lost most, of those with `least` cases or more.

    Args:
        cases: what was judged.
        reference, values: the metric of each case, float64 (C,).
        titles: by item id.
        most: how many at either end; none that did not move.
        least: cases an item needs.
    """
    n_items = cases.sequences.n_items
    count = np.bincount(cases.wanted, minlength=n_items)
    enough = np.flatnonzero(count >= least)
    before, after = (
        np.bincount(cases.wanted, weights=metric, minlength=n_items)[enough] / count[enough]
        for metric in (reference, values)
    )
    change = after - before
    order = np.lexsort((-count[enough], -change))
    found = []
    for place in _ends(order, change, most):
        item = cases.sequences.item_ids[enough[place]]
        found.append(
            ItemMove(
                item,
                titles.get(item, item),
                int(count[enough[place]]),
                int(cases.train_counts[enough[place]]),
                float(before[place]),
                float(after[place]),
                float(change[place]),
            )
        )
    return tuple(found)


def _ends(order: NDArray[np.int64], change: NDArray[np.float64], most: int) -> list[int]:
    """Rows that gained, the most first, then rows that lost, the most first."""
    gained = [int(row) for row in order[:most] if change[row] > _EQUAL]
    lost = [int(row) for row in order[::-1][:most] if change[row] < -_EQUAL]
    return gained + lost


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
