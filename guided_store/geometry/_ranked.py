"""How alike two ranked lists are: rank-biased overlap, overlap, and order of what they share.

Every function takes lists as `Judgement.items` holds them: integers (C, K), best first, no item twice, -1 at
the end where a list is shorter.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError

PERSISTENCE = 0.9
"""`p` of rank-biased overlap; with it the first 10 ranks carry 86 % of the weight (Webber et al. 2010)."""

_AT_ONCE = 1 << 24  # comparisons of one item with another, a byte each

Lists = NDArray[np.integer]


def rank_biased_overlap(a: Lists, b: Lists, p: float = PERSISTENCE) -> NDArray[np.float64]:
    """Extrapolated rank-biased overlap of two lists, row by row: 1 the same list, 0 nothing in common.

    With X_d the number of items that the first d of both share, and lists of length s <= l,

        RBO_ext = (1 - p)/p ( sum_{d=1..l} X_d/d p^d + sum_{d=s+1..l} X_s (d - s)/(s d) p^d )
                  + ( (X_l - X_s)/l + X_s/s ) p^l

    which for lists of one length k is (1 - p)/p sum_{d=1..k} X_d/d p^d + X_k/k p^k: beyond what was seen,
    both go on to agree as far as they did. Ties do not occur: lists are in a proven order. Source: Webber,
    Moffat and Zobel, "A similarity measure for indefinite rankings", ACM Transactions on Information Systems
    28(4) (2010), equations 23 and 32.

    Args:
        a, b: integers (C, K) each, padded with -1.
        p: persistence, within (0, 1); smaller looks at the top alone.

    Returns:
        float64 (C,), symmetric in `a` and `b`; NaN where both lists are empty, 0 where one is.

    Raises:
        UsageError: lists of different shape, or `p` outside (0, 1).
    """
    if not 0 < p < 1:
        raise UsageError(f"the persistence of rank-biased overlap lies between 0 and 1, not {p:g}")
    shared = shared_at_depth(a, b)  # (C, K)
    depth = np.arange(1, shared.shape[1] + 1)
    weight = p ** depth.astype(np.float64)
    lengths = np.sort(np.stack([(a >= 0).sum(axis=1), (b >= 0).sum(axis=1)]), axis=0)
    short, long = lengths
    in_short, in_long = _at(shared, short), _at(shared, long)
    # Of an empty list nothing is known, so nothing is carried on from it.
    agreed = np.divide(in_short, short, out=np.zeros(len(short)), where=short > 0)
    terms = shared / depth * weight
    beyond = agreed[:, None] * (depth - short[:, None]) / depth * weight
    inside = depth <= long[:, None]
    total = np.where(inside, terms, 0).sum(axis=1)
    total += np.where(inside & (depth > short[:, None]), beyond, 0).sum(axis=1)
    unseen = np.divide(in_long - in_short, long, out=np.zeros(len(long)), where=long > 0) + agreed
    found: NDArray[np.float64] = (1 - p) / p * total + unseen * p ** long.astype(np.float64)
    found[long == 0] = np.nan
    # The weights add up to 1 but for rounding, and a list is exactly like itself.
    found[found > 1 - 1e-12] = 1.0
    return found


def list_overlap_at(a: Lists, b: Lists, k: int) -> NDArray[np.float64]:
    """Share of the first `k` that two lists have in common, whatever the order, float64 (C,).

    Divided by the length of the longer one where both are shorter than `k`; NaN where both are empty.

    Raises:
        UsageError: lists of different shape, or `k` below 1.
    """
    if k < 1:
        raise UsageError(f"lists are compared at a length of 1 or more, not {k}")
    a, b = a[:, :k], b[:, :k]
    longer = np.maximum((a >= 0).sum(axis=1), (b >= 0).sum(axis=1))
    shared = _at(shared_at_depth(a, b), longer)
    found: NDArray[np.float64] = np.divide(shared, longer, out=np.full(len(longer), np.nan), where=longer > 0)
    return found


def order_agreement(a: Lists, b: Lists) -> NDArray[np.float64]:
    """Kendall's tau over the items that two lists share, float64 (C,): 1 the same order, -1 the reverse.

    Pairs in the same order less pairs in the opposite order, by all pairs; it says nothing on how much is
    shared. NaN where fewer than two items are. Source: Kendall, "A new measure of rank correlation",
    Biometrika 30 (1938).

    Raises:
        UsageError: lists of different shape.
    """
    width = a.shape[1]
    found = np.full(len(a), np.nan)
    for rows, place in _places(a, b):
        known = place >= 0
        count = known.sum(axis=1)
        pairs = count * (count - 1) // 2
        # Places of shared items in order of `a`; unshared ones moved where they are never the later of two.
        later = place[:, None, :] > np.where(known, place, width)[:, :, None]
        same = (later & np.triu(np.ones((width, width), bool), 1)).sum(axis=(1, 2))
        part = np.full(len(place), np.nan)
        found[rows] = np.divide(2 * same - pairs, pairs, out=part, where=pairs > 0)
    return found


def shared_at_depth(a: Lists, b: Lists) -> NDArray[np.int64]:
    """X_d: how many items the first d of both lists share, int64 (C, K), column d - 1 for d = 1..K.

    Raises:
        UsageError: lists of different shape.
    """
    width = a.shape[1]
    found = np.zeros(a.shape, np.int64)
    for rows, place in _places(a, b):
        row, column = np.nonzero(place >= 0)
        # An item counts from the depth on where both lists have had it.
        depth = np.maximum(column, place[row, column])
        counts = np.bincount(row * width + depth, minlength=place.size).reshape(place.shape)
        found[rows] = np.cumsum(counts, axis=1)
    return found


def _places(a: Lists, b: Lists) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Where each item of `a` stands in `b`, -1 for nowhere, int64 (rows, K), a block of rows at a time."""
    if a.shape != b.shape or a.ndim != 2 or not a.shape[1]:
        raise UsageError(
            f"lists of shape {a.shape} and {b.shape} cannot be compared: give the same cases and k"
        )
    step = max(1, _AT_ONCE // a.shape[1] ** 2)
    for start in range(0, len(a), step):
        rows = slice(start, start + step)
        same = a[rows, :, None] == b[rows, None, :]
        same &= (a[rows] >= 0)[:, :, None]
        yield rows, np.where(same.any(axis=2), same.argmax(axis=2), -1)


def _at(shared: NDArray[np.int64], depth: NDArray[np.int64]) -> NDArray[np.float64]:
    """`shared` at a depth of each row, 0 at depth 0, float64 (C,)."""
    at = shared[np.arange(len(shared)), np.maximum(depth, 1) - 1]
    return np.where(depth > 0, at, 0).astype(np.float64)
