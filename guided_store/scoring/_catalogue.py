"""What there is to score: the items that are listed, and those that only occur in interactions."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow.compute as pc

from guided_store.catalogue import has_interactions, load_items
from guided_store.scoring._match import read_titles
from guided_store.scoring._titles import Title
from guided_store.store import Store


@dataclass(frozen=True)
class Catalogue:
    """Everything that can be recommended; n items.

    Attributes:
        ids: listed items in storage order, then the ids that only occur in interactions, sorted.
        titles: title of each item as written, or None.
        years: year of each item from a column of its own, or None.
    """

    ids: tuple[str, ...]
    titles: tuple[str | None, ...]
    years: tuple[int | None, ...]

    @property
    def joining_titles(self) -> list[Title] | None:
        """Titles in joining form; None where no item has a title."""
        return read_titles(self.titles, self.years) if any(self.titles) else None


def load_catalogue(store: Store) -> Catalogue:
    """Read the catalogue of a store; it may be empty."""
    items = load_items(store)
    ids = items.ids + _unlisted(store, set(items.ids))
    return Catalogue(
        ids, tuple(items.titles.get(item) for item in ids), tuple(items.year_of(item) for item in ids)
    )


def _unlisted(store: Store, listed: set[str]) -> tuple[str, ...]:
    if not has_interactions(store):
        return ()
    found: set[str] = set()
    for batch in store.batches("interactions", ["item_id"]):
        found.update(pc.unique(batch.column(0)).to_pylist())
    return tuple(sorted(found - listed))
