"""A store with one guided version of four attributes, ready to be refined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.scoring import import_scores
from guided_store.store import Store, create

ITEMS = tuple(f"i{number}" for number in range(30))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def guided(store: Store, tmp_path: Path) -> str:
    """`guided/g` over ITEMS: four attributes, the last marked as hindsight, one value missing."""
    items = pa.table(
        {"item_id": list(ITEMS), "title": pa.nulls(30, pa.string()), "text": pa.nulls(30, pa.string())},
        pa.schema(
            [pa.field("item_id", pa.string(), nullable=False), ("title", pa.string()), ("text", pa.string())]
        ),
    )
    store.append("items", items)
    names = ("humor", "pace", "violence", "fame")
    attributes = tuple(Attribute(name, "none", "much", hindsight=name == "fame") for name in names)
    scores = np.random.default_rng(1).integers(0, 11, (30, 4)).astype(str)
    scores[3, 1] = ""
    lines = [",".join(("item_id", *names))]
    lines += [",".join((item, *row)) for item, row in zip(ITEMS, scores, strict=True)]
    path = tmp_path / "scores.csv"
    path.write_text("\n".join(lines) + "\n")
    import_scores(store, path, AttributeSchema("demo", 1, "film", (0, 10), attributes), as_name="g")
    return "guided/g"
