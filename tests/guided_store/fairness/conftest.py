"""One small trained store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from guided_ring import RING, put_guided, put_items

from guided_store.catalogue import leave_one_out, load_sequences
from guided_store.embeddings import build_refined
from guided_store.encoders import EncoderConfig, TrainingConfig, train
from guided_store.evaluation import Cases
from guided_store.store import Store, create


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Walks around a ring of items with three attributes, a base, and `refined/small`, trained on them."""
    random = np.random.default_rng(1)
    steps = np.cumsum(random.choice([1, 1, 1, 2], (120, 9)), axis=1) + random.integers(0, 30, (120, 1))
    with create(tmp_path_factory.mktemp("ring") / "store") as store:
        put_items(store, RING)
        users = [f"u{row}" for row in range(len(steps))]
        names = np.array(RING)[steps % len(RING)].ravel()
        events = pa.table(
            {
                "user_id": np.repeat(users, steps.shape[1]),
                "item_id": names,
                "timestamp": pa.array(np.tile(np.arange(steps.shape[1]), len(users)), pa.int64()),
                "position": pa.nulls(len(names), pa.int64()),
                "weight": pa.nulls(len(names), pa.float32()),
                "ingestion": pa.array(np.arange(len(names)), pa.int64()),
                "time_filled": pa.array(np.zeros(len(names), bool)),
            }
        )
        store.append("interactions", events)
        store.append("users", pa.table({"user_id": users, "side": ["left", "right"] * (len(users) // 2)}))
        put_guided(store, RING)
        split = leave_one_out(load_sequences(store))
        shape = EncoderConfig(dim=8, blocks=1, max_length=10)
        settings = TrainingConfig(epochs=8, batch_size=16)
        train(store, "b", split=split, encoder=shape, training=settings)
        build_refined(store, "start", base="base/b", guided="guided/g")
        train(store, "small", split=split, items="refined/start", encoder=shape, training=settings)
        yield store


@pytest.fixture(scope="session")
def ring_cases(ring: Store) -> Cases:
    return Cases(leave_one_out(load_sequences(ring)), repeats="allow")
