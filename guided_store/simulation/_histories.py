"""Simulated viewing histories, and the forms others take them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from guided_store.catalogue import Sequences


@dataclass(frozen=True)
class SimulatedHistories:
    """What simulated users watched; no real person did.

    Attributes:
        user_ids: "simulated-0001", ..., length U.
        item_ids: of the films given, length n.
        indptr: int64 (U + 1,), row boundaries; user u has events indptr[u]..indptr[u + 1].
        items: int32 (E,), item codes, oldest first within a user, none twice.
        times: int64 (E,), unix seconds, strictly increasing within a user.
        tastes: float32 (U, A), the users' weights on the standardised attributes, the truth behind `items`.
    """

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    tastes: NDArray[np.float32] = field(repr=False)

    @property
    def n_events(self) -> int:
        return len(self.items)

    def sequences(self) -> Sequences:
        """As the catalogue's in-memory form."""
        return Sequences(self.user_ids, self.item_ids, self.indptr, self.items, self.times)

    def table(self) -> pa.Table:
        """Columns user_id (string), item_id (string), timestamp (int64, unix seconds), by user and time."""
        rows = np.repeat(np.arange(len(self.user_ids), dtype=np.int32), np.diff(self.indptr))
        return pa.table(
            {
                "user_id": pa.array(self.user_ids, pa.string()).take(pa.array(rows)),
                "item_id": pa.array(self.item_ids, pa.string()).take(pa.array(self.items)),
                "timestamp": pa.array(self.times, pa.int64()),
            }
        )

    def write_csv(self, path: str | Path) -> None:
        """Write `table()` as CSV with a header."""
        csv.write_csv(self.table(), path)
