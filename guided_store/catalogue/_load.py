"""From the store's tables to the forms that models work with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from guided_store.catalogue._arrays import MISSING
from guided_store.catalogue._events import read_events
from guided_store.catalogue._ids import Vocabulary, id_order, inverse
from guided_store.catalogue._order import boundaries, event_order
from guided_store.catalogue._schemas import INTERACTIONS, ITEMS, ITEMS_SCHEMA
from guided_store.catalogue._sequences import Sequences
from guided_store.errors import DataError, UsageError
from guided_store.store import Store


def load_sequences(store: Store) -> Sequences:
    """All interactions as sequences.

    Users and items are listed by id (whole numbers by value, then others by code point) and events by time,
    position and ingestion number, so that the result does not depend on how the rows were split over ingests.
    The vocabulary is the items that occur.

    Raises:
        UsageError: the store has no interactions.
        DataError: some events have a time and others none.
    """
    users, items = Vocabulary(), Vocabulary()
    events = read_events(store, users, items)
    if not len(events):
        hint = "add some with `guided-store ingest`"
        raise UsageError(f"the store at {store.root} has no interactions yet; {hint}")
    blank = int((events.times == MISSING).sum())
    if 0 < blank < len(events):
        raise DataError(
            f"{blank:,} of {len(events):,} interactions in the store have no time; ingest them anew with "
            "--replace and --fill-time neighbours, or with --order alone"
        )
    user_ids, item_ids = users.ids, items.ids
    user_order, item_order = id_order(user_ids), id_order(item_ids)
    rows = inverse(user_order)[events.users]
    order = event_order(rows, events.times, events.positions, events.numbers)
    return Sequences(
        user_ids=tuple(user_ids[place] for place in user_order),
        item_ids=tuple(item_ids[place] for place in item_order),
        indptr=boundaries(rows, len(user_ids)),
        items=inverse(item_order)[events.items[order]],
        times=None if blank else events.times[order],
    )


@dataclass(frozen=True)
class Items:
    """The catalogue's items, in storage order.

    Attributes:
        columns: the whole table: `item_id`, `title`, `text` and what the user's files had besides.
    """

    columns: pa.Table

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Item ids."""
        return tuple(self.columns.column("item_id").to_pylist())

    @cached_property
    def titles(self) -> dict[str, str]:
        """Title by item id, of the items that have one."""
        return self._by_id("title")

    @cached_property
    def texts(self) -> dict[str, str]:
        """Text by item id, of the items that have one."""
        return self._by_id("text")

    @cached_property
    def years(self) -> dict[str, int]:
        """Year by item id, where the table has a `year` column of whole numbers."""
        return self._by_id("year") if self._whole_years else {}

    def title_of(self, item_id: str) -> str:
        """An item's title, or its id where it has none or is unknown."""
        return self.titles.get(item_id, item_id)

    def year_of(self, item_id: str) -> int | None:
        """An item's year, or None."""
        return self.years.get(item_id)

    @property
    def _whole_years(self) -> bool:
        names = self.columns.column_names
        return "year" in names and pa.types.is_integer(self.columns.schema.field("year").type)

    def _by_id(self, name: str) -> dict[str, Any]:
        values = self.columns.column(name)
        there = pc.is_valid(values)
        ids = self.columns.column("item_id").filter(there).to_pylist()
        return dict(zip(ids, values.filter(there).to_pylist(), strict=True))


def load_items(store: Store) -> Items:
    """The items table; one without rows where none was ingested, so that titles fall back on ids."""
    return Items(store.read(ITEMS) if store.has_table(ITEMS) else ITEMS_SCHEMA.empty_table())


def has_interactions(store: Store) -> bool:
    """Whether any interaction was ingested."""
    return store.has_table(INTERACTIONS) and store.count(INTERACTIONS) > 0
