"""Filters on events as masks over integer columns: repeated events and the k-core."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]


def k_core(users: Int32, items: Int32, min_user_events: int, min_item_events: int) -> Mask:
    """Which events are in the core: the largest set in which every user and item has enough events.

    Users and items below their minimum are removed until none is left; the result does not depend on the
    order of removal. Quadratic only for chains that unravel one by one; real data takes a few rounds.
    """
    kept = np.arange(len(users))
    while len(kept):
        user_counts = np.bincount(users[kept])
        item_counts = np.bincount(items[kept])
        stays = (user_counts[users[kept]] >= min_user_events) & (item_counts[items[kept]] >= min_item_events)
        if stays.all():
            break
        kept = kept[stays]
    mask = np.zeros(len(users), bool)
    mask[kept] = True
    return mask


def exact_repeats(users: Int32, items: Int32, times: Int64, positions: Int64) -> Mask:
    """Which events repeat an earlier row's user, item, time and position altogether."""
    repeats = np.zeros(len(users), bool)
    rows, pairs = _repeated_pairs(users, items)
    if len(rows):
        order = np.lexsort((positions[rows], times[rows], pairs))  # stable: earlier rows first
        rows, pairs = rows[order], pairs[order]
        same = pairs[1:] == pairs[:-1]
        for key in (times[rows], positions[rows]):
            same &= key[1:] == key[:-1]
        repeats[rows[1:][same]] = True
    return repeats


def pair_repeats(
    users: Int32, items: Int32, times: Int64, positions: Int64, numbers: Int64, keep: Literal["first", "last"]
) -> Mask:
    """Which events are not the first (last) of their user with their item, by time, position and number."""
    repeats = np.zeros(len(users), bool)
    rows, pairs = _repeated_pairs(users, items)
    if len(rows):
        order = np.lexsort((numbers[rows], positions[rows], times[rows], pairs))
        rows, pairs = rows[order], pairs[order]
        same = pairs[1:] == pairs[:-1]
        repeats[rows[1:][same] if keep == "first" else rows[:-1][same]] = True
    return repeats


def _repeated_pairs(users: Int32, items: Int32) -> tuple[Int64, Int64]:
    """Rows whose (user, item) occurs more than once, pairs together and rows ascending; and their pairs."""
    none = np.zeros(0, np.int64)
    if not len(users):
        return none, none
    pairs = users.astype(np.int64) * (int(items.max()) + 1) + items
    ordered = np.sort(pairs)
    if not (ordered[1:] == ordered[:-1]).any():  # the usual case, without an argsort
        return none, none
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    same = ordered[1:] == ordered[:-1]
    among = np.append(False, same) | np.append(same, False)
    return order[among], ordered[among]
