"""What all lists together show of the catalogue: coverage, concentration, and how far users' lists differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Lists = NDArray[np.int32]
"""Item codes, best first, (C, k), -1 where fewer can be recommended."""


@dataclass(frozen=True)
class Whole:
    """A figure of all lists at once, and what it owes to each user.

    Attributes:
        value: the figure.
        effects: float64 (U,), the figure without that user's lists minus the figure; users in the order of
            their number.
    """

    value: float
    effects: NDArray[np.float64]


def exposure(lists: Lists, n_items: int) -> NDArray[np.int64]:
    """How many of the lists show each item, int64 (V,)."""
    return np.bincount(lists[lists >= 0], minlength=n_items).astype(np.int64)


def coverage(lists: Lists, n_items: int, users: NDArray[np.int64] | None = None) -> Whole:
    """Share of the catalogue that stands in at least one list, `|union of L_u| / |I|`, within [0, 1].

    The catalogue is the split's vocabulary: every item with an event, so that an item never trained on counts
    as one that could have been shown. It grows with the number of lists: compare on the same cases only.
    Source: Ge, Delgado-Battenfeld and Jannach, "Beyond accuracy: evaluating recommender systems by coverage
    and serendipity" (RecSys 2010), section 2.

    Args:
        lists: one row per case.
        n_items: V; users: user of each case, int64 (C,), any numbering; by default each case is one.
    """
    row, n_users = _numbered(users, len(lists))
    user, item = _shown(lists, row, n_items)
    holders = np.bincount(item, minlength=n_items)
    # Without a user, exactly the items go that no other user was shown.
    alone = np.bincount(user[holders[item] == 1], minlength=n_users)
    return Whole(float(np.count_nonzero(holders) / max(n_items, 1)), -alone / max(n_items, 1))


def gini(lists: Lists, n_items: int, users: NDArray[np.int64] | None = None) -> Whole:
    """Gini index of exposure: 0 where every item is shown equally often, near 1 where a few fill all lists.

    `G = sum_i (2 i - V - 1) n_(i) / (V sum_i n_i)` over the exposures `n_(1) <= ... <= n_(V)`, items never
    shown included. Source: Fleder and Hosanagar, "Blockbuster culture's next rise or fall" (Management
    Science 55, 2009); the sum form as in Castells, Hurley and Vargas, "Novelty and diversity in recommender
    systems" (Recommender Systems Handbook, 2022).

    `effects` are to the first order: each of a user's events is taken away with the others in place, which
    errs by the few pairs of equally exposed items within one list. NaN where nothing is shown.

    Args:
        lists, n_items, users: as `coverage`.
    """
    row, n_users = _numbered(users, len(lists))
    counts = exposure(lists, n_items)
    total = int(counts.sum())
    if not total:
        return Whole(float("nan"), np.full(n_users, np.nan))
    ordered = np.sort(counts)
    # T = sum over pairs of |n_i - n_j|; one showing less of i moves it by (others at least as exposed)
    # minus (others less exposed).
    apart = float(((2 * np.arange(1, n_items + 1) - n_items - 1) * ordered).sum())
    below = np.searchsorted(ordered, counts, side="left")
    step = (n_items - 1 - below) - below
    there = lists >= 0
    change = np.where(there, step[lists], 0).sum(axis=1)
    moved = np.bincount(row, weights=change, minlength=n_users)
    left = total - np.bincount(row, weights=there.sum(axis=1), minlength=n_users)
    value = apart / (n_items * total)
    without = np.divide(apart + moved, n_items * left, out=np.full(n_users, value), where=left > 0)
    return Whole(value, without - value)


def personalisation(lists: Lists, n_items: int, users: NDArray[np.int64] | None = None) -> Whole:
    """How little the lists of two users have in common: `1 - mean over pairs (u, v) of |L_u & L_v| / k`.

    0 where everybody is shown the same, 1 where no two users share an item. Exact over all pairs, from the
    exposures: `sum over pairs |L_u & L_v| = sum_i n_i (n_i - 1) / 2`; pairs of lists of one user are left
    out. Source: Zhou, Kuscsik, Liu, Medo, Wakeling and Zhang, "Solving the apparent diversity-accuracy
    dilemma of recommender systems" (PNAS 107, 2010), there "personalization", the mean Hamming distance.
    NaN where there are no two users, or nothing is shown.

    Args:
        lists, n_items, users: as `coverage`.
    """
    row, n_users = _numbered(users, len(lists))
    k = lists.shape[1]
    counts = exposure(lists, n_items)
    cases = np.bincount(row, minlength=n_users).astype(np.float64)
    user, item, times = _shown_times(lists, row, n_items)
    # Ordered pairs of lists of two users, and the items they share.
    shared = np.bincount(user, weights=times * (counts[item] - times), minlength=n_users)
    pairs = cases * (len(lists) - cases)
    all_pairs, all_shared = pairs.sum(), shared.sum()
    if not all_pairs or not counts.any():
        return Whole(float("nan"), np.full(n_users, np.nan))
    value = 1 - all_shared / (k * all_pairs)
    # A user's pairs are counted once from each end.
    left = all_pairs - 2 * pairs
    without = 1 - np.divide(
        all_shared - 2 * shared, k * left, out=np.full(n_users, 1 - value), where=left > 0
    )
    return Whole(float(value), without - value)


def _numbered(users: NDArray[np.int64] | None, n_cases: int) -> tuple[NDArray[np.int64], int]:
    """Users as 0 to U - 1 in the order of their number."""
    if users is None:
        return np.arange(n_cases), n_cases
    distinct, row = np.unique(users, return_inverse=True)
    return row.astype(np.int64), len(distinct)


def _shown(lists: Lists, row: NDArray[np.int64], n_items: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct pairs of a user and an item shown to them."""
    user, item, _ = _shown_times(lists, row, n_items)
    return user, item


def _shown_times(
    lists: Lists, row: NDArray[np.int64], n_items: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The same with how often, which is more than once where a user has several cases."""
    case, place = np.nonzero(lists >= 0)
    keys, times = np.unique(row[case] * n_items + lists[case, place], return_counts=True)
    return keys // n_items, keys % n_items, times
