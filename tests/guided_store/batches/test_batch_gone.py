"""Jobs that are gone, given up or damaged, and files too large for memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import guided_store.batches._remote as remote
from guided_store.batches import (
    GoneError,
    RemoteError,
    abandon_batch,
    collect_batches,
    list_batches,
    make_sync_client,
    submit_batches,
)
from guided_store.batches._lock import working_on_jobs
from guided_store.errors import StoreError, StoreLockedError, UsageError
from guided_store.journal import batch_items, encode, job_folder, read_job, read_sent, save_job

ITEMS = [f"f{n}" for n in range(20)]


@pytest.fixture(autouse=True)
def _no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "SETTLE", 0.0)


def by_item(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["item_id"] for row in rows)


# jobs that are gone ----------------------------------------------------------------------------------------


def test_a_job_that_was_deleted_can_be_abandoned(store, schema, ask, fake_openai, ledger, asked) -> None:
    server = fake_openai(batch_polls=0)
    (job,) = submit_batches(store, schema, ask(server))
    server.stop()
    server.start(server.port)  # it forgot everything
    with pytest.raises(GoneError, match=f"does not know batch .* of job {job.job}"):
        collect_batches(store)
    assert len(batch_items(store, job.run)) == 20

    report = abandon_batch(store, job.job)
    assert report.rows == 20
    assert report.cost == pytest.approx(job.estimate)
    rows = ledger()
    assert {row["status"] for row in rows} == {"unknown"}
    assert sum(row["cost"] for row in rows) == pytest.approx(job.estimate)
    assert batch_items(store, job.run) == set()
    with pytest.raises(UsageError, match="abandoned already"):
        abandon_batch(store, job.job)

    submit_batches(store, schema, ask(server))
    collect_batches(store)
    assert by_item([row for row in ledger() if row["status"] == "ok"]) == dict.fromkeys(ITEMS, 1)


def test_result_files_that_are_gone(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0)
    (job,) = submit_batches(store, schema, ask(server))
    (job,) = list_batches(store, refresh=True)
    client = make_sync_client(base_url=server.url)
    client.files.delete(job.output_file_id)
    client.close()
    with pytest.raises(GoneError, match=f"does not have file {job.output_file_id}"):
        collect_batches(store)
    assert abandon_batch(store, job.job).rows == 20


def test_a_job_that_lives_is_not_abandoned_by_accident(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=1)
    (job,) = submit_batches(store, schema, ask(server))
    with pytest.raises(UsageError, match="is in_progress on the server: cancel it"):
        abandon_batch(store, job.job)
    with pytest.raises(UsageError, match="is completed on the server: collect it"):
        abandon_batch(store, job.job)
    assert ledger() == []
    assert abandon_batch(store, job.job, force=True).rows == 20


def test_a_job_that_was_never_submitted_costs_nothing(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_drops={"upload": 1})
    with pytest.raises(RemoteError):
        submit_batches(store, schema, ask(server))
    (job,) = list_batches(store)
    report = abandon_batch(store, job.job)
    assert (report.rows, report.cost) == (0, None)
    assert "nothing was bought" in report.lines()[0]
    assert ledger() == []
    assert submit_batches(store, schema, ask(server))[0].items == 20


def test_abandoning_after_a_cut_off_submission_looks_first(
    store, schema, ask, fake_openai, ledger, batches_on
) -> None:
    server = fake_openai(batch_polls=100)
    (job,) = submit_batches(store, schema, ask(server))
    save_job(store.root, job, state="uploaded", batch_id=None, status=None)
    with pytest.raises(UsageError, match="on the server"):
        abandon_batch(store, job.job)
    save_job(store.root, job, state="uploaded", batch_id=None, status=None, file_id="file-x")
    assert list_batches(store, refresh=True)[0].batch_id == job.batch_id


# files -----------------------------------------------------------------------------------------------------


def test_damaged_lines_are_passed_over_counted_and_kept(store, schema, ask, fake_openai, ledger) -> None:
    server = fake_openai(batch_polls=0)
    (job,) = submit_batches(store, schema, ask(server))
    (job,) = list_batches(store, refresh=True)
    client = make_sync_client(base_url=server.url)
    path = job_folder(store.root, job.job) / "output.jsonl"
    remote.download(store, client, job, job.output_file_id or "", path)
    client.close()
    lines = path.read_bytes().splitlines(keepends=True)
    foreign = lines[3].replace(json.loads(lines[3])["custom_id"].encode(), b"0" * 32)
    path.write_bytes(
        b"".join([*lines[:10], lines[0], foreign, b"[1]\n", b"\n", *lines[10:19], lines[19][:50]])
    )
    report = collect_batches(store)
    assert (report.rows, report.damaged) == (19, 4)
    assert report.collected[0].unanswered == 1
    assert "its files hold 19" in (report.collected[0].fault or "")
    assert path.exists(), "what could not be read is kept"
    assert [job.items for job in collect_batches(store, resubmit=True).resubmitted] == [1]


@pytest.mark.parametrize(
    ("response", "error", "kind", "http"),
    [
        ({"status_code": 200, "body": {"choices": []}}, None, "answer", 200),
        ({"status_code": 200, "body": None}, None, "answer", 200),
        ({"status_code": 500, "body": {"error": {"message": "Oh."}}}, None, "error", 500),
        ({"status_code": 429, "body": "busy"}, None, "error", 429),
        (None, {"code": "server_error", "message": "Oh."}, "error", None),
        (None, {"code": "batch_expired", "message": "Late."}, None, None),
        (None, {"code": "batch_cancelled", "message": "Stopped."}, None, None),
        (None, None, None, None),
    ],
)
def test_what_a_line_says(
    store, schema, ask, fake_openai, tmp_path: Path, response, error, kind, http
) -> None:
    from guided_store.batches._results import Reading, SentIndex

    (job,) = submit_batches(store, schema, ask(fake_openai(), limit=1))
    (sent,) = read_sent(store.root, job.job)
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps({"custom_id": sent.request_id, "response": response, "error": error}) + "\n")
    with SentIndex(store.root, job.job) as index:
        found = [pair for piece in Reading(index, 1.0).pieces([path]) for pair in piece]
        assert len(index) == (kind is None)
    assert [(pair[1].kind, pair[1].http) for pair in found] == ([] if kind is None else [(kind, http)])


def test_files_pass_through_in_flat_memory(
    store, schema, ask, fake_openai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server, limit=1))
    path = job_folder(store.root, job.job) / "requests.jsonl"
    size = 64 << 20
    with path.open("wb") as file:
        file.truncate(size)
    client = make_sync_client(base_url=server.url)
    tracemalloc.start()
    try:
        job = remote.upload(store, job, client)
        remote.download(store, client, job, job.file_id or "", tmp_path / "back")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        client.close()
    assert (tmp_path / "back").stat().st_size == size
    assert peak < 16 << 20


def test_damaged_records_are_named(store, schema, ask, fake_openai) -> None:
    (job,) = submit_batches(store, schema, ask(fake_openai(), limit=2))
    sent = job_folder(store.root, job.job) / "sent.jsonl"
    first = next(read_sent(store.root, job.job))
    sent.write_bytes(encode(first) + b"{\n")
    with pytest.raises(StoreError, match=r"sent\.jsonl, line 2"):
        batch_items(store, job.run)
    (job_folder(store.root, job.job) / "job.json").write_text("{")
    with pytest.raises(StoreError, match=r"job\.json cannot be read"):
        list_batches(store)
    with pytest.raises(UsageError, match="there is no batch job 'x'; there are"):
        read_job(store.root, "x")


def test_a_late_batch_is_waited_for(store, schema, ask, fake_openai, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may list a batch some seconds after it took the request."""
    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server))
    client = make_sync_client(base_url=server.url)
    monkeypatch.setattr(remote, "SETTLE", 0.3)
    job = save_job(store.root, job, file_id="file-x", batch_id=None, creating=time.time())
    begun = time.monotonic()
    other = type(store)(store.root, "another store", None)
    assert remote.find(other, job, client, settle=True) is None
    assert time.monotonic() - begun > 0.25
    assert remote.find(store, job, client) is not None
    client.close()


