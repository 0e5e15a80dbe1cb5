"""Popularity and recent popularity: the baselines that know nothing of a user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import UsageError
from guided_store.evaluation._histories import Rows
from guided_store.evaluation._tuning import best_on_validation
from guided_store.progress import SILENT, Progress

DAY = 24 * 60 * 60
WINDOWS = (1 * DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY)
"""Windows tried on validation, in seconds."""

DEFAULT_WINDOW = 30 * DAY
"""The window where a split has no validation cases."""


NO_TIMES = "recent popularity needs the time of every event, and these have an order only"


class Popularity:
    """Scores every item by its number of training events, the same for everyone."""

    name = "popularity"
    trained = False

    def __init__(self, counts: NDArray[np.int64]) -> None:
        self.counts = counts

    @classmethod
    def fit(cls, split: Split, progress: Progress = SILENT) -> Popularity:
        """Count the training events of `split`."""
        return cls(split.train.counts())

    @property
    def parameters(self) -> dict[str, object]:
        return {}

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items), read-only (one row, repeated)."""
        shape = (len(targets.users[rows]), sequences.n_items)
        return np.broadcast_to(self.counts.astype(np.float32), shape)


class RecentPopularity:
    """Scores every item by its training events within a window that ends when the case is predicted.

    With a time split the prediction happens at the end of training, for everyone at once. With leave-one-out
    it happens at each user's latest history event, and only events up to then count: a window at the end of
    all training would know the future of most users, and miss the present of the others. Items alike in the
    window follow their overall popularity. Ji, Sun, Zhang and Li, "A Re-visit of the Popularity Baseline in
    Recommender Systems" (SIGIR 2020) give the reasons.

    Args:
        events: training item codes int32 (E,) and times int64 (E,) in seconds, in any order.
        n_items: size of the vocabulary.
        window: seconds.
        at_end: predict at the end of training (time split) rather than at the latest history event.
    """

    name = "recent-popularity"
    trained = False

    def __init__(
        self,
        items: NDArray[np.int32],
        times: NDArray[np.int64],
        n_items: int,
        window: int = DEFAULT_WINDOW,
        *,
        at_end: bool,
    ) -> None:
        order = np.argsort(times, kind="stable")
        self._items, self._times = items[order].astype(np.int64), times[order]
        overall = np.bincount(items, minlength=n_items)
        # Below one event, so that it decides only between equal counts.
        self._tie_break = (overall / (overall.max(initial=0) + 1)).astype(np.float32)
        self._n_items = n_items
        self.window = window
        self.at_end = at_end

    @classmethod
    def fit(
        cls, split: Split, windows: Sequence[int] = WINDOWS, progress: Progress = SILENT
    ) -> RecentPopularity:
        """Take the window of the best NDCG@10 on validation; 30 days where there are no validation cases.

        Raises:
            UsageError: the interactions have no times.
        """
        train = split.train
        if train.times is None:
            raise UsageError(NO_TIMES)

        def make(window: int) -> RecentPopularity:
            assert train.times is not None
            return cls(train.items, train.times, train.n_items, window, at_end=split.kind == "time")

        return best_on_validation(split, [make(window) for window in windows], make(DEFAULT_WINDOW), progress)

    @property
    def parameters(self) -> dict[str, object]:
        return {"window_days": self.window / DAY}

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items): events within the window plus a fraction below 1 of overall popularity."""
        users, ends = targets.users[rows], targets.ends[rows]
        if self.at_end or not len(self._times):
            first = np.searchsorted(self._times, self._times[-1:] - self.window)
            counts = np.bincount(self._items[first.sum() :], minlength=self._n_items)
            row = (counts + self._tie_break).astype(np.float32)
            return np.broadcast_to(row, (len(users), self._n_items))
        if sequences.times is None:
            raise UsageError(NO_TIMES)
        now = np.full(len(users), self._times[-1])
        some = ends > 0
        now[some] = sequences.times[sequences.indptr[users[some]] + ends[some] - 1]
        scores = self._counts_at(now)
        scores += self._tie_break
        return scores

    def _counts_at(self, now: NDArray[np.int64]) -> NDArray[np.float32]:
        """Events per item within the window before each of `now`, float32 (m, n_items)."""
        # Cases in order of time: an event enters the count at the first case at or after it and leaves
        # at the first case whose window begins after it; a running sum over the cases does the rest.
        order = np.argsort(now, kind="stable")
        n_items = self._n_items
        low, high = np.searchsorted(self._times, [now[order[0]] - self.window, now[order[-1]] + 1])
        items, times = self._items[low:high], self._times[low:high]
        enters = np.searchsorted(now[order], times, side="left")
        leaves = np.searchsorted(now[order] - self.window, times, side="right")
        size = (len(now) + 1) * n_items
        change = np.bincount(enters * n_items + items, minlength=size).astype(np.float32)
        change -= np.bincount(leaves * n_items + items, minlength=size)
        counts: NDArray[np.float32] = np.cumsum(change.reshape(-1, n_items)[:-1], axis=0, dtype=np.float32)
        unsorted = np.empty_like(counts)
        unsorted[order] = counts
        return unsorted
