"""Scoring users: what is asked, that nothing is asked twice, and that items and users stay apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from digit_histories import put_events
from scripted import Answer, Scripted, films, items_of

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import TABLE, UserHistories, choose_run, find_run, list_runs
from guided_store.llm import Prices, Question
from guided_store.runs import (
    RunReport,
    ScoringOptions,
    estimate_run,
    make_options,
    plan_run,
    run_status,
    score_items,
)
from guided_store.store import Store

Serve = Callable[..., Scripted]
Score = Callable[..., RunReport]
LOO = UserHistories()


def by_last_film(_: int, body: dict[str, Any]) -> Answer:
    """Humor is the number of the last film shown, pace how many are shown."""
    entries = []
    for user in items_of(body):
        lines = user["history"].splitlines()
        entries.append({"id": user["id"], "scores": {"humor": int(lines[-1][-1]), "pace": len(lines)}})
    message = {"role": "assistant", "content": json.dumps({"items": entries})}
    content = {
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "model": "m-1",
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }
    return 200, {"content-type": "application/json"}, json.dumps(content)


@pytest.fixture
def watched(store: Store, put_items: Callable[..., None], tmp_path: Path) -> Store:
    put_items(films(10))
    put_events(store, tmp_path, {"ann": "01234", "bob": "567", "cy": "89"})
    return store


def values(store: Store) -> dict[str, list[float]]:
    return {row["item_id"]: row["values"] for row in store.read(TABLE).to_pylist()}


def test_users_are_scored_by_what_trains(watched: Store, serve: Serve, score: Score) -> None:
    server = serve(by_last_film)
    report = score(server, users=LOO, items_per_request=2)
    assert (report.ok, report.left, report.requests) == (3, 0, 2)
    assert values(watched) == {"user:ann": [2, 3], "user:bob": [5, 1], "user:cy": [9, 2]}
    system = server.bodies[0]["messages"][0]["content"]
    assert "In this task an item is one user" in system
    assert "the kind of film that this user would choose next" in system
    sent = json.dumps(server.bodies)
    assert "Film 3" not in sent  # held out for validation
    assert "Film 4" not in sent  # and for the test
    again = score(server, users=LOO, items_per_request=2)
    assert (again.requests, again.already) == (0, 3)


def test_what_is_asked_anew_is_a_history_that_changed(
    watched: Store, serve: Serve, score: Score, tmp_path: Path
) -> None:
    server = serve(by_last_film)
    run = score(server, users=LOO).run
    put_events(watched, tmp_path, {"ann": "012349", "bob": "567"})
    report = score(server, users=LOO)
    assert (report.run, report.ok, report.already) == (run, 1, 2)
    status = run_status(watched, run)[0]
    assert (status.subject, status.items, status.done, status.left) == ("users", 3, 3, 0)


def test_an_estimate_asks_nothing(watched: Store, schema: AttributeSchema) -> None:
    options = ScoringOptions("m", users=LOO, prices=Prices(1.0, 2.0))
    found = estimate_run(watched, schema, options)
    assert (found.items, found.left, found.requests) == (3, 3, 3)
    assert found.cost is not None
    assert found.cost > 0
    short = estimate_run(watched, schema, replace(options, users=UserHistories(newest=1)))
    assert short.tokens_in < found.tokens_in
    assert not watched.has_table(TABLE)


def test_a_budget_holds_for_users_too(watched: Store, serve: Serve, score: Score) -> None:
    report = score(serve(by_last_film), users=LOO, max_cost=0.0)
    assert (report.stopped, report.requests, report.left) == ("max-cost", 0, 3)


def test_histories_are_part_of_the_question(watched: Store, schema: AttributeSchema) -> None:
    items = ScoringOptions("m")
    runs = {
        plan_run(watched, schema, replace(items, users=users)).run
        for users in (None, LOO, UserHistories(split="none"), UserHistories(newest=5), UserHistories(chars=9))
    }
    assert len(runs) == 5
    assert Question(schema).prompt_hash != Question(schema, subject="users").prompt_hash


def test_a_run_lends_its_histories(
    watched: Store, schema: AttributeSchema, serve: Serve, score: Score
) -> None:
    told = UserHistories(split="none", newest=3, chars=50)
    score(serve(by_last_film), users=told, run="r")
    for given in (None, LOO, UserHistories(newest=3)):
        _, options = make_options(watched, run="r", users=given, base_url="http://x/v1")
        assert options.users == told
    _, options = make_options(watched, run="r", users=UserHistories(newest=4))
    with pytest.raises(UsageError, match="asks with another length of histories"):
        plan_run(watched, schema, replace(options, again=True))


def test_one_run_holds_items_or_users(
    watched: Store, schema: AttributeSchema, serve: Serve, score: Score
) -> None:
    score(serve(by_last_film), users=LOO, run="people")
    record = find_run(watched, "people")
    assert record is not None
    assert (record.subject, record.users) == ("users", LOO)
    assert [info.subject for info in list_runs(watched)] == ["users"]
    with pytest.raises(UsageError, match="run 'people' exists and scores users"):
        plan_run(watched, schema, ScoringOptions("m", run="people", base_url=record.endpoint))
    with pytest.raises(UsageError, match="run 'people' scored users, not items"):
        choose_run(watched, "people", schema.digest, schema.name)
    with pytest.raises(UsageError, match="nothing was scored on schema 'demo' yet"):
        choose_run(watched, None, schema.digest, schema.name)


def test_without_interactions_no_user_can_be_scored(
    store: Store, schema: AttributeSchema, put_items: Callable[..., None]
) -> None:
    put_items(films(2))
    with pytest.raises(UsageError, match="no users' histories; add them with `guided-store ingest"):
        score_items(store, schema, ScoringOptions("m", users=LOO))
