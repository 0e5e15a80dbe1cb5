"""What to show when the encoder has nothing to read: the popular items, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences
from guided_store.versions import Embedding

RECENT_SHARE = 0.1
"""The newest tenth of all events counts as recent, where times exist."""


@dataclass(frozen=True)
class Popularity:
    """Event counts per row of an embedding.

    Attributes:
        counts: int64 (n,).
        source: "recent popularity" or "popularity".
        period: "since 2000-11-20", or "of all time".
    """

    counts: NDArray[np.int64]
    source: str
    period: str

    def best(self, k: int, exclude: NDArray[np.int64], allow: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Rows of the k most popular items that may be shown, most popular first, ties by row."""
        order = np.lexsort((np.arange(len(self.counts)), -self.counts))
        free = np.ones(len(self.counts), bool) if allow is None else allow.copy()
        free[exclude] = False
        best: NDArray[np.int64] = order[free[order]][:k].astype(np.int64)
        return best


def popularity(sequences: Sequences, embedding: Embedding) -> Popularity:
    """Counts over the newest tenth of the events where times exist, else over all."""
    events = sequences.restrict(embedding.item_ids)
    if events.times is None or not events.n_events:
        return Popularity(events.counts(), "popularity", "of all time")
    since = int(np.quantile(events.times, 1 - RECENT_SHARE))
    recent = events.items[events.times >= since]
    day = datetime.fromtimestamp(since, UTC).date().isoformat()
    counts = np.bincount(recent, minlength=events.n_items).astype(np.int64)
    return Popularity(counts, "recent popularity", f"since {day}")
