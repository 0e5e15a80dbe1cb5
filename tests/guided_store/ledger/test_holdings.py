"""What a run's rows already answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa

from guided_store.ledger import SCHEMA, Holdings, append_rows
from guided_store.store import Store


def put(store: Store, *rows: tuple[str, str, int, str, str]) -> None:
    """Rows of (run, item, sample, text hash, status), each at 0.25 dollars and 10 + 2 tokens."""
    content = [
        {
            "row_id": f"{run}/{number}",
            "request_id": f"{run}/{number}",
            "run": run,
            "item_id": item,
            "sample": sample,
            "attempt": number + 1,
            "status": status,
            "provider": "openai",
            "schema_digest": "s",
            "text_hash": text,
            "cost": 0.25,
            "tokens_in": 10,
            "tokens_out": 2,
            "created": datetime(2026, 1, 1, tzinfo=UTC),
        }
        for number, (run, item, sample, text, status) in enumerate(rows)
    ]
    append_rows(store, pa.Table.from_pylist(content, schema=SCHEMA))


def test_an_empty_ledger_holds_nothing(store: Store) -> None:
    held = Holdings.load(store, "r")
    assert not held.is_done("a", "t", 0)
    assert (held.failures("a", "t", 0), held.attempts("a", 0), held.spent) == (0, 0, 0.0)


def test_done_is_by_item_sample_and_text(store: Store) -> None:
    put(
        store,
        ("r", "a", 0, "t1", "failed"),
        ("r", "a", 0, "t1", "unknown"),
        ("r", "a", 0, "t1", "ok"),
        ("r", "b", 0, "t2", "failed"),
        ("r", "b", 0, "t2", "failed"),
        ("r", "b", 0, "t3", "error"),
        ("other's", "c", 0, "t4", "ok"),
    )
    held = Holdings.load(store, "r")
    assert held.is_done("a", "t1", 0)
    assert not held.is_done("a", "t2", 0)
    assert not held.is_done("a", "t1", 1)
    assert not held.is_done("c", "t4", 0)
    assert (held.failures("a", "t1", 0), held.failures("b", "t2", 0), held.failures("b", "t3", 0)) == (
        1,
        2,
        0,
    )
    assert (held.attempts("a", 0), held.attempts("b", 0), held.attempts("b", 1)) == (3, 3, 0)
    assert (held.spent, held.tokens_in, held.tokens_out, held.answered) == (1.5, 60, 12, 4)
    assert Holdings.load(store, "other's").is_done("c", "t4", 0)


def test_tokens_without_a_price_are_told_apart() -> None:
    held = Holdings()
    held._add("a", 0, "h", "ok", 0.5, 10, 20)
    held._add("b", 0, "h", "ok", None, 1, 2)
    held._add("c", 0, "h", "unknown", None, None, None)
    assert (held.spent, held.tokens_in, held.tokens_out) == (0.5, 11, 22)
    assert (held.unpriced_in, held.unpriced_out) == (1, 2)
