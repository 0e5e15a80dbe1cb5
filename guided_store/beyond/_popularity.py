"""Lists against what everybody has: novelty, popularity, and what a popularity list would not have shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from guided_store.beyond._catalogue import Lists
from guided_store.evaluation import Cases


def train_users(cases: Cases) -> tuple[NDArray[np.int64], int]:
    """Users who have each item in training, int64 (V,), and how many users train at all."""
    train = cases.split.train
    user = np.repeat(np.arange(train.n_users), train.lengths)
    # Sorting is many times faster here than the table of hashes that np.unique builds.
    pairs = np.sort(user * train.n_items + train.items)
    fresh = np.diff(pairs, prepend=-1) > 0
    counts = np.bincount(pairs[fresh] % max(train.n_items, 1), minlength=train.n_items)
    return counts.astype(np.int64), int(np.count_nonzero(train.lengths))


def list_means(lists: Lists, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of a value per item (V,) over each list, float64 (C,); NaN for a list of nothing."""
    there = lists >= 0
    count = there.sum(axis=1)
    sums = np.where(there, values[lists], 0.0).sum(axis=1)
    return _ratio(sums, count)


def history_means(cases: Cases, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of a value per item (V,) over the events of each case's history, float64 (C,); NaN without any."""
    sequences, targets = cases.sequences, cases.targets
    # Histories are beginnings of a user's row, so running sums give all of them at once.
    running = np.zeros(sequences.n_events + 1)
    np.cumsum(values[sequences.items], out=running[1:])
    start = sequences.indptr[targets.users]
    sums = running[start + targets.ends] - running[start]
    found: NDArray[np.float64] = np.divide(
        sums, targets.ends, out=np.full(len(cases), np.nan), where=targets.ends > 0
    )
    return found


def novelty(lists: Lists, holders: NDArray[np.int64], n_users: int) -> NDArray[np.float64]:
    """Mean self-information of a list in bits, `-(1 / |L|) sum_{i in L} log2 p(i)`, float64 (C,).

    `p(i)` is the share of the training users who have the item; an item that nobody has counts as one that a
    single user has, the most novel there is. One bit more: half as well known. Sources: Zhou et al.,
    "Solving the apparent diversity-accuracy dilemma" (PNAS 107, 2010), "surprisal"; Vargas and Castells,
    "Rank and relevance in novelty and diversity metrics" (RecSys 2011), mean self-information; RecTools has
    it as `MeanInvUserFreq`.

    Args:
        lists: one row per case.
        holders: training users of each item, int64 (V,); n_users: training users, see `train_users`.
    """
    return list_means(lists, -np.log2(np.maximum(holders, 1) / max(n_users, 1)))


def popularity(lists: Lists, holders: NDArray[np.int64], n_users: int) -> NDArray[np.float64]:
    """Mean share of the training users who have an item of the list, float64 (C,), within [0, 1].

    The average recommendation popularity of Abdollahpouri, Burke and Mobasher, "Managing popularity bias in
    recommender systems with personalized re-ranking" (FLAIRS 2019), divided by the number of users.

    Args:
        lists, holders, n_users: as `novelty`.
    """
    return list_means(lists, holders / max(n_users, 1))


def popularity_lift(listed: NDArray[np.float64], history: NDArray[np.float64]) -> float:
    """How much more popular lists are than the histories they answer, `mean listed / mean history - 1`.

    0: as popular as what users choose themselves; +0.5: half as popular again. Both means go over the users
    before they are divided: a mean of each user's own ratio would follow the few users of obscure histories,
    where the ratio has no upper end. Source: Abdollahpouri, Mansoury, Burke and Mobasher, "The connection
    between popularity bias, calibration, and fairness in recommendation" (RecSys 2020), equation 3.

    Args:
        listed, history: mean popularity of each case's list, and of its history, float64 (C,), without NaN.
    """
    return float(listed.mean() / history.mean() - 1)


def popular_places(cases: Cases, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which items the popularity baseline would show: place of each item, and the last place a case is shown.

    The baseline ranks by training events, ties to the lower item code, without the case's history where
    repeats are excluded, as `evaluation.Popularity` does. It shows item `i` to case `c` within its `k` best
    if and only if `places[i] <= last[c]` and `i` is not hidden.

    Returns:
        places: int64 (V,), from 0; last: int64 (C,).
    """
    places = np.empty(cases.sequences.n_items, np.int64)
    places[np.argsort(-cases.train_counts, kind="stable")] = np.arange(len(places))
    last = np.full(len(cases), k - 1, np.int64)
    if cases.repeats == "allow":
        return places, last
    sequences, targets = cases.sequences, cases.targets
    # Where each user has each item first, items in the order of their place.
    user = np.repeat(np.arange(sequences.n_users), sequences.lengths)
    keys = places[sequences.items] * sequences.n_users + user
    pairs, first = np.unique(keys, return_index=True)
    holder = pairs % max(sequences.n_users, 1)
    event = first - sequences.indptr[holder]
    bounds = np.searchsorted(pairs, np.arange(len(places) + 1) * sequences.n_users)
    # Down the places, until every case has its k.
    since = np.full(sequences.n_users, sequences.n_events + 1)
    waiting, room = np.arange(len(cases)), np.full(len(cases), k)
    last[:] = len(places) - 1
    for place in range(len(places)):
        here = slice(bounds[place], bounds[place + 1])
        since[holder[here]] = event[here]
        room -= since[targets.users[waiting]] >= targets.ends[waiting]
        since[holder[here]] = sequences.n_events + 1
        last[waiting[room == 0]] = place
        waiting, room = waiting[room > 0], room[room > 0]
        if not len(waiting):
            break
    return places, last


def unexpected(lists: Lists, places: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Items of the lists that the popularity baseline's list of the same case lacks, bool (C, k).

    Args:
        lists: one row per case; places, last: of `popular_places`.
    """
    found: NDArray[np.bool_] = (lists >= 0) & (places[lists] > last[:, None])
    return found


def unexpectedness(lists: Lists, surprising: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of a list that is not in the popularity baseline's list of that case, float64 (C,).

    `|L \\ PM| / |L|`, PM the baseline's list. Sources: Murakami, Mori and Orihara, "Metrics for evaluating
    the serendipity of recommendation lists" (2008); Ge et al. (RecSys 2010), section 3; the survey of
    Kaminskas and Bridge, "Diversity, serendipity, novelty, and coverage" (ACM TiiS 7, 2016).
    NaN for a list of nothing.
    """
    count = (lists >= 0).sum(axis=1)
    found: NDArray[np.float64] = np.divide(
        surprising.sum(axis=1), count, out=np.full(len(lists), np.nan), where=count > 0
    )
    return found


def serendipity(
    lists: Lists, surprising: NDArray[np.bool_], wanted: NDArray[np.int32]
) -> NDArray[np.float64]:
    """1 where the list holds what the user took next and the popularity baseline's list does not, else 0.

    `|UNEXP & USEFUL|` of Ge et al. (RecSys 2010), equation 4, with one useful item per case; its mean is the
    part of Recall@k that popularity does not explain. (They divide by the length of the list; with a single
    useful item that only makes the figure smaller.)

    Args:
        lists: one row per case; surprising: of `unexpected`; wanted: target of each case, int32 (C,).
    """
    found: NDArray[np.float64] = ((lists == wanted[:, None]) & surprising).any(axis=1).astype(np.float64)
    return found


def _ratio(sums: NDArray[Any], count: NDArray[Any]) -> NDArray[np.float64]:
    """Means of cases; NaN where there is nothing to take one of."""
    found = np.full(len(count), np.nan)
    np.divide(sums, count, out=found, where=count > 0)
    return found
