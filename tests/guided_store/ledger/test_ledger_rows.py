"""The scores ledger: idempotent appends, and runs summed up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from guided_store.ledger import SCHEMA, append_rows, find_rows, list_runs
from guided_store.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*answers: tuple[str, int, int, str, list[float | None] | None]) -> pa.Table:
    """Ledger rows of run "r" from (item, sample, attempt, status, values)."""
    content = [
        {
            "row_id": f"{item}/{sample}/{attempt}",
            "request_id": f"{item}/{sample}/{attempt}",
            "run": "r",
            "item_id": item,
            "sample": sample,
            "attempt": attempt,
            "status": status,
            "provider": "openai",
            "model": "some-model",
            "values": values,
            "schema_digest": "s",
            "cost": 0.25,
            "created": START + timedelta(seconds=number),
        }
        for number, (item, sample, attempt, status, values) in enumerate(answers)
    ]
    return pa.Table.from_pylist(content, schema=SCHEMA)


def test_appending_again_adds_nothing(store: Store) -> None:
    answers = rows(("a", 0, 1, "ok", [1, 2]), ("b", 0, 1, "ok", [3, None]))
    assert append_rows(store, answers) == 2
    assert append_rows(store, answers) == 0
    assert append_rows(store, rows(("b", 0, 1, "ok", [3, None]), ("c", 0, 1, "failed", None))) == 1
    assert store.count("scores") == 3
    assert sorted(find_rows(store, ["a/0/1", "x"]).column("row_id").to_pylist()) == ["a/0/1"]


def test_gaps_stay_null_in_storage(store: Store) -> None:
    append_rows(store, rows(("b", 0, 1, "ok", [3, None])))
    assert store.read("scores", ["values"]).column("values").to_pylist() == [[3, None]]


def test_runs_are_summed_up(store: Store) -> None:
    assert list_runs(store) == []
    append_rows(
        store,
        rows(
            ("a", 0, 1, "failed", None),
            ("a", 0, 2, "ok", [1, 1]),
            ("a", 1, 1, "ok", [1, 1]),
            ("b", 0, 1, "unknown", None),
        ),
    )
    (info,) = list_runs(store)
    assert (info.run, info.provider, info.model, info.schema_digest) == ("r", "openai", "some-model", "s")
    assert (info.answers, info.failed, info.unknown, info.items, info.cost) == (2, 1, 1, 1, 1.0)
    assert (info.first, info.last) == (START, START + timedelta(seconds=3))


def test_a_row_given_twice_in_one_call_is_written_once(store: Store) -> None:
    answers = rows(("a", 0, 1, "ok", [1, 1]))
    assert append_rows(store, pa.concat_tables([answers, answers])) == 1
    assert store.count("scores") == 1


def test_many_small_appends_leave_few_fragments(store: Store) -> None:
    for number in range(70):
        append_rows(store, rows((f"i{number}", 0, 1, "ok", [1, 1])), known_new=True)
    assert len(store.dataset("scores").get_fragments()) < 10
    assert store.read("scores").column("item_id").to_pylist() == [f"i{number}" for number in range(70)]
