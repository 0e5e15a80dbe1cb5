"""Exact maximum-inner-product search, with the order of ties proven and not left to chance.

A matrix product in float32 rounds equal vectors differently, depending on where they lie in a block. So it
only chooses candidates, generously enough (see `_slack`) that none of the true top k can be missing; these
are scored again in one fixed way (`canonical_scores`) and sorted by (-score, id).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexes._faiss import faiss
from indexes._hidden import Hidden
from indexes._vectors import Vectors

_SCORES_AT_ONCE = 1 << 23  # 32 MB of float32 scores for a block of queries
_RESCORED_AT_ONCE = 1 << 21  # values of float64 candidates, 16 MB
# Up to this many queries FAISS's one-query kernel beats the matrix product: 100,000 x 65 on one core took
# 0.8 ms a query, numpy 1.4 ms for one query, 6.5 ms for two and 15 ms for 64.
_ONE_BY_ONE_UP_TO = 8


def exact_search(
    vectors: Vectors, queries: NDArray[np.float32], k: int, hidden: Hidden
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k best visible items of each query: scores float32 (m, k), ids int64 (m, k), padded -inf and -1.

    `queries` are C-contiguous float32 (m, width) in the width of `vectors`; `k` is at most n.
    """
    matrix, longest = vectors.matrix()
    m, n = len(queries), len(matrix)
    scores = np.full((m, k), -np.inf, np.float32)
    ids = np.full((m, k), -1, np.int64)
    block = max(1, _SCORES_AT_ONCE // n)
    for start in range(0, m, block):
        part = queries[start : start + block]
        own = hidden.take(np.arange(start, start + len(part)))
        rough = _rough_scores(matrix, part)
        if own.shared is not None:
            rough[:, own.shared] = -np.inf
        rough[own.rows, own.ids] = -np.inf
        floor = _kth_largest(rough, k).astype(np.float64) - _slack(part, longest)
        keep = rough >= np.nextafter(floor.astype(np.float32), np.float32(-np.inf))[:, None]
        keep &= rough > -np.inf
        rows, found = np.nonzero(keep)
        exact = canonical_scores(vectors, part, rows, found)
        place_best(scores[start : start + block], ids[start : start + block], rows, found, exact)
    return scores, ids


def canonical_scores(
    vectors: Vectors, queries: NDArray[np.float32], rows: NDArray[np.int64], ids: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The score of each (query row, id) pair: summed in float64 in one fixed order, then rounded to float32.

    Equal vectors get equal scores wherever they are stored and however many are asked for at once.
    """
    scores = np.empty(len(ids), np.float32)
    step = max(1, _RESCORED_AT_ONCE // queries.shape[1])
    for start in range(0, len(ids), step):
        part = slice(start, start + step)
        products = vectors.rows(ids[part]).astype(np.float64)
        products *= queries[rows[part]]
        scores[part] = products.sum(axis=1)
    return scores


def place_best(
    scores: NDArray[np.float32],
    ids: NDArray[np.int64],
    rows: NDArray[np.int64],
    found: NDArray[np.int64],
    values: NDArray[np.float32],
) -> None:
    """Write the best of each row's candidates into `scores` and `ids` (both (m, k)), by (-score, id)."""
    order = np.lexsort((found, -values, rows))
    rows, found, values = rows[order], found[order], values[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    best = rank < scores.shape[1]
    scores[rows[best], rank[best]] = values[best]
    ids[rows[best], rank[best]] = found[best]


def _rough_scores(matrix: NDArray[np.float32], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    m, (n, width) = len(queries), matrix.shape
    if m > _ONE_BY_ONE_UP_TO:
        product: NDArray[np.float32] = queries @ matrix.T
        return product
    rough = np.empty((m, n), np.float32)
    base = faiss.swig_ptr(matrix)
    for row in range(m):
        query, out = faiss.swig_ptr(queries[row]), faiss.swig_ptr(rough[row])
        faiss.fvec_inner_products_ny(out, query, base, width, n)
    return rough


def _kth_largest(rough: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """A lower bound, float32 (m,), of each row's k-th largest value; -inf where fewer are visible.

    The k-th largest of the maxima of groups is one (k groups hold a value at least as large), and costs a
    fraction of partitioning whole rows. Groups of at most a quarter of n / k keep it close to the true value.
    """
    m, n = rough.shape
    group = min(64, n // (4 * k))
    if group <= 1:
        whole: NDArray[np.float32] = np.partition(rough, n - k, axis=1)[:, n - k]
        return whole
    even = n // group * group
    maxima = rough[:, :even].reshape(m, -1, group).max(axis=2)
    maxima = np.concatenate([maxima, rough[:, even:]], axis=1)
    bound: NDArray[np.float32] = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, maxima.shape[1] - k]
    loose = np.isneginf(bound)  # what is visible sits in few groups
    if loose.any():
        bound[loose] = np.partition(rough[loose], n - k, axis=1)[:, n - k]
    return bound


def _slack(queries: NDArray[np.float32], longest: float) -> NDArray[np.float64]:
    """How far below the rough k-th score a member of the true top k can lie, float64 (m,).

    A float32 dot product of width w, summed in any order, is within w u / (1 - w u) * |x| |q| of the true one
    (u = 2**-24; Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), and the canonical score
    within u |x| |q|. Two scores are compared, so the error counts twice; the last term is for underflow.
    """
    width = queries.shape[1]
    unit = 2.0**-24
    relative = width * unit / (1 - width * unit) + 2 * unit
    lengths = np.sqrt(np.square(queries.astype(np.float64)).sum(axis=1))
    slack: NDArray[np.float64] = 2 * relative * lengths * longest + 4 * width * float(
        np.finfo(np.float32).tiny
    )
    return slack
