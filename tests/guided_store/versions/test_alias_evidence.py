"""Evidence beside an alias, in stores that were made before there was any."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from guided_store.errors import StoreError, UsageError
from guided_store.store import Store, create, open
from guided_store.versions import Ref, alias_history, list_aliases, plan_alias, set_alias, write_version

BEFORE = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("encoder", pa.string()),
        pa.field("index", pa.string()),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
"""The table as version 0.1.0 made it."""

ROW = {"name": "production", "version": "base/x", "encoder": None, "index": None}


def old_row(day: int) -> pa.Table:
    return pa.Table.from_pylist([ROW | {"time": datetime(2026, 1, day, tzinfo=UTC)}], schema=BEFORE)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = create(tmp_path / "s")
    for name in ("x", "y"):
        write_version(store, f"base/{name}", ["a"], np.ones((1, 2), np.float32))
    return store


def test_an_old_table_is_read_and_grows_a_column(store: Store) -> None:
    store.append("aliases", old_row(1))
    assert [alias.evidence for alias in alias_history(open(store.root))] == [None]
    evidence = {"gates": [{"gate": "mrr >= 0.1", "bound": 0.2}], "forced": False}
    made = set_alias(store, "production", "base/y", evidence=evidence)
    assert made.evidence == evidence
    first, second = alias_history(open(store.root))
    assert (first.version, first.evidence) == (Ref("base", "x"), None)
    assert second == made
    assert second.to_dict()["evidence"] == evidence
    # a program of before appends rows without the column, and finds its own columns
    store.append("aliases", old_row(2))
    assert set(BEFORE.names) <= set(store.read("aliases").column_names)
    assert list_aliases(store)[0].evidence is None
    assert [alias.evidence for alias in alias_history(store)] == [None, evidence, None]


def test_a_kill_between_the_column_and_the_row_does_no_harm(store: Store) -> None:
    store.append("aliases", old_row(1))
    store.dataset("aliases").add_columns(pa.schema([pa.field("evidence", pa.string())]))
    assert [str(alias.version) for alias in alias_history(store)] == ["base/x"]
    set_alias(store, "production", "base/y")
    assert [str(alias.version) for alias in alias_history(store)] == ["base/x", "base/y"]


def test_planning_writes_nothing(store: Store) -> None:
    planned = plan_alias(open(store.root), "production", "base/x")
    assert (planned.version, planned.encoder, planned.evidence) == (Ref("base", "x"), None, None)
    assert not store.has_table("aliases")
    with pytest.raises(UsageError, match="is a kind"):
        plan_alias(store, "refined", "base/x")
    with pytest.raises(ValueError, match="JSON"):
        set_alias(store, "production", "base/x", evidence={"bound": float("nan")})
    assert not store.has_table("aliases")
    with pytest.raises(StoreError, match="read"):
        set_alias(open(store.root), "production", "base/x")
