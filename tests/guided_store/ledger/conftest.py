"""An empty store, and items in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from guided_store.store import Store, create

PutItems = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def put_items(store: Store) -> PutItems:
    """Append items to the catalogue: ids and columns of texts or numbers."""

    def put(ids: Sequence[str], **columns: Sequence[object]) -> None:
        fields = [pa.field("item_id", pa.string(), nullable=False)]
        fields += [pa.field("title", pa.string()), pa.field("text", pa.string())]
        given = {"title": [None] * len(ids), "text": [None] * len(ids)} | columns
        arrays = [pa.array(ids, pa.string())]
        arrays += [pa.array(given.pop(name), pa.string()) for name in ("title", "text")]
        for name, values in given.items():
            array = pa.array(values)
            arrays.append(array)
            fields.append(pa.field(name, array.type))
        store.append("items", pa.Table.from_arrays(arrays, schema=pa.schema(fields)))

    return put
