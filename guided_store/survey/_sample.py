"""Whom a sheet asks about: spread over lengths of history, and only where the versions differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Cases

STRATA = 4
"""Groups of equal size by length of history, each asked about equally often."""

LEAST = 3
"""Events of a history, at least: with fewer nobody can say what fits it."""

_TRIED = 100
"""Cases looked at for each one wanted, before giving up."""


def draw(
    cases: Cases,
    wanted: int,
    seed: int,
    differs: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
) -> NDArray[np.int64]:
    """Cases for a sheet, one of a user, in ascending order.

    The cases with enough history are drawn in random order and divided into quarters by length of history;
    the quarters give in turn the next case that differs, so that a quarter without any more is made up for by
    the others.

    Args:
        cases: to draw from.
        wanted: how many.
        seed: of the draw.
        differs: of cases int64 (m,), whether the versions answer them differently, bool (m,).

    Returns:
        int64, at most `wanted`; fewer where the versions hardly differ.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(cases))
    order = order[cases.history_lengths[order] >= LEAST]
    _, first = np.unique(cases.users[order], return_index=True)
    order = order[np.sort(first)][: wanted * _TRIED]
    by_length = np.argsort(cases.history_lengths[order], kind="stable")
    quarter = np.empty(len(order), np.int64)
    quarter[by_length] = np.arange(len(order)) * STRATA // max(len(order), 1)
    waiting = [list(order[quarter == number]) for number in range(STRATA)]
    found: list[int] = []
    while len(found) < wanted and any(waiting):
        # One round takes as many of each quarter as would do if all of them differed.
        share = -(-(wanted - len(found)) // sum(1 for queue in waiting if queue))
        taken = [[queue.pop(0) for _ in range(min(share, len(queue)))] for queue in waiting]
        asked = np.array([case for part in taken for case in part], np.int64)
        good = set(asked[differs(asked)].tolist())
        kept = [[case for case in part if case in good] for part in taken]
        for place in range(share):
            found += [int(part[place]) for part in kept if place < len(part)]
    return np.sort(np.array(found[:wanted], np.int64))
