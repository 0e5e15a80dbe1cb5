"""Which items each query must not see, in one checked and compact form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexes._errors import VectorIndexError

Exclude = NDArray[np.integer] | Sequence[NDArray[np.integer] | Sequence[int] | None] | None
"""One integer array (hidden from every query), or one array (or None) for each query, or None."""


@dataclass(frozen=True)
class Hidden:
    """Items hidden from all queries, and further ones hidden from each.

    Attributes:
        n: items of the index; ids run from 0 to n - 1.
        shared: bool (n,), True where an item is hidden from every query, or None.
        indptr: int64 (m + 1,), boundaries of each query's own ids.
        ids: int64 (E,), own ids by query, ascending, without repetition, none of them in `shared`.
    """

    n: int
    shared: NDArray[np.bool_] | None
    indptr: NDArray[np.int64]
    ids: NDArray[np.int64]

    @property
    def own(self) -> NDArray[np.int64]:
        """Ids hidden from one query only, int64 (m,)."""
        return np.diff(self.indptr)

    @property
    def shared_count(self) -> int:
        return 0 if self.shared is None else int(np.count_nonzero(self.shared))

    @property
    def rows(self) -> NDArray[np.int64]:
        """The query of each entry of `ids`, int64 (E,)."""
        return np.repeat(np.arange(len(self.indptr) - 1), self.own)

    def take(self, queries: NDArray[np.int64]) -> Hidden:
        """The same for a selection of queries, in the order given."""
        own = self.own[queries]
        indptr = np.zeros(len(queries) + 1, np.int64)
        np.cumsum(own, out=indptr[1:])
        inside = np.arange(indptr[-1]) - np.repeat(indptr[:-1], own)
        return Hidden(self.n, self.shared, indptr, self.ids[np.repeat(self.indptr[queries], own) + inside])

    def covers(self, rows: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each pair of query and id is among the queries' own hidden ids."""
        keys = self.rows * self.n + self.ids
        if len(keys) == 0:
            return np.zeros(ids.shape, np.bool_)
        wanted = rows * self.n + ids
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found: NDArray[np.bool_] = keys[place] == wanted
        return found


def hide(m: int, n: int, exclude: Exclude, allow: NDArray[np.bool_] | None) -> Hidden:
    """Check and merge what a caller excludes and what it allows, for `m` queries on `n` items.

    Raises:
        VectorIndexError: ids that are no integers or outside 0..n-1, a wrong number of id lists, or a mask
            that is not bool (n,).
    """
    shared = None if allow is None else ~_check_mask(allow, n)
    if exclude is None:
        return Hidden(n, shared, np.zeros(m + 1, np.int64), np.empty(0, np.int64))
    if isinstance(exclude, np.ndarray) and exclude.ndim == 1 and exclude.dtype != np.object_:
        shared = np.zeros(n, np.bool_) if shared is None else shared
        shared[_check_ids(exclude, n)] = True
        return Hidden(n, shared, np.zeros(m + 1, np.int64), np.empty(0, np.int64))
    if not isinstance(exclude, (list, tuple, np.ndarray)) or (
        isinstance(exclude, np.ndarray) and exclude.ndim == 0
    ):
        raise VectorIndexError(f"exclude must be an id array or a list of them, not {type(exclude).__name__}")
    if len(exclude) != m:
        raise VectorIndexError(f"exclude holds {len(exclude)} id lists for {m} queries: give one for each")
    lists = [_check_ids(np.empty(0, np.int64) if ids is None else np.asarray(ids), n) for ids in exclude]
    rows = np.repeat(np.arange(m), [len(ids) for ids in lists])
    ids = np.concatenate([np.empty(0, np.int64), *lists])
    if shared is not None:
        rows, ids = rows[~shared[ids]], ids[~shared[ids]]
    keys = np.unique(rows * n + ids)
    indptr = np.zeros(m + 1, np.int64)
    np.cumsum(np.bincount(keys // n, minlength=m), out=indptr[1:])
    return Hidden(n, shared, indptr, keys % n)


def _check_mask(allow: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    if not isinstance(allow, np.ndarray) or allow.dtype != np.bool_ or allow.shape != (n,):
        raise VectorIndexError(f"allow must be a bool array of {n} values, one an item of the index")
    return allow


def _check_ids(ids: NDArray[np.integer], n: int) -> NDArray[np.int64]:
    if ids.size == 0:
        return np.empty(0, np.int64)
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise VectorIndexError(
            f"exclude must hold flat integer id arrays, not {ids.dtype} of shape {ids.shape}"
        )
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= n:
        raise VectorIndexError(f"exclude names id {low if low < 0 else high}, but ids run from 0 to {n - 1}")
    return ids.astype(np.int64)
