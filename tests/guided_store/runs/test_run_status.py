"""The status of runs: every answer of today's catalogue is counted once, in the table or on its way."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guided_store.errors import UsageError
from guided_store.journal._jobs import Job, job_folder, write_job
from guided_store.journal._journal import Journal, journal_folder
from guided_store.journal._records import Outcome, Sent, encode
from guided_store.journal._replay import replay
from guided_store.journal._rows import to_rows
from guided_store.ledger import SCHEMA, TABLE, RunRecord, append_rows, iter_texts
from guided_store.runs import _status as status_module
from guided_store.runs._counts import RowCounts, Texts
from guided_store.runs._status import RunStatus, run_status
from guided_store.store import Store, open

PutItems = Callable[..., None]
MakeRecord = Callable[..., RunRecord]
MakeSent = Callable[..., Sent]
MakeAnswer = Callable[..., Outcome]
Ask = Callable[..., None]

NO_ANSWER = Outcome("", "unknown", 1_700_000_002.0, reason="dropped")
BUSY = Outcome("", "error", 1_700_000_003.0, 503, reason="http 503: busy")


@pytest.fixture
def ask(store: Store, make_sent: MakeSent, make_answer: MakeAnswer) -> Ask:
    """Put requests about single items into the table: "ok", "failed", "unknown" or "error" in turn."""
    numbers = iter(range(10**6))

    def put(record: RunRecord, item: str, *outcomes: str, sample: int = 0) -> None:
        hashes = {text.item_id: text.hash for text in iter_texts(store, ["title"])}
        for attempt, outcome in enumerate(outcomes, start=1):
            name = f"t{next(numbers)}"
            sent = make_sent(
                name, [item], run=record.run, hashes=[hashes[item]], attempt=attempt, sample=sample
            )
            got = {
                "ok": make_answer(name),
                "failed": make_answer(name, [(3, 11)]),
                "unknown": NO_ANSWER,
                "error": BUSY,
            }[outcome]
            append_rows(store, to_rows(record, [(sent, dataclasses.replace(got, request_id=name))]))

    return put


def counts(status: RunStatus) -> tuple[int, int, int, int, int]:
    assert status.done + status.failed + status.unknown + status.in_batches + status.left == status.total
    return status.done, status.failed, status.unknown, status.in_batches, status.left


def test_nothing_yet(store: Store, record: RunRecord, put_items: PutItems) -> None:
    (status,) = run_status(store)
    assert counts(status) == (0, 0, 0, 0, 0)
    assert (status.spent, status.last, status.requests, status.running) == (None, None, 0, False)
    put_items({"a": "A", "b": None, "c": "C"})
    (status,) = run_status(store, "r")
    assert counts(status) == (0, 0, 0, 0, 2)
    assert (status.items, status.without_text, status.total) == (3, 1, 2)


def test_no_such_run(store: Store, make_record: MakeRecord) -> None:
    assert run_status(store) == []
    with pytest.raises(UsageError, match="no run 'x' has asked a model yet"):
        run_status(store, "x")
    make_record("y")
    with pytest.raises(UsageError, match="no run 'x' has asked a model; there are y"):
        run_status(store, "x")


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (["ok"], "done"),
        (["failed", "unknown", "ok"], "done"),
        (["ok", "failed", "failed", "failed"], "done"),
        (["failed"], "left"),
        (["failed", "failed"], "left"),
        (["failed", "failed", "failed"], "failed"),
        (["failed", "unknown", "failed", "error", "failed"], "failed"),
        (["unknown"], "unknown"),
        (["failed", "unknown"], "unknown"),
        (["unknown", "error"], "unknown"),
        (["unknown", "failed"], "left"),
        (["error", "error", "error", "error"], "left"),
    ],
)
def test_the_state_of_an_item(
    store: Store, record: RunRecord, put_items: PutItems, ask: Ask, outcomes: list[str], state: str
) -> None:
    put_items({"z": "other", "a": "A", "b": "B"})
    ask(record, "a", *outcomes)
    ask(record, "b", "ok")
    (status,) = run_status(store)
    expected = {"done": 1, "failed": 0, "unknown": 0, "in_batches": 0, "left": 1}
    expected[state] += 1
    assert counts(status) == tuple(expected.values())
    assert status.failed_reasons == ({"out of range": 1} if state == "failed" else {})


def test_attempts_and_repeats_are_the_runs_own(
    store: Store, make_record: MakeRecord, put_items: PutItems, ask: Ask
) -> None:
    put_items({"a": "A", "b": "B"})
    record = make_record("r", attempts=2, repeats=2)
    ask(record, "a", "failed", "failed", sample=0)
    ask(record, "a", "ok", sample=1)
    (status,) = run_status(store)
    assert (status.samples, counts(status)) == (2, (1, 1, 0, 0, 2))
    # More were asked for later than the record says.
    ask(record, "a", "unknown", sample=3)
    (status,) = run_status(store)
    assert (status.samples, counts(status)) == (4, (1, 1, 1, 0, 5))


def test_a_changed_text_is_left(store: Store, record: RunRecord, put_items: PutItems, ask: Ask) -> None:
    put_items({"a": "A", "b": "B", "c": "C"})
    for item, outcomes in (("a", ["ok"]), ("b", ["failed"] * 3), ("c", ["ok"])):
        ask(record, item, *outcomes)
    assert counts(run_status(store)[0]) == (2, 1, 0, 0, 0)
    titles = pa.array(["new", "new", "C"])
    items = store.read("items")
    store.replace("items", items.set_column(1, items.schema.field("title"), titles))
    (status,) = run_status(store)
    assert counts(status) == (1, 0, 0, 0, 2)
    assert (status.requests, status.failed_reasons) == (5, {})
    # An item that is gone counts no more; what it cost stays spent.
    store.replace("items", items.slice(0, 1))
    assert counts(run_status(store)[0]) == (1, 0, 0, 0, 0)
    assert run_status(store)[0].spent == status.spent


def test_what_was_spent(store: Store, record: RunRecord, put_items: PutItems, ask: Ask) -> None:
    put_items({"a": "A"})
    ask(record, "a", "failed", "unknown", "error", "ok")
    (status,) = run_status(store)
    assert status.spent == pytest.approx(2 * 200e-6 + 0.5)
    assert (status.tokens_in, status.tokens_out, status.requests) == (200, 100, 4)
    assert status.last is not None
    assert status.last.timestamp() == 1_700_000_003.0
    content = status.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert (content["total"], content["last"]) == (1, "2023-11-14T22:13:23+00:00")


def test_each_run_by_itself(store: Store, make_record: MakeRecord, put_items: PutItems, ask: Ask) -> None:
    put_items({"a": "A", "b": "B"})
    first, second = make_record("first"), make_record("second")
    ask(first, "a", "ok")
    ask(second, "a", "failed")
    ask(second, "b", "ok")
    one, two = run_status(store)
    assert (one.run, counts(one), one.requests) == ("first", (1, 0, 0, 0, 1), 1)
    assert (two.run, counts(two), two.requests) == ("second", (1, 0, 0, 0, 1), 2)
    assert run_status(store, "second") == [two]


def test_answers_that_look_wrong_are_told(
    store: Store, record: RunRecord, put_items: PutItems, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    put_items({"a": "A"})
    texts = [text.hash for text in iter_texts(store, ["title"])]
    append_rows(store, to_rows(record, [(make_sent("q", hashes=texts), make_answer("q", [(10, 10)]))]))
    assert run_status(store)[0].suspicious == status_module.find_suspicious(store, "r", record.schema)


# what waits in the journal ---------------------------------------------------------------------------------


def test_a_journal_counts_as_if_it_were_moved(
    store: Store, record: RunRecord, put_items: PutItems, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    put_items({name: name.upper() for name in "abcde"})
    texts = {text.item_id: text.hash for text in iter_texts(store, ["title"])}

    def about(name: str, *items: str) -> Sent:
        return make_sent(name, items, hashes=[texts[item] for item in items])

    append_rows(store, to_rows(record, [(about("q1", "a"), make_answer("q1"))]))
    records = [
        about("q1", "a"),  # moved by a process that was killed before it removed the file
        make_answer("q1"),
        about("q2", "b", "c"),
        make_answer("q2", [(1, 2), (3, 11)]),
        about("q3", "d"),
    ]
    folder = journal_folder(store.root, "r")
    folder.mkdir(parents=True)
    (folder / "00000001.jsonl").write_bytes(b"".join(map(encode, records)))
    store.close()
    (before,) = run_status(open(store.root))
    assert counts(before) == (2, 0, 1, 0, 2)
    assert (before.waiting_in_journal, before.requests, before.in_flight) == (2, 3, 0)
    assert sorted(path.name for path in folder.iterdir()) == ["00000001.jsonl"]
    with open(store.root, write=True) as opened:
        (after,) = run_status(opened)
    assert after == dataclasses.replace(before, waiting_in_journal=0)


def test_a_run_that_is_being_run(
    store: Store, record: RunRecord, put_items: PutItems, make_sent: MakeSent, make_answer: MakeAnswer
) -> None:
    put_items({"a": "A", "b": "B"})
    texts = {text.item_id: text.hash for text in iter_texts(store, ["title"])}
    with Journal.open(store.root, "r") as journal:
        for item in "ab":
            journal.sent(make_sent(item, item, hashes=[texts[item]]))
        journal.outcome(make_answer("a"))
        (status,) = run_status(store)
        assert (status.running, status.in_flight, status.waiting_in_journal) == (True, 1, 1)
        assert counts(status) == (1, 0, 0, 0, 1)
        journal.seal()
        (status,) = run_status(store)
        assert (status.running, status.in_flight, status.waiting_in_journal) == (True, 1, 1)
    (status,) = run_status(store)
    assert (status.running, status.in_flight, status.waiting_in_journal) == (False, 0, 2)
    assert counts(status) == (1, 0, 1, 0, 0)


def test_damaged_lines_are_pointed_at(store: Store, record: RunRecord, make_sent: MakeSent) -> None:
    folder = journal_folder(store.root, "r")
    folder.mkdir(parents=True)
    (folder / "00000001.jsonl").write_bytes(b"damaged\n" + encode(make_sent("q")))
    replay(store)
    (status,) = run_status(store)
    assert [Path(path).name for path in status.damaged_files] == ["damaged-00000001.jsonl"]


def test_items_that_wait_in_a_batch_job(
    store: Store,
    record: RunRecord,
    put_items: PutItems,
    make_sent: MakeSent,
    ask: Ask,
) -> None:
    put_items({name: name.upper() for name in "abcd"})
    texts = {text.item_id: text.hash for text in iter_texts(store, ["title"])}
    ask(record, "a", "ok")
    ask(record, "b", "failed", "failed", "failed")
    ask(record, "c", "unknown")
    asked = [*((item, texts[item]) for item in "abc"), ("d", "another text"), ("gone", texts["d"])]
    job = Job(
        job="j",
        run="r",
        state="submitted",
        created=1_700_000_000.0,
        requests=5,
        items=5,
        size=100,
        estimate=None,
        options={},
        base_url=None,
        key_env="KEY",
    )
    folder = job_folder(store.root, "j")
    folder.mkdir(parents=True)
    lines = [encode(make_sent(item, [item], hashes=[text], batch="j")) for item, text in asked]
    (folder / "sent.jsonl").write_bytes(b"".join(lines))
    write_job(folder, job)
    assert counts(run_status(store)[0]) == (1, 1, 0, 1, 1)
    write_job(folder, dataclasses.replace(job, state="collected"))
    assert counts(run_status(store)[0]) == (1, 1, 1, 0, 1)


# many ------------------------------------------------------------------------------------------------------

row = st.tuples(
    st.integers(0, 3),  # item; 3 is not in the catalogue
    st.integers(0, 1),  # sample
    st.sampled_from(["ok", "failed", "unknown", "error"]),
    st.booleans(),  # by today's text
)


@given(
    drawn=st.lists(row, max_size=25),
    jobs=st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from(["now", "old"]), st.integers(0, 1))),
    split=st.integers(1, 9),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_arrays_count_as_a_loop_would(
    drawn: list[tuple[int, int, str, bool]], jobs: set[tuple[str, str, int]], split: int
) -> None:
    texts = Texts(pa.array(["a", "b", "c"]), pa.array(["now", "now", "now"]), np.array([True, True, False]))
    expected = {"done": 0, "failed": 0, "unknown": 0, "in_batches": 0, "left": 0}
    for item in ("a", "b"):
        for sample in range(2):
            seen = [s for i, n, s, today in drawn if "abcd"[i] == item and n == sample and today]
            told = [s for s in seen if s != "error"]
            if "ok" in seen:
                expected["done"] += 1
            elif seen.count("failed") >= 2:
                expected["failed"] += 1
            elif (item, "now", sample) in jobs:
                expected["in_batches"] += 1
            elif told and told[-1] == "unknown":
                expected["unknown"] += 1
            else:
                expected["left"] += 1
    rows = [
        {
            "row_id": f"q{number}-0",
            "request_id": f"q{number}",
            "item_id": "abcd"[item],
            "sample": sample,
            "attempt": number,
            "status": status,
            "reason": f"out of range: {number}" if status == "failed" else None,
            "text_hash": "now" if today else "old",
            "created": 0,
        }
        for number, (item, sample, status, today) in enumerate(drawn)
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema([field.with_nullable(True) for field in SCHEMA]))
    tally = RowCounts(texts)
    for batch in table.to_batches(max_chunksize=split):
        tally.add(batch)
    samples, states, reasons = tally.states(2, 2, jobs)
    assert (samples, states) == (2, expected)
    assert sum(reasons.values()) == expected["failed"]
    assert set(reasons) <= {"out of range"}
    assert tally.requests == len(drawn)


def test_two_hundred_thousand_items(store: Store, record: RunRecord, put_items: PutItems) -> None:
    n = 200_000
    put_items({f"i{number}": f"Title {number}" for number in range(n)})
    texts = list(iter_texts(store, ["title"]))
    known = n - 1000
    table = {
        "row_id": [f"{number:032x}-0" for number in range(known)],
        "request_id": [f"{number:032x}" for number in range(known)],
        "item_id": [text.item_id for text in texts[:known]],
        "text_hash": [text.hash for text in texts[:known]],
        "status": ["ok", "failed"] * (known // 2),
        "values": [[1.0, 2.0], None] * (known // 2),
        "reason": [None, "refused"] * (known // 2),
    }
    constant = {
        "run": "r",
        "sample": pa.scalar(0, pa.int32()),
        "attempt": pa.scalar(1, pa.int32()),
        "provider": "openai",
        "schema_digest": record.schema.digest,
        "created": pa.scalar(1_700_000_000_000_000, SCHEMA.field("created").type),
        "cost": 0.01,
    }
    table |= {name: pa.repeat(value, known) for name, value in constant.items()}
    append_rows(store, pa.table(table), known_new=True)
    started = time.process_time()
    (status,) = run_status(store)
    assert time.process_time() - started < 15
    assert counts(status) == (known // 2, 0, 0, 0, n - known // 2)
    assert status.spent == pytest.approx(known * 0.01)
    assert store.count(TABLE) == known
