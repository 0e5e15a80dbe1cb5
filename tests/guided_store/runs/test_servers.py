"""What servers do in their own way, and a run gets over or tells its user."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from scripted import Answer, Script, Scripted, completion, error, films, good

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import TABLE
from guided_store.progress import SILENT
from guided_store.runs import RunReport, ScoringError, ScoringOptions, estimate_run, score_items
from guided_store.store import Store

Serve = Callable[[Script], Scripted]
PutItems = Callable[[Mapping[str, str | None]], None]
Score = Callable[..., RunReport]


class Heard:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.task = SILENT.task

    def log(self, text: str) -> None:
        self.said.append(text)


def test_a_gateway_that_passes_a_refusal_on_as_200(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(4))
    inner = json.dumps({"error": {"code": 503, "message": "provider is down"}})

    def script(number: int, body: dict[str, Any]) -> Answer:
        return (200, {}, inner) if number < 3 else completion(body)

    report = score(serve(script), concurrency=1, attempts=1)
    assert (report.ok, report.failed) == (4, 0)  # no item's attempt was spent on it
    refused = [row for row in store.read(TABLE).to_pylist() if row["status"] == "error"]
    assert [row["reason"] for row in refused] == ["http 503: provider is down"] * 3


def test_the_output_limit_goes_by_the_name_that_the_server_takes(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(20))
    complaint = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."

    def script(_: int, body: dict[str, Any]) -> Answer:
        return error(400, complaint) if "max_tokens" in body else completion(body)

    server = serve(script)
    report = score(server, attempts=1)
    assert (report.ok, report.failed, report.stopped) == (20, 0, None)
    assert sum("max_tokens" in body for body in server.bodies) <= 4  # those that were in flight


def test_a_server_that_cuts_what_it_is_sent_is_told_once(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve
) -> None:
    put_items(films(5))
    heard = Heard()
    # The scripted server counts 100 tokens, where the instructions alone are over a thousand.
    options = ScoringOptions("m", base_url=serve(good).url, concurrency=2)
    score_items(store, schema, options, progress=heard)
    (warning,) = heard.said
    assert "counted 100 tokens" in warning
    assert "OLLAMA_CONTEXT_LENGTH" in warning


def test_room_that_was_needed_thrice_is_given_from_then_on(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(12))
    usual: list[int] = []

    def script(_: int, body: dict[str, Any]) -> Answer:
        usual.append(body["max_tokens"])
        return completion(body, finish="stop" if body["max_tokens"] > usual[0] else "length")

    report = score(serve(script), concurrency=1)
    assert (report.ok, report.failed) == (12, 0)
    assert usual == [usual[0], 2 * usual[0]] * 3 + [2 * usual[0]] * 9


def test_an_address_without_v1_gets_a_hint(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve
) -> None:
    put_items(films(2))
    url = serve(lambda *_: error(404, "Not Found")).url.removesuffix("/v1")
    with pytest.raises(ScoringError, match=r"Not Found\); such an address mostly ends in /v1"):
        score_items(store, schema, ScoringOptions("m", base_url=url))


def test_an_estimate_refuses_what_the_run_would_refuse(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(8))
    server = serve(good)
    score(server, run="mine")
    other = ScoringOptions("another", base_url=server.url, run="mine")
    with pytest.raises(UsageError, match="run 'mine' exists and asks with another model"):
        estimate_run(store, schema, other)
    assert len(server.bodies) == 8


def test_an_estimate_goes_by_answers_to_requests_of_the_same_size_only(
    store: Store, schema: AttributeSchema, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(8))
    server = serve(good)
    score(server, limit=6)
    known = ScoringOptions("m", base_url=server.url)
    assert estimate_run(store, schema, known).measured
    larger = ScoringOptions("m", base_url=server.url, items_per_request=2)
    assert not estimate_run(store, schema, larger).measured
