"""Items around a ring, with attributes that say where each stands, and some that nobody has met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.store import Store
from guided_store.versions import VersionInfo, write_version

RING = tuple(f"i{number:02d}" for number in range(30))
"""The items of the walks in tests/guided_store/encoders/conftest.py."""

UNMET = ("new-a", "new-b", "new-c")
"""Items without events; they stand on the ring beside i04, i14 and i24."""

NAMES = ("east", "north", "odd")
SCHEMA = AttributeSchema("ring", 1, "place", (0, 10), tuple(Attribute(n, "none", "much") for n in NAMES))


def places(ids: Sequence[str]) -> np.ndarray:
    """Where items stand, in ring steps."""
    between = dict(zip(UNMET, (4.5, 14.5, 24.5), strict=True))
    return np.array([between[item] if item in between else float(item[1:]) for item in ids])


def scores(ids: Sequence[str]) -> np.ndarray:
    """float32 (n, 3) on the schema's scale."""
    angle = places(ids) * (2 * np.pi / len(RING))
    odd = np.array([sum(item.encode()) % 2 for item in ids])
    return np.stack([5 + 5 * np.cos(angle), 5 + 5 * np.sin(angle), 10.0 * odd], axis=1).astype(np.float32)


def put_items(store: Store, ids: Sequence[str]) -> None:
    """A catalogue that recommendations can be read from."""
    fields = [pa.field("item_id", pa.string(), nullable=False), pa.field("title", pa.string())]
    fields.append(pa.field("text", pa.string()))
    columns = [pa.array(ids), pa.array([f"Item {item}" for item in ids]), pa.nulls(len(ids), pa.string())]
    store.append("items", pa.Table.from_arrays(columns, schema=pa.schema(fields)))


def put_guided(store: Store, ids: Sequence[str], name: str = "g", **recipe: Any) -> VersionInfo:
    """`guided/<name>`, standardised by the ring's own means, whatever items it has."""
    raw, known = scores(ids), scores(RING).astype(np.float64)
    mean, deviation = known.mean(axis=0), known.std(axis=0)
    return write_version(
        store,
        f"guided/{name}",
        ids,
        ((raw - mean) / deviation).astype(np.float32),
        raw=raw,
        imputed=np.zeros(raw.shape, bool),
        recipe={
            "schema": SCHEMA.to_dict(),
            "schema_digest": SCHEMA.digest,
            "attributes": list(NAMES),
            "guided_columns": len(NAMES),
            "mean": mean.tolist(),
            "deviation": deviation.tolist(),
        }
        | recipe,
    )


def put_base(store: Store, ids: Sequence[str], name: str = "b", dim: int = 8, seed: int = 0) -> VersionInfo:
    """`base/<name>`: waves around the ring, so that neighbours are alike, with a little noise."""
    rng = np.random.default_rng(seed)
    turns = np.outer(places(ids), np.arange(1, dim // 2 + 1)) * (2 * np.pi / len(RING))
    waves = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    vectors = (waves + rng.normal(0, 0.1, waves.shape)).astype(np.float32)
    return write_version(store, f"base/{name}", ids, vectors)
