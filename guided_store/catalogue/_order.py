"""The order of events, ties in it, and times for events that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue._arrays import MISSING

Int64 = NDArray[np.int64]


def event_order(users: NDArray[np.int32], times: Int64, positions: Int64, numbers: Int64) -> Int64:
    """The permutation that sorts events by user, time, position and ingestion number.

    Blanks (`MISSING`) come first. Events equal in all four stay in the order given.
    """
    given = (numbers, positions, times)
    keys: list[NDArray[Any]] = [key for key in given if len(key) and (key != key[0]).any()]
    if _ascending([users, *reversed(keys)]):  # as a store that was written once is read
        return np.arange(len(users))
    keys.append(users)
    order: Int64 = np.lexsort(keys)
    return order


def boundaries(users: NDArray[np.int32], n_users: int) -> Int64:
    """Row boundaries int64 (n_users + 1,) of events sorted by user."""
    indptr = np.zeros(n_users + 1, np.int64)
    np.cumsum(np.bincount(users, minlength=n_users), out=indptr[1:])
    return indptr


@dataclass(frozen=True)
class Ties:
    """How much of the order the times leave open.

    Attributes:
        events: events that share their time with an event of the same user beside them.
        users: users whose last event shares its time with the one before.
        of_events, of_users: all events and users.
    """

    events: int
    users: int
    of_events: int
    of_users: int


def count_ties(users: NDArray[np.int32], *keys: Int64) -> Ties:
    """Ties among events sorted by user and then by `keys`: times, or positions where there are no times."""
    if not len(users):
        return Ties(0, 0, 0, 0)
    same_user = users[1:] == users[:-1]
    same = same_user.copy()
    for key in keys:
        same &= key[1:] == key[:-1]
    tied = np.zeros(len(users), bool)
    tied[1:] |= same
    tied[:-1] |= same
    last = np.append(~same_user, True)
    before = np.append(False, same)
    return Ties(int(tied.sum()), int((before & last).sum()), len(users), int(last.sum()))


def fill_times(users: NDArray[np.int32], times: Int64) -> Int64:
    """Blank times from neighbours: the user's previous known time, else the next, else still `MISSING`.

    Args:
        users: int32 (n,), events grouped by user and in each user's order.
        times: int64 (n,), `MISSING` where blank.
    """
    n = len(times)
    if not n:
        return times
    known = times != MISSING
    places = np.arange(n)
    previous = np.maximum.accumulate(np.where(known, places, -1))
    following = np.minimum.accumulate(np.where(known, places, n)[::-1])[::-1]
    has_previous = (previous >= 0) & (users[previous] == users)
    following = np.minimum(following, n - 1)
    has_following = known[following] & (users[following] == users)
    source = np.where(has_previous, previous, np.where(has_following, following, places))
    return times[source]


def _ascending(keys: Sequence[NDArray[Any]]) -> bool:
    """Whether rows are in non-descending lexicographic order, the first key being the main one."""
    if len(keys[0]) < 2:
        return True
    open_pairs = np.ones(len(keys[0]) - 1, bool)  # pairs that are equal in all keys so far
    for key in keys:
        if (open_pairs & (key[1:] < key[:-1])).any():
            return False
        open_pairs &= key[1:] == key[:-1]
    return True
