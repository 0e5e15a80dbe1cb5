"""Lists in attribute space: how varied they are, and whether they keep to the user's own profile."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guided_store.beyond._catalogue import Lists
from guided_store.evaluation import Cases

_CELLS = 1_000_000
"""Numbers of one batch of lists (8 MB an array)."""


def intra_list_diversity(
    lists: Lists, space: NDArray[np.float32], scored: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean distance of two items of a list, in deviations per attribute, float64 (C,).

    `2 / (n (n - 1)) sum_{i < j} |x_i - x_j| / sqrt(A)` over the list's n scored items. The root mean square
    over the attributes is taken, so that schemas of different size are on one scale: two items drawn at
    random from the catalogue are about 1.4 apart (their root mean square is the square root of 2). NaN where
    fewer than two items are scored. Sources: Ziegler, McNee, Konstan and Lausen, "Improving recommendation
    lists through topic diversification" (WWW 2005), there as similarity; Zhang and Hurley, "Avoiding
    monotony" (RecSys 2008), as distance.

    Args:
        lists: one row per case.
        space: float32 (V, A), standardised scores; scored: bool (V,), items that have any.
    """
    found = np.full(len(lists), np.nan)
    width, k = max(space.shape[1], 1), lists.shape[1]
    first, second = np.triu_indices(k, 1)
    step = max(1, _CELLS // max(1, k * max(width, k)))
    for start in range(0, len(lists), step):
        some = lists[start : start + step]
        points = space[some].astype(np.float64)
        inner = points @ points.transpose(0, 2, 1)
        square = np.diagonal(inner, axis1=1, axis2=2)
        # Rounding can leave a pair of equal items a little below 0.
        apart = square[:, first] + square[:, second] - 2 * inner[:, first, second]
        distance = np.sqrt(np.maximum(apart, 0) / width)
        there = (some >= 0) & scored[some]
        both = there[:, first] & there[:, second]
        pairs = both.sum(axis=1)
        sums = np.where(both, distance, 0).sum(axis=1)
        np.divide(sums, pairs, out=found[start : start + step], where=pairs > 0)
    return found


def history_profiles(
    cases: Cases, space: NDArray[np.float32], scored: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Mean of the standardised scores over the scored events of each case's history, float32 (C, A).

    NaN where the history has no scored event.
    """
    sequences, targets = cases.sequences, cases.targets
    start, end = sequences.indptr[targets.users], sequences.indptr[targets.users] + targets.ends
    # Histories are beginnings of a user's row: running sums, one attribute at a time, give all of them.
    running = np.zeros(sequences.n_events + 1)
    np.cumsum(scored[sequences.items], out=running[1:])
    count = running[end] - running[start]
    found = np.full((len(cases), space.shape[1]), np.nan, np.float32)
    values = np.where(scored[:, None], space, 0).astype(np.float64)
    for column in range(space.shape[1]):
        np.cumsum(values[sequences.items, column], out=running[1:])
        sums = running[end] - running[start]
        np.divide(sums, count, out=found[:, column], where=count > 0, casting="same_kind")
    return found


def list_profiles(lists: Lists, space: NDArray[np.float32], scored: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean of the standardised scores over the scored items of each list, float32 (C, A); NaN without any."""
    found = np.full((len(lists), space.shape[1]), np.nan, np.float32)
    step = max(1, _CELLS // max(1, lists.shape[1] * space.shape[1]))
    for start in range(0, len(lists), step):
        some = lists[start : start + step]
        there = (some >= 0) & scored[some]
        count = there.sum(axis=1)[:, None]
        sums = np.einsum("ck,cka->ca", there.astype(np.float64), space[some].astype(np.float64))
        np.divide(sums, count, out=found[start : start + step], where=count > 0, casting="same_kind")
    return found


def miscalibration(gaps: NDArray[np.float32]) -> NDArray[np.float64]:
    """How far a list's attribute profile lies from the history's, `mean_a |list_a - history_a|`, (C,).

    In deviations of the attribute over the catalogue. 0: the list is, attribute by attribute, what the user
    has had so far. A list of 10 does not reach 0 even if drawn from the history itself; differences between
    versions are what to read. After Steck, "Calibrated recommendations" (RecSys 2018), for scores instead of
    categories.

    Args:
        gaps: float32 (C, A), profile of the list minus that of the history; a row with NaN gives NaN.
    """
    found: NDArray[np.float64] = np.abs(gaps).mean(axis=1, dtype=np.float64)
    return found
