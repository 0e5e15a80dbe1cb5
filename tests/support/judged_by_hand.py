"""Cases and judgements made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.evaluation import Cases, Judgement


def build_cases(histories: Sequence[Sequence[int]], n_items: int) -> Cases:
    """Leave-one-out by hand on users u0, u1, ... and items i0, i1, ..."""
    lengths = np.array([len(history) for history in histories], np.int64)
    sequences = Sequences(
        user_ids=tuple(f"u{row}" for row in range(len(histories))),
        item_ids=tuple(f"i{code}" for code in range(n_items)),
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=np.array([item for history in histories for item in history], np.int32),
    )
    users = np.arange(len(histories))
    ends = lengths - 1
    split = Split("leave-one-out", sequences, lengths - 2, Targets(users, ends - 1), Targets(users, ends))
    return Cases(split)


def judgement(ranks: Sequence[float] | np.ndarray, items: Sequence[Sequence[int]] | np.ndarray) -> Judgement:
    """A judgement whose scores nobody reads."""
    lists = np.asarray(items, np.int32)
    return Judgement("hand", np.asarray(ranks, np.float64), lists, np.zeros(lists.shape, np.float32))
