"""Scoring a catalogue: what is asked, what is kept and shown, and that nothing is bought twice."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Script, Scripted, completion, error, films, good, items_of

from guided_store.attributes import AttributeSchema
from guided_store.errors import StoreLockedError, UsageError
from guided_store.journal import Journal, Outcome
from guided_store.ledger import TABLE, Holdings, find_run
from guided_store.llm import Prices
from guided_store.progress import Task
from guided_store.runs import RunReport, ScoringError, ScoringOptions, estimate_run, score_items
from guided_store.store import Store, open

PRICES = Prices(1.0, 2.0)
KEY = "sk-a-long-secret-key"
Serve = Callable[[Script], Scripted]
PutItems = Callable[[Mapping[str, str | None]], None]
Score = Callable[..., RunReport]


def rows(store: Store) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.read(TABLE).to_pylist()
    return found


# what is asked and kept -------------------------------------------------------------------------------------


def test_every_item_gets_its_own_score(store: Store, put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items({**films(10), "empty": None})
    server = serve(lambda _, body: completion(body, lambda title: int(title[5:])))
    report = score(server, items_per_request=3)
    assert (report.ok, report.failed, report.left, report.stopped) == (10, 0, 0, None)
    assert (report.requests, report.without_text) == (4, 1)
    assert {row["item_id"]: row["values"] for row in rows(store)} == {f"i{n}": [n, n] for n in range(10)}
    assert report.spent == pytest.approx(4 * (100 * 1.0 + 10 * 2.0) / 1e6)
    assert (report.tokens_in, report.tokens_out) == (400, 40)
    # Each request carries the id under which the ledger knows it.
    sent = {headers["x-client-request-id"] for headers in server.headers}
    assert sent == {row["request_id"] for row in rows(store)}
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers)


def test_the_request_says_what_was_asked_for(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(1))
    server = serve(good)
    score(server, temperature=0.5, reasoning_effort="low", max_output_tokens=77, structured="json_object")
    (body,) = server.bodies
    assert (body["model"], body["temperature"], body["reasoning_effort"]) == ("m", 0.5, "low")
    assert body["max_tokens"] == 77
    assert body["response_format"] == {"type": "json_object"}


def test_nothing_is_bought_twice(store: Store, put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(5))
    server = serve(good)
    first = score(server)
    again = score(server)
    assert (again.requests, again.ok, again.already, again.spent) == (0, 0, 5, 0.0)
    assert again.run_spent == pytest.approx(first.spent)
    put_items({"new": "Film 99"})
    assert score(server).ok == 1
    assert items_of(server.bodies[-1])[0]["title"] == "Film 99"
    store.merge("items", "item_id", _item(store, "i2", "Film 2, restored"))
    changed = score(server)
    assert (changed.ok, changed.already) == (1, 5)
    (last,) = [row for row in rows(store) if row["item_id"] == "i2" and row["attempt"] == 2]
    assert last["status"] == "ok"


def _item(store: Store, item_id: str, title: str) -> Any:
    import pyarrow as pa

    row = {"item_id": item_id, "title": title, "text": None}
    return pa.Table.from_pylist([row], schema=store.dataset("items").schema)


def test_repeats_are_independent_answers(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(3))
    server = serve(good)
    score(server)
    report = score(server, repeats=3)
    assert (report.ok, report.already) == (6, 3)
    assert {(row["item_id"], row["sample"]) for row in rows(store)} == {
        (f"i{n}", sample) for n in range(3) for sample in range(3)
    }


def test_a_store_open_for_reading_is_written_in_passing(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve
) -> None:
    put_items(films(3))
    store.close()
    reader = open(store.root)
    options = ScoringOptions("m", base_url=serve(good).url)
    assert score_items(reader, schema, options).ok == 3
    assert not reader.writable
    assert len(rows(reader)) == 3
    with open(store.root, write=True):  # the lock is free again
        pass


def test_good_items_are_kept_and_bad_ones_asked_again_in_smaller_requests(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(4))

    def script(number: int, body: dict[str, Any]) -> Answer:
        return completion(body, lambda title: 11 if title in ("Film 1", "Film 2") and number < 1 else 4)

    server = serve(script)
    report = score(server, items_per_request=4)
    assert [[item["title"] for item in items_of(body)] for body in server.bodies] == [
        ["Film 0", "Film 1", "Film 2", "Film 3"],
        ["Film 1", "Film 2"],
    ]
    assert (report.ok, report.failed) == (4, 0)
    bad = [(row["item_id"], row["attempt"]) for row in rows(store) if row["status"] == "failed"]
    assert sorted(bad) == [("i1", 1), ("i2", 1)]


def test_an_answer_that_was_cut_off_gets_more_room(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(1))
    server = serve(lambda _, body: completion(body, finish="length"))
    report = score(server, max_output_tokens=100, attempts=5)
    assert [body["max_tokens"] for body in server.bodies] == [100, 200, 400, 400, 400]
    assert (report.ok, report.failed, report.left) == (0, 1, 0)


def test_what_failed_stays_failed_until_asked_for(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(3))
    bad = {"Film 1"}
    server = serve(lambda _, body: completion(body, lambda title: 99 if title in bad else 4))
    report = score(server, attempts=2)
    assert (report.ok, report.failed, report.requests) == (2, 1, 4)
    again = score(server, attempts=2)
    assert (again.requests, again.given_up, again.already) == (0, 1, 2)
    bad.clear()
    assert score(server, attempts=2, retry_failed=True).ok == 1


def test_an_answer_without_usage_costs_its_estimate(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(2))
    report = score(serve(lambda _, body: completion(body, usage=False)))
    assert report.spent == pytest.approx(sum(row["cost"] for row in rows(store)))
    assert report.spent is not None
    assert report.spent > 2 * 1e-3  # room for thoughts at 2 dollars a million


# around it --------------------------------------------------------------------------------------------------


def test_inside_a_running_event_loop(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(5))
    server = serve(good)

    async def notebook() -> RunReport:
        return score(server)

    assert asyncio.run(notebook()).ok == 5


def test_in_a_thread(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(5))
    server, found = serve(good), []
    thread = threading.Thread(target=lambda: found.append(score(server)))
    thread.start()
    thread.join()
    assert found[0].ok == 5


class Shown:
    """A progress that remembers; `seen` is called at each advance."""

    def __init__(self, seen: Callable[[], None] = lambda: None) -> None:
        self.total: float | None = None
        self.steps = 0.0
        self.notes: list[str] = []
        self._seen = seen

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Task]:
        assert title == "scoring"
        self.total = total
        yield self

    def advance(self, steps: float = 1) -> None:
        self.steps += steps
        self._seen()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def log(self, text: str) -> None:
        pass


def test_what_is_shown_meanwhile(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve
) -> None:
    put_items(films(12))
    server = serve(lambda _, body: completion(body, lambda title: 99 if title == "Film 3" else 4))
    shown = Shown()
    options = ScoringOptions("m", base_url=server.url, prices=PRICES, repeats=2, attempts=1)
    score_items(store, schema, options, progress=shown)
    assert (shown.total, shown.steps) == (24, 24)
    assert shown.notes[-1].endswith("/s, $0.00, 2 failed")


def test_a_store_that_another_process_writes_to(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_items(films(6))
    options = ScoringOptions("m", base_url=serve(good).url)
    with pytest.raises(StoreLockedError):
        score_items(open(store.root), schema, options)  # the run cannot even be recorded
    store.close()
    writers: list[Store] = []

    def seen() -> None:  # while answers come in, somebody else begins to write
        if not writers:
            writers.append(open(store.root, write=True))

    monkeypatch.setattr("guided_store.runs._run._LAST_WAIT", 0.1)
    report = score_items(open(store.root), schema, options, progress=Shown(seen))
    assert (report.ok, report.waiting) == (6, 6)
    assert any("wait in the journal" in line for line in report.lines())
    reader = open(store.root)
    assert not reader.has_table(TABLE)
    writers[0].close()
    with open(store.root, write=True) as opened:
        assert len(rows(opened)) == 6
    assert score_items(reader, schema, options).already == 6


def test_one_process_runs_a_run(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve
) -> None:
    put_items(films(3))
    options = ScoringOptions("m", base_url=serve(good).url)
    caught: list[StoreLockedError] = []

    def seen() -> None:
        try:
            score_items(store, schema, options)
        except StoreLockedError as error:
            caught.append(error)

    score_items(store, schema, options, progress=Shown(seen))
    assert "is being run" in str(caught[0])


def test_a_full_disk_stops_the_run_and_loses_no_answer(
    store: Store, put_items: PutItems, serve: Serve, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_items(films(40))
    write, calls = Journal.outcome, [0]

    def full(journal: Journal, outcome: Outcome) -> None:
        calls[0] += 1
        if 6 <= calls[0] < 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(journal, outcome)

    monkeypatch.setattr(Journal, "outcome", full)
    monkeypatch.setattr("guided_store.runs._recorder._WAITS", (0.01,) * 6)
    server = serve(good)
    with pytest.raises(
        ScoringError, match=r"journal cannot be written \(No space left on device\)"
    ) as caught:
        score(server)
    assert len(server.bodies) < 40
    assert caught.value.report.ok == len(server.bodies) == len(rows(store))
    assert {row["status"] for row in rows(store)} == {"ok"}


def test_no_key_for_openai(
    store: Store, schema: AttributeSchema, put_items: PutItems, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_items(films(1))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        score_items(store, schema, ScoringOptions("m"))
    assert not (store.root / "journal").exists()


def test_the_estimate_is_near_what_is_paid(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items({**films(40), "empty": None})
    server = serve(good)
    options = ScoringOptions("m", base_url=server.url, prices=PRICES, items_per_request=4, repeats=2)
    first = estimate_run(store, schema, options)
    assert (first.items, first.without_text, first.left, first.requests) == (41, 1, 80, 20)
    assert not first.measured
    assert not server.bodies
    assert not store.has_table("runs")
    assert first.cost is not None
    assert first.cost_at_most is not None
    assert 0 < first.cost < first.cost_at_most
    score(server, items_per_request=4, limit=10, repeats=2)
    later = estimate_run(store, schema, options)
    assert (later.done, later.left, later.measured) == (20, 60, True)
    assert later.requests == 16  # 30 items by fours, for each of two repeats
    report = score(server, items_per_request=4, repeats=2)
    assert later.tokens_in == pytest.approx(report.tokens_in, rel=0.25)
    assert later.cost == pytest.approx(report.spent, rel=0.25)
    assert later.run_spent == pytest.approx(Holdings.load(store, report.run).spent - (report.spent or 0))


def test_the_key_is_in_no_file(store: Store, put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(20))
    server = serve(
        lambda n, body: (
            error(500, f"bad {KEY}") if n % 3 else (200, {}, completion(body)[2].replace("m-1", KEY))
        )
    )
    report = score(server)
    assert report.ok
    record = find_run(store, report.run)
    assert record is not None
    files = [path for path in Path(store.root).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
