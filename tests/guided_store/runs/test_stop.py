"""When a scoring run stops, what it has kept by then, and what it outlives."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from scripted import Answer, Script, Scripted, completion, error, films, good, items_of

from guided_store.journal import Journal, Outcome
from guided_store.ledger import TABLE
from guided_store.llm import Prices
from guided_store.runs import RunReport, ScoringError
from guided_store.store import Store

PRICES = Prices(1.0, 2.0)
KEY = "sk-a-long-secret-key"
Serve = Callable[[Script], Scripted]
PutItems = Callable[[Mapping[str, str | None]], None]
Score = Callable[..., RunReport]


def rows(store: Store) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.read(TABLE).to_pylist()
    return found


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(401, "Incorrect API key provided: " + KEY), r"refuses \(http 401: Incorrect .* \[key\]\)"),
        (error(403, "Country not supported"), "Country not supported"),
        (error(404, "The model `m` does not exist"), "does not exist"),
        (error(429, "You exceeded your quota", "insufficient_quota"), "exceeded your quota"),
        ((404, {}, "<html><body>nginx</body></html>"), r"http 404: Not Found"),
        ((405, {}, json.dumps({"detail": "Method Not Allowed"})), "Method Not Allowed"),
    ],
)
def test_a_refusal_for_good_stops_the_run(
    store: Store, put_items: PutItems, serve: Serve, score: Score, answer: Answer, words: str
) -> None:
    put_items(films(50))
    server = serve(lambda number, body: completion(body) if number < 6 else answer)
    with pytest.raises(ScoringError, match=words) as caught:
        score(server)
    report = caught.value.report
    assert (report.stopped, report.ok, report.left) == ("error", 6, 44)
    assert len(server.bodies) <= 6 + 4
    assert sum(row["status"] == "ok" for row in rows(store)) == 6  # what was paid for is there
    assert all(KEY not in str(row) for row in rows(store))
    assert KEY not in str(caught.value)


def test_rejected_requests_stop_a_run_that_has_no_answer_yet(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(50))
    server = serve(lambda number, _: error(400, "Unsupported value: 'temperature'"))
    with pytest.raises(ScoringError, match=r"rejects these requests .*Unsupported value: 'temperature'"):
        score(server)
    assert len(server.bodies) <= 3 + 4
    assert {row["status"] for row in rows(store)} == {"failed"}


def test_a_rejected_item_is_found_by_halving(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(9))

    def script(_: int, body: dict[str, Any]) -> Answer:
        if any(item["title"] == "Film 3" for item in items_of(body)):
            return error(400, "content policy")
        return completion(body)

    report = score(serve(script), items_per_request=8, concurrency=1, attempts=5)
    assert (report.ok, report.failed) == (8, 1)
    reasons = {row["reason"] for row in rows(store) if row["item_id"] == "i3"}
    assert reasons == {"http 400: content policy"}


def test_a_request_that_is_too_long_is_halved_without_blame(
    put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(8))
    server = serve(lambda _, body: error(413, "too long") if len(items_of(body)) > 2 else completion(body))
    report = score(server, items_per_request=8, attempts=1)
    assert (report.ok, report.failed) == (8, 0)


def test_a_model_that_never_answers_usefully_is_not_asked_on(
    put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(500))
    server = serve(lambda _, body: completion(body, 99))
    with pytest.raises(
        ScoringError, match=r"none of the first \d+ answers of m could be used \(out of range"
    ):
        score(server)
    assert 30 <= len(server.bodies) < 40


def test_an_endpoint_that_is_not_there(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(50))
    server = serve(good)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ScoringError, match=r"cannot be reached .*check the address") as caught:
        score(server, base_url=nowhere)
    report = caught.value.report
    assert (report.ok, report.unknown, report.left, report.spent) == (0, 0, 50, 0.0)


def test_an_outage_ends_the_run_and_costs_nothing(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(400))
    server = serve(lambda number, body: completion(body) if number < 8 else error(503, "overloaded"))
    with pytest.raises(
        ScoringError, match=r"nothing was answered for .*http 503: overloaded.*run the same"
    ) as caught:
        score(server, outage=0.3)
    assert caught.value.report.ok == 8
    assert {row["status"] for row in rows(store)} == {"ok", "error"}
    assert caught.value.report.spent == pytest.approx(8 * 120 / 1e6)


def test_a_pause_longer_than_the_outage_ends_the_run(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(20))
    server = serve(lambda number, body: error(429, "later", retry_after="3600"))
    with pytest.raises(ScoringError, match=r"asks to wait 3,600 s"):
        score(server, outage=60)
    assert len(server.bodies) <= 4


def test_temporary_refusals_are_outlived(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(12))
    statuses = (429, 500, 502, 503, 408, 409)
    tries: Counter[str] = Counter()

    def script(_: int, body: dict[str, Any]) -> Answer:
        title = items_of(body)[0]["title"]
        tries[title] += 1
        if tries[title] <= 6:  # each item meets them all
            return error(statuses[tries[title] - 1], "later", retry_after_ms="2")
        return completion(body)

    report = score(serve(script))
    assert (report.ok, report.failed, report.left, report.unknown) == (12, 0, 0, 0)
    refused = [row for row in rows(store) if row["status"] == "error"]
    assert len(refused) == 6 * 12
    assert all(row["cost"] == 0 for row in refused)


def test_a_server_out_of_order_for_some_is_left_for_later(
    put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(6))

    def script(_: int, body: dict[str, Any]) -> Answer:
        return error(500, "broken") if items_of(body)[0]["title"] == "Film 2" else completion(body)

    server = serve(script)
    report = score(server)
    assert (report.ok, report.failed, report.left, report.stopped) == (5, 0, 1, None)
    assert len(server.bodies) == 5 + 8
    assert "1 left after repeated refusals" in report.lines()[-1]


def test_a_pause_after_an_overload_is_for_everybody(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(12))
    moments: list[float] = []

    def script(number: int, body: dict[str, Any]) -> Answer:
        moments.append(time.monotonic())
        if number == 0:
            return error(503, "overloaded", retry_after="0.4")
        time.sleep(0.1)
        return completion(body)

    report = score(serve(script))
    assert report.ok == 12
    # Four went out at once; the other three workers were answered long before the fifth request.
    assert moments[4] - moments[0] >= 0.38


def test_announced_limits_are_kept(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(11))
    moments: list[float] = []

    def script(_: int, body: dict[str, Any]) -> Answer:
        moments.append(time.monotonic())
        status, headers, text = completion(body)
        limits = {"x-ratelimit-limit-requests": "1800", "x-ratelimit-remaining-requests": "0"}
        return status, {**headers, **limits}, text

    score(serve(script), concurrency=1)
    assert moments[-1] - moments[0] >= 10 * 60 / 1800 * 0.95


def test_the_maximum_cost_is_never_passed_and_nearly_used(
    put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(200))
    server = serve(good)
    # An answer costs 0.00012 dollars; a reservation some 0.008, for the room that its thoughts might take.
    report = score(server, max_cost=0.02)
    assert report.stopped == "max-cost"
    assert report.spent is not None
    assert 0.01 < report.spent <= 0.02
    assert report.ok == len(server.bodies) == report.requests
    again = score(server, max_cost=0.02)
    assert (again.stopped, again.requests) == ("max-cost", 0)
    assert score(server, max_cost=1.0).stopped is None


def test_the_limit_is_a_part_of_the_work(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(10))
    server = serve(good)
    report = score(server, limit=4, repeats=2)
    assert (report.ok, report.left, report.stopped) == (8, 12, "limit")
    report = score(server, limit=6, repeats=2)
    assert (report.ok, report.left, report.stopped) == (12, 0, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_requests_in_flight_end(
    store: Store, put_items: PutItems, serve: Serve, score: Score, number: int
) -> None:
    put_items(films(100))
    gate = threading.Event()

    def script(n: int, body: dict[str, Any]) -> Answer:
        if n == 5:
            os.kill(os.getpid(), number)
        if n >= 5:
            gate.wait(0.2)
        return completion(body)

    def theirs(*_: object) -> None:
        pass

    before = signal.signal(number, theirs)
    try:
        report = score(serve(script))
        assert signal.getsignal(number) is theirs
    finally:
        signal.signal(number, before)
    assert report.stopped == "interrupted"
    assert 5 <= report.ok == report.requests <= 12
    assert report.left == 100 - report.ok
    assert len(rows(store)) == report.ok


def test_a_second_signal_gives_up_what_is_in_flight(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(100))
    gate = threading.Event()

    def script(n: int, body: dict[str, Any]) -> Answer:
        if n < 5:
            return completion(body)
        if n == 8:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        gate.wait(10)
        return completion(body)

    server = serve(script)
    report = score(server)
    gate.set()
    assert (report.stopped, report.ok, report.unknown) == ("interrupted", 5, 4)
    lost = [row for row in rows(store) if row["status"] == "unknown"]
    assert [row["reason"] for row in lost] == ["interrupted"] * 4
    assert report.spent == pytest.approx(sum(row["cost"] for row in rows(store)))
    assert score(server).ok == 95


def test_an_answer_that_waits_for_room_on_the_disk_is_kept_when_given_up(
    store: Store, put_items: PutItems, serve: Serve, score: Score, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_items(films(3))
    write, waiting = Journal.outcome, threading.Event()

    def outcome(self: Journal, record: Outcome) -> None:
        if waiting.is_set():
            return write(self, record)  # there is room again
        waiting.set()
        for delay in (0.1, 0.3):
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "outcome", outcome)
    with pytest.raises(ScoringError, match="the journal cannot be written") as caught:
        score(serve(good), concurrency=1)
    assert (caught.value.report.unknown, caught.value.report.requests) == (0, 1)
    assert [row["status"] for row in rows(store)] == ["ok"]
