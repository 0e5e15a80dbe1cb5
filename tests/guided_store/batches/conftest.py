"""A store with films to score, and options that lead to the fake server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.journal import read_jobs, read_sent
from guided_store.llm import Prices
from guided_store.runs import ScoringOptions
from guided_store.store import Store, create

ITEMS = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with items f0 to f19, open for writing."""
    with create(tmp_path / "store") as opened:
        put_items(opened, range(ITEMS))
        yield opened


def put_items(store: Store, numbers: range) -> None:
    """Add films to the catalogue; each has a title of its own."""
    names = ["item_id", "title", "text"]
    fields = [pa.field(name, pa.string(), nullable=name != "item_id") for name in names]
    columns = [[f"f{n}" for n in numbers], [f"Film number {n}" for n in numbers], [None for _ in numbers]]
    arrays = [pa.array(column, pa.string()) for column in columns]
    store.append("items", pa.Table.from_arrays(arrays, schema=pa.schema(fields)))


@pytest.fixture
def schema() -> AttributeSchema:
    ends = Attribute("humor", "none", "constant"), Attribute("pace", "slow", "fast")
    return AttributeSchema("demo", 1, "film", (0, 10), ends)


Ask = Callable[..., ScoringOptions]


@pytest.fixture
def ask() -> Ask:
    """Options for a fake server: `ask(server, repeats=2)`."""

    def make(server: Any, **more: Any) -> ScoringOptions:
        given = {"model": "fake", "base_url": server.url, "prices": Prices(0.5, 1.0), "timeout": 10.0}
        return ScoringOptions(**{**given, **more})

    return make


@pytest.fixture
def ledger(store: Store) -> Callable[[], list[dict[str, Any]]]:
    """All rows of the ledger, as they are when called."""
    return lambda: list(store.read("scores").to_pylist()) if store.has_table("scores") else []


@pytest.fixture
def asked(store: Store) -> Callable[[Any], list[str]]:
    """Items that the server's batches asked about, each as often as it was asked."""

    def of(server: Any) -> list[str]:
        made = {event["batch"] for event in server.log if event["event"] == "batch"}
        ids = {e["id"] for e in server.log if e["event"] == "received" and e.get("batch") in made}
        return sorted(
            item
            for job in read_jobs(store.root)
            for sent in read_sent(store.root, job.job)
            if sent.request_id in ids
            for item in sent.item_ids
        )

    return of


@pytest.fixture
def batches_on() -> Callable[[Any], list[dict[str, Any]]]:
    """The batches that a server was asked to make."""
    return lambda server: [event for event in server.log if event["event"] == "batch"]
