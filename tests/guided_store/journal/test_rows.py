"""From records to rows of the ledger: what an answer says, what it cost, and nothing twice or lost."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import guided_store.journal._rows as rows_module
from guided_store.attributes import Attribute, AttributeSchema
from guided_store.errors import StoreError
from guided_store.journal._journal import Journal, journal_folder
from guided_store.journal._reading import Reading, damaged_files, journal_files
from guided_store.journal._records import Outcome, Sent, encode
from guided_store.journal._rows import INTERRUPTED, move, parts, to_rows
from guided_store.ledger import SCHEMA, TABLE, Holdings, RunRecord
from guided_store.llm import Prices
from guided_store.store import Store

MakeRecord = Callable[..., RunRecord]
MakeSent = Callable[..., Sent]
MakeAnswer = Callable[..., Outcome]


def write_journal(store: Store, run: str, *records: Sent | Outcome) -> list[Path]:
    """A journal file as a killed process leaves it."""
    folder = journal_folder(store.root, run)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{len(journal_files(folder)) + 1:08d}.jsonl"
    path.write_bytes(b"".join(encode(record) for record in records))
    return journal_files(folder)


def test_an_answer_as_rows(record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer) -> None:
    sent = make_sent("q", ["a", "b", "c"], sample=2, attempt=4)
    outcome = make_answer("q", [(3, 7), None, (11, 0)])
    table = to_rows(record, [(sent, outcome)])
    assert table.schema == SCHEMA
    first, second, third = table.to_pylist()
    assert first == {
        "row_id": "q-0",
        "request_id": "q",
        "run": "r",
        "item_id": "a",
        "sample": 2,
        "attempt": 4,
        "status": "ok",
        "reason": None,
        "provider": "openai",
        "model": "gpt-fake-2026-01-01",
        "values": [3.0, 7.0],
        "raw_answer": outcome.body,
        "finish_reason": "stop",
        "schema_digest": record.schema.digest,
        "prompt_hash": record.prompt_hash,
        "text_hash": "hash of a",
        "source_digest": None,
        "source_place": None,
        "tokens_in": 33,
        "tokens_out": 16,
        "cost": pytest.approx((100 * 1.0 + 50 * 2.0) / 1e6 / 3),
        "latency": 0.25,
        "created": datetime.fromtimestamp(1_700_000_001.5, UTC),
    }
    assert [row["status"] for row in (second, third)] == ["failed", "failed"]
    assert second["reason"].startswith("no answer")
    assert third["reason"].startswith("out of range")
    assert (second["values"], second["raw_answer"], third["raw_answer"]) == (None, None, None)
    assert [row["row_id"] for row in (second, third)] == ["q-1", "q-2"]
    assert [row["text_hash"] for row in (second, third)] == ["hash of b", "hash of c"]


def test_an_answer_may_have_gaps_where_the_run_allows_it(
    make_record: MakeRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    pairs = [(make_sent("q"), make_answer("q", [(None, 7)]))]
    (row,) = to_rows(make_record("open", allow_unknown=True), pairs).to_pylist()
    assert (row["status"], row["values"]) == ("ok", [None, 7.0])
    (row,) = to_rows(make_record("strict"), pairs).to_pylist()
    assert (row["status"], row["values"]) == ("failed", None)


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "cost"),
    [
        (None, "unknown", INTERRUPTED, 0.25),
        (Outcome("q", "unknown", 5.0, reason="ReadTimeout"), "unknown", "ReadTimeout", 0.25),
        (Outcome("q", "unknown", 5.0), "unknown", "the connection was lost before the answer came", 0.25),
        (Outcome("q", "error", 5.0, 503, "busy", "http 503: busy"), "error", "http 503: busy", 0.0),
        (Outcome("q", "error", 5.0, 429), "error", "http 429", 0.0),
        (Outcome("q", "error", 5.0, reason="not sent: refused"), "error", "not sent: refused", 0.0),
        # A refusal that is about the request counts as an attempt at its items.
        (Outcome("q", "error", 5.0, 400, "{}", "http 400: too long"), "failed", "http 400: too long", 0.0),
        (Outcome("q", "error", 5.0, 422, "{}"), "failed", "http 422", 0.0),
    ],
)
def test_requests_without_an_answer(
    record: RunRecord,
    make_sent: MakeSent,
    outcome: Outcome | None,
    status: str,
    reason: str,
    cost: float,
) -> None:
    sent = make_sent("q", ["a", "b"], estimate=0.5)
    rows = to_rows(record, [(sent, outcome)]).to_pylist()
    assert [(row["status"], row["reason"], row["cost"]) for row in rows] == [(status, reason, cost)] * 2
    assert [row["model"] for row in rows] == ["gpt-fake"] * 2
    assert [row["raw_answer"] for row in rows] == [outcome and outcome.body, None]
    assert rows[0]["tokens_in"] is None
    assert rows[0]["created"].timestamp() == (outcome.time if outcome else sent.time)


def test_costs_where_prices_or_counts_are_not_known(
    record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    free = make_sent("q", prices=None, estimate=None)
    uncounted = make_answer("q", usage={})
    cached = make_answer("q", usage={"prompt_tokens": 100, "completion_tokens": 50})
    pairs = [
        (free, make_answer("q")),
        (free, None),
        (free, Outcome("q", "error", 5.0, 503)),
        (make_sent("q", estimate=0.5), uncounted),
        (make_sent("q", prices=Prices(3.0, 4.0)), cached),
    ]
    rows = to_rows(record, pairs).to_pylist()
    assert [row["cost"] for row in rows] == [None, None, None, 0.5, pytest.approx(500e-6)]
    assert [row["tokens_in"] for row in rows] == [100, None, None, None, 100]


@given(total=st.integers(0, 10**9), n=st.integers(1, 60))
def test_shares_add_up(total: int, n: int) -> None:
    shares = [rows_module._share(total, position, n) for position in range(n)]
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    body=st.none()
    | st.text(st.characters())
    | json_values.map(lambda value: __import__("json").dumps(value)),
    reason=st.none() | st.text(st.characters()),
    kind=st.sampled_from(["answer", "error", "unknown"]),
)
@settings(max_examples=300, deadline=None)
def test_whatever_a_server_sends_becomes_rows(body: str | None, reason: str | None, kind: Any) -> None:
    schema = AttributeSchema("demo", 1, "film", (0, 10), (Attribute("humor", "none", "constant"),))
    record = RunRecord(
        run="r",
        provider="openai",
        model="m",
        endpoint=None,
        purpose="score",
        schema=schema,
        prompt_hash="p",
        prompt="",
        fields=("title",),
        max_chars=10,
        allow_unknown=False,
        settings={},
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    sent = Sent("q", "r", 0, ("a", "b"), ("1", "2"), (1, 1), 0.5, None, 1.0)
    rows = to_rows(record, [(sent, Outcome("q", kind, 2.0, 200, body, reason))])
    assert rows.num_rows == 2
    assert "ok" not in rows.column("status").to_pylist()
    assert None not in rows.column("reason").to_pylist()


def test_the_same_records_give_the_same_rows(
    record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    pairs = [(make_sent("q"), make_answer("q")), (make_sent("p"), None)]
    assert to_rows(record, pairs).equals(to_rows(record, pairs))
    assert to_rows(record, []).schema == SCHEMA


# moving ----------------------------------------------------------------------------------------------------


def test_moving_twice_adds_nothing_twice(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    files = write_journal(
        store, "r", make_sent("q", ["a", "b"]), make_sent("p"), make_answer("q", [(3, 7), (1, 2)])
    )
    kept = files[0].read_bytes()
    assert move(store, files, "r") == 3
    assert not files[0].exists()
    first = store.read(TABLE)
    assert sorted(first.column("row_id").to_pylist()) == ["p-0", "q-0", "q-1"]
    files[0].write_bytes(kept)
    assert move(store, files, "r") == 0
    assert store.read(TABLE).equals(first)
    assert move(store, [], "r") == 0


def test_an_answer_that_was_moved_is_not_made_unknown_by_a_file_that_stayed(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    """The removal of an older file that a newer one goes on with may fail."""
    with Journal.open(store.root, "r") as journal:
        for name in "qp":
            journal.sent(make_sent(name))
        journal.outcome(make_answer("p"))
        (older,) = journal.seal()
        kept = older.read_bytes()
        journal.outcome(make_answer("q"))
        assert move(store, journal.seal(), "r", done=journal.discard) == 2
        assert journal.pending == 0
    older.write_bytes(kept)
    assert move(store, [older], "r") == 0
    assert store.read(TABLE).column("status").to_pylist() == ["ok", "ok"]


def test_files_are_removed_oldest_first_and_only_at_the_end(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    for name in "qpo":
        files = write_journal(store, "r", make_sent(name), make_answer(name))
    removed: list[tuple[Path, int]] = []
    move(store, files, "r", done=lambda path: removed.append((path, store.count(TABLE))))
    assert removed == [(path, 3) for path in files]


def test_the_journal_of_an_unknown_run_stays(store: Store, make_sent: MakeSent) -> None:
    files = write_journal(store, "r", make_sent("q"))
    with pytest.raises(StoreError, match="belongs to no recorded run"):
        move(store, files, "r")
    assert files[0].exists()


def test_damaged_lines_are_kept_when_their_file_goes(
    store: Store, record: RunRecord, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    files = write_journal(store, "r", make_sent("q"), make_sent("p"), make_answer("q"), make_answer("p"))
    lines = files[0].read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"stop", b"step")
    files[0].write_bytes(b"".join(lines) + b'{"crc":"torn')
    reading = Reading()
    assert move(store, files, "r", reading=reading) == 2
    assert reading.damaged_lines == 1
    assert reading.torn == files
    folder = journal_folder(store.root, "r")
    assert [path.read_bytes() for path in damaged_files(folder)] == [lines[2]]
    assert journal_files(folder) == []
    rows = {row["request_id"]: row["status"] for row in store.read(TABLE).to_pylist()}
    assert rows == {"q": "unknown", "p": "ok"}


def test_parts_are_bounded_in_rows_and_octets(
    make_sent: MakeSent, make_answer: MakeAnswer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "_ROWS", 10)
    pairs = [(make_sent(str(n), ["a", "b", "c"]), None) for n in range(9)]
    assert [len(part) for part in parts(pairs)] == [4, 4, 1]
    monkeypatch.setattr(rows_module, "_OCTETS", 1000)
    long = Outcome("q", "answer", 2.0, 200, "x" * 600)
    assert [len(part) for part in parts([(make_sent("q"), long)] * 5)] == [2, 2, 1]
    assert list(parts([])) == []


def test_memory_does_not_grow_with_the_journal(
    store: Store,
    record: RunRecord,
    make_sent: MakeSent,
    make_answer: MakeAnswer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows_module, "_ROWS", 200)

    def peak(requests: int, start: int) -> int:
        records: list[Sent | Outcome] = []
        for number in range(start, start + requests):
            outcome = make_answer(f"q{number}")
            padded = dataclasses.replace(outcome, body=f"{outcome.body}{' ' * 2000}")
            records += [make_sent(f"q{number}"), padded]
        files = write_journal(store, "r", *records)
        del records
        pool = pa.default_memory_pool()
        tracemalloc.start()
        before = pool.bytes_allocated()
        assert move(store, files, "r") == requests
        assert pool.bytes_allocated() - before < 2_000_000
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(200, 0)  # what is imported and cached once
    small, large = peak(400, 1_000), peak(3_200, 10_000)
    assert large < 1.5 * small + 500_000
    held = Holdings.load(store, "r")
    assert held.is_done("a", "hash of a", 0)
    assert store.count(TABLE) == 3_800
