"""Killed at any step of submitting or collecting, then repaired: nothing is lost, nothing is bought twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forking import LANCE, Forking

import guided_store.batches._remote as remote
from guided_store.batches import collect_batches, list_batches, submit_batches
from guided_store.journal import read_jobs
from guided_store.store import Store

ITEMS = [f"f{n}" for n in range(20)]
SOURCE = Path(__file__).with_name("dying.py").read_text(encoding="utf-8")

UPLOAD = "openai.resources.files:Files.create"
CREATE = "openai.resources.batches:Batches.create"
SAVE = "guided_store.batches._remote:save_job"
# Which command comes first after the kill; where only the server knows of the batch, each of them.
SUBMITTING = [
    ("submit", "guided_store.journal._jobs:write_json", "before", 1),  # the job's folder is not there yet
    ("submit", "guided_store.batches._write:write_job", "after", 2),  # one job is there, the second half
    ("submit", UPLOAD, "before", 1),
    ("collect", UPLOAD, "after", 1),
    ("list", SAVE, "after", 1),  # the file's id is on disk
    ("collect", CREATE, "before", 1),
    ("submit", CREATE, "after", 1),
    ("collect", CREATE, "after", 1),
    ("list", CREATE, "after", 1),
    ("submit", SAVE, "after", 3),  # the batch's id is on disk
    ("submit", CREATE, "after", 2),
]
COLLECTING = [
    ("openai.resources.batches:Batches.retrieve", "after", 1),
    ("guided_store.store._files:fsync_path", "before", 3),  # a result file is downloaded, not yet renamed
    ("guided_store.batches._collect:download", "after", 1),
    ("guided_store.batches._collect:append_rows", "after", 1),  # in the ledger, the job not yet collected
    ("guided_store.batches._collect:save_job", "after", 1),
    ("guided_store.batches._collect:append_rows", "after", 2),
]


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    openai = ("openai.resources.batches", "openai.resources.files", "openai.types")
    with Forking("guided_store.batches", *openai, *LANCE) as process:
        yield process


Kill = Callable[..., None]


@pytest.fixture
def kill(forking: Forking, store: Store, schema, monkeypatch: pytest.MonkeyPatch) -> Kill:
    """Run a command in a process that dies at the n-th call of a function."""
    monkeypatch.setattr(remote, "SETTLE", 0.0)
    store.close()  # the other process writes

    def run(what: str, place: str, moment: str, number: int, url: str) -> None:
        told = {"what": what, "place": place, "moment": moment, "number": number, "root": str(store.root)}
        told |= {"url": url, "schema": schema.to_dict(), "max_requests": 12}
        assert forking.start(SOURCE, json.dumps(told)).wait() == 77, "it did not die where it should"

    return run


@pytest.mark.parametrize(("first", "place", "moment", "number"), SUBMITTING)
def test_killed_while_submitting(
    store, schema, ask, fake_openai, kill, ledger, asked, batches_on, first, place, moment, number
) -> None:
    server = fake_openai(batch_polls=0)
    kill("submit", place, moment, number, server.url)
    made = len(batches_on(server))
    if first == "collect":
        collect_batches(store)
    elif first == "list":
        listed = list_batches(store, refresh=True)
        assert sum(job.batch_id is not None for job in listed) == made, "list finds what was made"
    assert len(batches_on(server)) == made, "only submit buys"
    submit_batches(store, schema, ask(server), max_requests=12)
    collect_batches(store)
    assert asked(server) == sorted(ITEMS)
    metadata = [event["metadata"] for event in batches_on(server)]
    assert len({marks["job"] for marks in metadata}) == len(metadata) == 2
    assert {marks["guided_store"] for marks in metadata} == {store.uuid}
    rows = ledger()
    assert Counter(row["item_id"] for row in rows) == dict.fromkeys(ITEMS, 1)
    assert {row["request_id"] for row in rows} == set(server.computed())
    assert {job.state for job in read_jobs(store.root)} == {"collected"}
    assert not list((store.root / "batches").rglob(".tmp-*"))


@pytest.mark.parametrize(("place", "moment", "number"), COLLECTING)
def test_killed_while_collecting(
    store, schema, ask, fake_openai, kill, ledger, batches_on, place, moment, number
) -> None:
    server = fake_openai(batch_polls=0, batch_outcomes=["expired", "completed"])
    submit_batches(store, schema, ask(server), max_requests=12)
    kill("collect", place, moment, number, server.url)
    collect_batches(store)
    rows = ledger()
    assert Counter(row["request_id"] for row in rows) == dict.fromkeys(server.computed(), 1)
    assert len(rows) == 14  # half of 12, and 8
    again = collect_batches(store, resubmit=True)
    assert [job.items for job in again.resubmitted] == [6]
    collect_batches(store)
    assert Counter(row["item_id"] for row in ledger()) == dict.fromkeys(ITEMS, 1)
    assert len(batches_on(server)) == 3
    assert not list((store.root / "batches").rglob(".tmp-*"))