def test_a_batch_is_found_behind_a_hundred_others(store, schema, ask, fake_openai, batches_on) -> None:
    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server, limit=1))
    client = make_sync_client(base_url=server.url)
    made = client.files.create(file=("other.jsonl", b"{}"), purpose="batch")
    for _ in range(120):
        client.batches.create(completion_window="24h", endpoint="/v1/chat/completions", input_file_id=made.id)
    client.close()
    save_job(store.root, job, state="uploaded", batch_id=None)
    assert submit_batches(store, schema, ask(server, limit=1))[0].batch_id == job.batch_id
    assert sum(event["metadata"] != {} for event in batches_on(server)) == 2  # the other asks the second film


def test_one_process_works_on_the_jobs(store, schema, ask, fake_openai) -> None:
    server = fake_openai()
    submit_batches(store, schema, ask(server))
    with working_on_jobs(store), pytest.raises(StoreLockedError, match="another process is submitting"):
        collect_batches(store, lock_wait=0.0)
    assert len(collect_batches(store, lock_wait=0.0).waiting) == 1


def test_a_clock_that_was_set_back_holds_up_nobody(
    store, schema, ask, fake_openai, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = fake_openai()
    (job,) = submit_batches(store, schema, ask(server))
    monkeypatch.setattr(remote, "SETTLE", 0.2)
    later = replace(job, job="other", file_id=None, creating=time.time() + 20)
    with make_sync_client(base_url=server.url) as client:
        started = time.monotonic()
        assert remote.find(store, later, client, settle=True) is None
    assert time.monotonic() - started < 5
