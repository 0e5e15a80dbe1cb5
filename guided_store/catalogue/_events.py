"""Interactions in memory while they are taken in: integer columns, never strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store.catalogue._arrays import MISSING, filled
from guided_store.catalogue._ids import Vocabulary
from guided_store.catalogue._parse import parse_ids
from guided_store.catalogue._schemas import INTERACTIONS, INTERACTIONS_SCHEMA
from guided_store.store import Store

_ROWS = 262_144


@dataclass(frozen=True)
class Events:
    """Columns of equal length n, 37 bytes an event.

    Attributes:
        users, items: int32 codes of two vocabularies.
        times: int64 seconds since 1970, `MISSING` where blank.
        positions: int64, `MISSING` where blank.
        weights: float32, NaN where blank.
        numbers: int64 ingestion numbers: which row was read earlier.
        filled: bool, whether the time was taken from a neighbour.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.int64]
    positions: NDArray[np.int64]
    weights: NDArray[np.float32]
    numbers: NDArray[np.int64]
    filled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.users)

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Events:
        """The events at the given places, or where a mask holds."""
        return Events(*(getattr(self, column.name)[which] for column in fields(self)))

    @property
    def has_times(self) -> bool:
        """Whether any event has a time."""
        return bool((self.times != MISSING).any())


class EventsBuilder:
    """Grows `Events` in chunks."""

    def __init__(self) -> None:
        self._chunks: list[Events] = []

    def add(self, chunk: Events) -> None:
        """Append a chunk."""
        self._chunks.append(chunk)

    def finish(self) -> Events:
        """All chunks as one; the builder is empty afterwards."""
        columns = []
        dtypes = (np.int32, np.int32, np.int64, np.int64, np.float32, np.int64, np.bool_)
        for column, dtype in zip(fields(Events), dtypes, strict=True):
            parts = [getattr(chunk, column.name) for chunk in self._chunks]
            columns.append(np.concatenate(parts) if parts else np.zeros(0, dtype))
            # Let go of each column's chunks before the next is joined: no moment holds everything twice.
            for chunk in self._chunks:
                object.__setattr__(chunk, column.name, None)
        self._chunks = []
        return Events(*columns)


def read_events(store: Store, users: Vocabulary, items: Vocabulary) -> Events:
    """The stored interactions in storage order; empty where there are none."""
    builder = EventsBuilder()
    if store.has_table(INTERACTIONS):
        for batch in store.batches(INTERACTIONS, INTERACTIONS_SCHEMA.names, batch_size=_ROWS):
            builder.add(
                Events(
                    parse_ids(batch.column("user_id"), "user id", users).values,
                    parse_ids(batch.column("item_id"), "item id", items).values,
                    filled(batch.column("timestamp"), MISSING),
                    filled(batch.column("position"), MISSING),
                    filled(batch.column("weight"), np.nan),
                    filled(batch.column("ingestion"), 0),
                    filled(batch.column("time_filled"), False),
                )
            )
    return builder.finish()


def event_batches(
    events: Events, order: NDArray[np.int64], users: Vocabulary, items: Vocabulary
) -> pa.RecordBatchReader:
    """The events in the given order as batches of `INTERACTIONS_SCHEMA`, made one at a time."""
    user_names = pa.array(users.ids, pa.string())
    item_names = pa.array(items.ids, pa.string())

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(order), _ROWS):
            part = events.take(order[start : start + _ROWS])
            columns = [
                user_names.take(pa.array(part.users)),
                item_names.take(pa.array(part.items)),
                pa.array(part.times, mask=part.times == MISSING),
                pa.array(part.positions, mask=part.positions == MISSING),
                pa.array(part.weights, mask=np.isnan(part.weights)),
                pa.array(part.numbers),
                pa.array(part.filled),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=INTERACTIONS_SCHEMA)

    return pa.RecordBatchReader.from_batches(INTERACTIONS_SCHEMA, batches())
