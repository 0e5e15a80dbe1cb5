"""A store to score, and the comparison of its ledger with the fake server's log, request by request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from fake_launch import FakeOpenAI

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.ledger import TABLE
from guided_store.llm import Prices
from guided_store.store import create, open

SCHEMA = AttributeSchema(
    "demo",
    1,
    "film",
    (0, 10),
    tuple(Attribute(name, "none", "as much as can be") for name in ("humor", "pace", "gore", "depth")),
)
PRICES = Prices(0.4, 1.6, 0.1)


def make_store(path: Path, titles: Sequence[str]) -> Path:
    """A store with one item for each title; ids i0, i1, ..."""
    with create(path) as store:
        fields = [pa.field("item_id", pa.string(), nullable=False), pa.field("title", pa.string())]
        fields.append(pa.field("text", pa.string()))
        columns = [pa.array([f"i{row}" for row in range(len(titles))]), pa.array(titles)]
        columns.append(pa.nulls(len(titles), pa.string()))
        store.append("items", pa.Table.from_arrays(columns, schema=pa.schema(fields)))
    return path


class Books:
    """What the ledger of a store says beside what the server says; read when it is made.

    Attributes:
        rows: the ledger's rows, as dictionaries.
        recorded, unknown, refused: ids of requests with an answer kept (status ok or failed), with an unknown
            fate, and refused by the server.
        computed, answered: ids that the server answered with 200 (to be paid), and those it sent whole.
    """

    def __init__(self, path: Path, fake: FakeOpenAI) -> None:
        fake.wait_idle()
        self.fake = fake
        self.rows: list[dict[str, Any]] = open(path).read(TABLE).to_pylist()
        kinds: dict[str, set[str]] = {"ok": set(), "failed": set(), "unknown": set(), "error": set()}
        for row in self.rows:
            kinds[row["status"]].add(row["request_id"])
        self.recorded = kinds["ok"] | kinds["failed"]
        self.unknown, self.refused = kinds["unknown"], kinds["error"]
        self.computed, self.answered = set(fake.computed()), set(fake.answered())
        self.scored = {(row["item_id"], row["sample"]) for row in self.rows if row["status"] == "ok"}
        items = open(path).read("items", ["item_id", "title"]).to_pylist()
        self.titles: dict[str, str] = {item["item_id"]: item["title"] for item in items}

    def check(self) -> None:
        """Server and ledger agree by request id, and every score is what the server gave this item."""
        names = Counter(row["row_id"] for row in self.rows)
        assert not [name for name, count in names.items() if count > 1]
        # Each request has one fate; what was never learned is unknown, with the most it can have cost.
        assert not self.unknown & (self.recorded | self.refused)
        assert not self.recorded & self.refused
        assert self.computed - self.recorded <= self.unknown
        assert self.computed - self.recorded == self.unknown & self.computed
        assert all(row["cost"] > 0 for row in self.rows if row["status"] == "unknown")
        # The ledger has nothing that the server did not say; refused questions count as failed.
        refused = {e["id"] for e in self.fake.log if e["event"] == "error" and e["status"] == 400}
        assert self.recorded - self.computed <= refused
        # What else is unknown never came to an answer.
        dropped = {event["id"] for event in self.fake.log if event["event"] in ("dropped", "error")}
        assert (self.unknown - self.computed) & set(self.fake.received()) <= dropped
        for row in self.rows:
            assert (row["reason"] is None) == (row["status"] == "ok"), row
            if row["status"] == "ok":
                expected = [
                    self.fake.score({"title": self.titles[row["item_id"]]}, name) for name in SCHEMA.names
                ]
                assert row["values"] == expected, row
            else:
                assert row["values"] is None

    def cost(self) -> float:
        """US dollars that the server would bill, by its own count."""
        tokens_in, tokens_out, cached = self.fake.usage()
        dollars = (tokens_in - cached) * PRICES.input + tokens_out * PRICES.output
        return (dollars + cached * (PRICES.cached or 0.0)) / 1e6

    def spent(self) -> float:
        """US dollars by the ledger, unknown requests at their estimate."""
        return sum(row["cost"] or 0.0 for row in self.rows)

    def bought_again(self) -> int:
        """Answers that the server computed about an item beyond the first, lost ones included."""
        asked = {event["id"]: event["items"] for event in self.fake.log if event["event"] == "received"}
        counts = Counter(title for request in self.computed for title in asked[request])
        return sum(count - 1 for count in counts.values())
