"""Raw attribute scores in another room's order of items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import Ref, ancestry, get_version, load_embedding, parse_ref


@dataclass(frozen=True)
class AttributeTable:
    """Raw scores of items.

    Attributes:
        source: the guided version they come from.
        names: of the A attributes.
        raw: float32 (V, A) on the schema's scale (0..10), NaN where an item was never scored.
    """

    source: Ref
    names: tuple[str, ...]
    raw: NDArray[np.float32]

    def standardised(self) -> NDArray[np.float32]:
        """Mean 0 and deviation 1 per attribute over the scored items, 0 where never scored, float32 (V, A).

        An attribute that does not vary is 0 everywhere.
        """
        scored = ~np.isnan(self.raw)
        count = np.maximum(scored.sum(axis=0), 1)
        values = np.where(scored, self.raw, 0).astype(np.float64)
        mean = values.sum(axis=0) / count
        apart = np.where(scored, values - mean, 0)
        deviation = np.sqrt((apart**2).sum(axis=0) / count)
        return np.where(deviation > 0, apart / np.where(deviation > 0, deviation, 1), 0).astype(np.float32)


def load_attributes(store: Store, ref: str | Ref, item_ids: Sequence[str]) -> AttributeTable:
    """The raw scores of a version that carries some (guided or refined), row by row of `item_ids`.

    Raises:
        UsageError: the version carries no raw scores.
        VersionError, DigestMismatchError, StoreError: as `load_embedding`.
    """
    found = load_embedding(store, ref)
    if found.raw is None:
        raise UsageError(f"{found.ref} keeps no attribute scores; name a guided version")
    rows = np.fromiter((found.item_index.get(item, -1) for item in item_ids), np.int64, len(item_ids))
    raw = np.full((len(item_ids), found.raw.shape[1]), np.nan, np.float32)
    raw[rows >= 0] = found.raw[rows[rows >= 0]]
    return AttributeTable(found.ref, found.attributes, raw)


def guided_of(store: Store, ref: str | Ref) -> Ref | None:
    """The guided version that a version was made from, nearest first; itself if it is one; None without.

    It may be gone from the store: then its name is what was recorded.

    Raises:
        UnknownVersionError: there is no version `ref`.
    """
    for info in ancestry(store, get_version(store, ref).ref):
        for name in (str(info.ref), *info.parents):
            if name.startswith("guided/"):
                return parse_ref(name)
    return None


def attributes_of(
    store: Store, named: str | Ref | None, refs: Iterable[str | Ref], item_ids: Sequence[str]
) -> AttributeTable | None:
    """The raw scores of the version that was named, else of what guided the first of `refs` that was guided.

    None where nothing was named and none was guided. Errors as `load_attributes`.
    """
    if named is None:
        named = next((found for ref in refs if (found := guided_of(store, ref)) is not None), None)
    return None if named is None else load_attributes(store, named, item_ids)
