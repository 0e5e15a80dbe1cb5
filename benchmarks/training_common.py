"""What the three sides of `training.py` share: the data, the validation metric, and how they report.

Only numpy at import, so that it runs in every environment.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIM, BLOCKS, HEADS, LENGTH, BATCH = 64, 2, 2, 100, 128


class Data:
    """Training events of each user in order, and leave-one-out's validation item."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            self.indptr, self.items, self.valid = file["indptr"], file["items"], file["valid"]
            self.n_items = int(file["n_items"])
        self.n_users = len(self.valid)

    def history(self, user: int) -> NDArray[np.int32]:
        row: NDArray[np.int32] = self.items[self.indptr[user] : self.indptr[user + 1]]
        return row


def prepare(interactions: Path, out: Path) -> None:
    """Write `Data` from a parquet of (user_id, item_id, position): all but each user's last two events."""
    import polars as pl

    rows = pl.read_parquet(interactions).sort(["user_id", "position"])
    names, codes = np.unique(rows["item_id"].cast(pl.String).to_numpy(), return_inverse=True)
    _, counts = np.unique(rows["user_id"].to_numpy(), return_counts=True)
    ends = np.cumsum(counts)
    users = np.repeat(np.arange(len(counts)), counts)
    from_the_end = ends[users] - np.arange(len(codes))  # 1 is the newest
    enough = counts >= 3
    train = (from_the_end > 2) & enough[users]
    indptr = np.concatenate([[0], np.cumsum(counts[enough] - 2)])
    np.savez(
        out,
        indptr=indptr.astype(np.int64),
        items=codes[train].astype(np.int32),
        valid=codes[(ends - 2)[enough]].astype(np.int32),
        n_items=len(names),
    )


def ndcg_at_10(scores: Callable[[NDArray[np.int64]], NDArray[np.float32]], data: Data) -> float:
    """Mean NDCG@10 of the validation items among all that a user has not seen in training.

    Args:
        scores: gives (b, n_items) for user numbers (b,); its result is written to.
        data: the data.
    """
    total = 0.0
    for start in range(0, data.n_users, 512):
        users = np.arange(start, min(start + 512, data.n_users))
        found = scores(users)
        wanted = found[np.arange(len(users)), data.valid[users]].copy()
        for row, user in enumerate(users):
            found[row, data.history(user)] = -np.inf
        rank = (found > wanted[:, None]).sum(axis=1)  # items before it
        total += (1.0 / np.log2(rank[rank < 10] + 2.0)).sum()
    return total / data.n_users


class Clock:
    """CPU seconds of this process from where it was made, without what is timed as something else.

    CPU time, since the core is shared with what else the machine does; with one thread it is wall time on an
    idle core.
    """

    def __init__(self) -> None:
        self._began, self._out = time.process_time(), 0.0

    def __call__(self) -> float:
        return time.process_time() - self._began - self._out

    def leave_out(self, seconds: float) -> None:
        self._out += seconds


def report(**values: object) -> None:
    """One line for `training.py`."""
    print(json.dumps(values), flush=True)
