"""The maximum cost where costs are not what they seem: no prices at first, thoughts beyond the limit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from scripted import Answer, Script, Scripted, completion, films, good

from guided_store.attributes import AttributeSchema
from guided_store.journal import Job, Sent, encode, job_folder, save_job, to_rows, write_job
from guided_store.journal._records import Outcome
from guided_store.ledger import Holdings, RunRecord, append_rows, iter_texts
from guided_store.llm import Prices
from guided_store.runs import RunReport, ScoringOptions
from guided_store.runs._budget import Budget
from guided_store.runs._select import select
from guided_store.store import Store

PutItems = Callable[[Mapping[str, str | None]], None]
Serve = Callable[[Script], Scripted]
Score = Callable[..., RunReport]
PRICE = 120 / 1e6  # of an answer of the scripted server at 1 and 2 dollars per million tokens


def test_answers_bought_without_prices_count(put_items: PutItems, serve: Serve, score: Score) -> None:
    put_items(films(100))
    server = serve(good)
    score(server, prices=None, limit=50)
    report = score(server, max_cost=50 * PRICE, concurrency=1)
    assert (report.stopped, report.requests, report.spent) == ("max-cost", 0, 0.0)
    assert report.run_spent == pytest.approx(50 * PRICE)


def test_a_server_that_bills_beyond_the_limit_of_tokens(
    store: Store, put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(400))

    def script(_: int, body: dict[str, Any]) -> Answer:
        status, headers, text = completion(body)
        content = json.loads(text)
        content["usage"] = {"prompt_tokens": 100, "completion_tokens": 20 * body["max_tokens"]}
        return status, headers, json.dumps(content)

    server = serve(script)
    report = score(server, max_output_tokens=1000, max_cost=1.0)
    # Each answer costs 0.04 dollars instead of the 0.002 set aside; only the first were not foreseen.
    assert report.stopped == "max-cost"
    assert report.spent is not None
    assert 0.9 < report.spent <= 1.0
    assert report.spent == pytest.approx(sum(store.read("scores").column("cost").to_pylist()))


def test_bounds_grow_by_what_an_answer_went_beyond_its_own() -> None:
    budget = Budget(10.0, spent=0.0)
    assert budget.reserve(1.0)
    assert budget.reserve(1.0)
    assert not budget.settle(1.0, 1.0)
    assert budget.settle(1.0, 4.0)
    assert budget.factor == 4.0
    assert budget.reserve(1.0)  # 5 spent, 4 set aside
    assert budget.reserved == 4.0
    assert not budget.reserve(1.0)
    assert not budget.settle(1.0, 3.0)  # within the new bound
    assert (budget.factor, budget.reserved) == (4.0, 0.0)


def test_a_job_collected_while_the_ledger_is_read_is_not_overlooked(
    store: Store,
    schema: AttributeSchema,
    record: RunRecord,
    put_items: PutItems,
    make_sent: Callable[..., Sent],
    make_answer: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_items(films(1))
    (text,) = iter_texts(store, ["title"])
    sent = make_sent("q", [text.item_id], hashes=[text.hash], batch="j")
    job = Job("j", "r", "submitted", time.time(), 1, 1, 1, 0.5, {}, None, "KEY")
    job_folder(store.root, "j").mkdir(parents=True)
    write_job(job_folder(store.root, "j"), job)
    (job_folder(store.root, "j") / "sent.jsonl").write_bytes(encode(sent))
    load = Holdings.load

    def load_then_collect(store: Store, run: str) -> Holdings:
        held = load(store, run)
        append_rows(store, to_rows(record, [(sent, make_answer("q"))]))
        save_job(store.root, job, state="collected")
        return held

    monkeypatch.setattr(Holdings, "load", load_then_collect)
    selection = select(store, record, ScoringOptions("m", prices=Prices(1.0, 2.0)))
    assert list(selection.units([text])) == []
    assert selection.set_aside == 0.5
