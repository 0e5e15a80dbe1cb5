"""Items as people know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class NamedItem:
    """An item with the name to show for it: its title, or its id where it has none."""

    item_id: str
    title: str


def named(item_ids: Iterable[str], titles: Mapping[str, str] | None) -> tuple[NamedItem, ...]:
    """Ids with their titles."""
    known = titles or {}
    return tuple(NamedItem(item, known.get(item) or item) for item in item_ids)


def number(value: float | None) -> float | None:
    """For JSON: None in place of NaN."""
    return None if value is None or value != value else value
