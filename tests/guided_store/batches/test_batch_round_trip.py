"""Submit, collect, and what the ledger, the server and the disk say afterwards."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from guided_store.batches import collect_batches, list_batches, submit_batches
from guided_store.errors import StoreLockedError, UsageError
from guided_store.journal import Journal, batch_items, job_folder
from guided_store.ledger import find_run
from guided_store.runs import score_items
from guided_store.store import open

ITEMS = [f"f{n}" for n in range(20)]


def test_every_item_gets_exactly_one_row(store, schema, ask, fake_openai, ledger, batches_on) -> None:
    server = fake_openai(batch_polls=1)
    options = ask(server)
    (job,) = submit_batches(store, schema, options)
    assert (job.state, job.requests, job.items) == ("submitted", 20, 20)
    assert ledger() == []

    first = collect_batches(store)
    assert (first.collected, first.rows, [j.job for j in first.waiting]) == ((), 0, [job.job])
    report = collect_batches(store)
    assert (report.rows, report.statuses) == (20, {"ok": 20})
    rows = ledger()
    assert sorted(row["item_id"] for row in rows) == sorted(ITEMS)
    assert {row["request_id"] for row in rows} == set(server.computed())
    for row in rows:
        title = f"Film number {row['item_id'][1:]}"
        expected = [server.score({"title": title}, name) for name in ("humor", "pace")]
        assert row["values"] == expected
        assert row["attempt"] == 1
        assert json.loads(row["raw_answer"])["choices"]
    tokens_in, tokens_out, _ = server.usage()
    assert sum(row["tokens_in"] for row in rows) == tokens_in
    assert sum(row["cost"] for row in rows) == pytest.approx((tokens_in * 0.5 + tokens_out * 1.0) / 1e6)
    assert report.spent == pytest.approx(sum(row["cost"] for row in rows))
    assert len(batches_on(server)) == 1
    assert "20 scored" in report.lines()[0]
    json.dumps(report.to_dict())

    again = collect_batches(store)
    assert (again.rows, again.lines()) == (0, ["no batch job is open"])
    assert submit_batches(store, schema, options) == []
    assert len(ledger()) == 20
    assert sorted(path.name for path in job_folder(store.root, job.job).iterdir()) == [
        "job.json",
        "sent.jsonl",
    ]


def test_batch_and_live_ask_the_same_run(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0)
    submit_batches(store, schema, ask(server, limit=12))
    collect_batches(store)
    report = score_items(store, schema, ask(server))
    assert (report.already, report.ok) == (12, 8)
    assert sorted(row["item_id"] for row in ledger()) == sorted(ITEMS)
    assert len({row["run"] for row in ledger()}) == 1
    assert find_run(store, report.run) is not None


def test_a_live_run_leaves_the_items_of_open_jobs_alone(
    store, schema, ask, fake_openai, ledger, asked
) -> None:
    server = fake_openai(batch_polls=0)
    (job,) = submit_batches(store, schema, ask(server, limit=15))
    assert {item for item, _, _ in batch_items(store, job.run)} == set(asked(server))
    report = score_items(store, schema, ask(server))
    assert (report.in_batches, report.ok, report.left) == (15, 5, 0)
    collect_batches(store)
    assert Counter(row["item_id"] for row in ledger()) == dict.fromkeys(ITEMS, 1)


def test_a_second_submission_asks_for_nothing_twice(store, schema, ask, fake_openai, asked) -> None:
    server = fake_openai(batch_polls=0)
    submit_batches(store, schema, ask(server, limit=12))
    (second,) = submit_batches(store, schema, ask(server))
    assert second.items == 8
    assert submit_batches(store, schema, ask(server)) == []
    assert asked(server) == sorted(ITEMS)


def test_jobs_are_split_by_requests_and_by_bytes(store, schema, ask, fake_openai, ledger, batches_on) -> None:
    server = fake_openai(batch_polls=0)
    jobs = submit_batches(store, schema, ask(server, repeats=2), max_requests=15)
    assert [job.requests for job in jobs] == [15, 15, 10]
    collect_batches(store)
    pairs = Counter((row["item_id"], row["sample"]) for row in ledger())
    assert pairs == {(item, sample): 1 for item in ITEMS for sample in (0, 1)}

    by_size = submit_batches(store, schema, ask(server, repeats=4), max_bytes=jobs[0].size)
    assert len(by_size) > 2
    assert all(0 < job.size <= jobs[0].size for job in by_size)
    assert sum(job.requests for job in by_size) == 40
    uploads = [event["bytes"] for event in server.log if event["event"] == "upload"]
    assert uploads == [job.size for job in (*jobs, *by_size)]
    assert len(batches_on(server)) == len(jobs) + len(by_size)


def test_several_items_share_a_request(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0)
    (job,) = submit_batches(store, schema, ask(server, items_per_request=6))
    assert (job.requests, job.items) == (4, 20)
    assert collect_batches(store).statuses == {"ok": 20}
    assert sum(row["raw_answer"] is not None for row in ledger()) == 4


def test_unusable_answers_are_asked_again_up_to_the_attempts(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0, faults={"refusal": 1.0})
    submit_batches(store, schema, ask(server, attempts=2))
    report = collect_batches(store, resubmit=True)
    assert report.statuses == {"failed": 20}
    assert [job.items for job in report.resubmitted] == [20]
    server.set(faults={"refusal": 0.3})
    report = collect_batches(store, resubmit=True)
    assert report.resubmitted == ()
    by_status = Counter(row["status"] for row in ledger())
    assert by_status["failed"] > 20
    assert by_status["ok"] + by_status["failed"] == 40
    assert {row["attempt"] for row in ledger() if row["status"] == "ok"} == {2}


def test_a_cut_off_answer_gets_more_room(store, schema, ask, fake_openai) -> None:
    server = fake_openai(batch_polls=0, faults={"length": 1.0})
    (first,) = submit_batches(store, schema, ask(server, limit=1, max_output_tokens=700))
    asked = job_folder(store.root, first.job) / "requests.jsonl"
    assert json.loads(asked.read_text())["body"]["max_tokens"] == 700
    (second,) = collect_batches(store, resubmit=True).resubmitted
    asked = job_folder(store.root, second.job) / "requests.jsonl"
    assert json.loads(asked.read_text())["body"]["max_tokens"] == 1400


def test_collect_waits_for_the_end(store, schema, ask, fake_openai) -> None:
    server = fake_openai(batch_polls=3)
    submit_batches(store, schema, ask(server))
    notes: list[str] = []
    report = collect_batches(store, wait=math.inf, interval=0.01, progress=Notes(notes))
    assert report.rows == 20
    assert any("in_progress" in note for note in notes)


def test_collect_stops_waiting_in_time(store, schema, ask, fake_openai) -> None:
    server = fake_openai(batch_polls=10_000)
    submit_batches(store, schema, ask(server))
    report = collect_batches(store, wait=0.2, interval=0.05)
    assert [job.status for job in report.waiting] == ["in_progress"]


def test_a_store_open_for_reading_will_do(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0)
    store.close()
    reader = open(store.root)
    submit_batches(reader, schema, ask(server))
    assert collect_batches(reader).rows == 20
    assert len(ledger()) == 20
    assert not reader.writable


def test_a_running_run_is_not_submitted(store, schema, ask, fake_openai, batches_on) -> None:
    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server, limit=1))
    with Journal.open(store.root, job.run), pytest.raises(StoreLockedError, match="is being run"):
        submit_batches(store, schema, ask(server))
    assert len(batches_on(server)) == 1


def test_max_cost_counts_open_jobs_at_their_bound(store, schema, ask, fake_openai, asked) -> None:
    server = fake_openai()
    (probe,) = submit_batches(store, schema, ask(server, limit=1))
    assert probe.estimate is not None
    (job,) = submit_batches(store, schema, ask(server, max_cost=probe.estimate * 5.5))
    assert job.items == 4
    assert job.estimate is not None
    assert probe.estimate + job.estimate <= probe.estimate * 5.5
    with pytest.raises(UsageError, match="more than --max-cost leaves"):
        submit_batches(store, schema, ask(server, max_cost=probe.estimate * 5.5))
    assert len(asked(server)) == 5


def test_a_missing_key_is_said_before_anything_is_written(
    store, schema, ask, fake_openai, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fake_openai()
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        submit_batches(store, schema, ask(server, base_url=None))
    assert list_batches(store) == []
    assert not store.has_table("runs")


def test_the_key_is_in_no_file(
    store, schema, ask, fake_openai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    server = fake_openai(key="test-key", batch_polls=0, batch_outcomes=["expired", "completed"])
    submit_batches(store, schema, ask(server))
    collect_batches(store, resubmit=True)
    list_batches(store, refresh=True)
    monkeypatch.setenv("OPENAI_API_KEY", "test-key-of-another")
    with pytest.raises(Exception, match="HTTP 401") as refused:
        collect_batches(store)
    assert "test-key" not in str(refused.value)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if b"test-key" in path.read_bytes()]


class Notes:
    """A progress that keeps what it is told."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def task(self, title: str, total: float | None) -> Any:
        from contextlib import nullcontext

        return nullcontext(self)

    def advance(self, steps: float = 1) -> None:
        pass

    def note(self, text: str) -> None:
        self._notes.append(text)

    def log(self, text: str) -> None:
        self._notes.append(text)
