"""What can be asked of a scoring run, and which requests make no sense."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import record_run
from guided_store.llm import Prices
from guided_store.runs import ScoringOptions, make_options, plan_run
from guided_store.store import Store

PRICES = Prices(0.25, 2.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"model": " "}, "no name"),
        ({"base_url": "localhost:8000"}, "http"),
        ({"base_url": "https://me:secret@host/v1"}, "password"),
        ({"items_per_request": 0}, "--items-per-request is 0"),
        ({"items_per_request": 101}, "at most 100"),
        ({"repeats": 0}, "--repeats is 0"),
        ({"concurrency": 0}, "--concurrency is 0"),
        ({"attempts": 0}, "--attempts is 0"),
        ({"requests_per_minute": 0}, "--rpm is 0"),
        ({"tokens_per_minute": float("nan")}, "--tpm is nan"),
        ({"timeout": 0}, "--timeout is 0"),
        ({"outage": float("inf")}, "--outage is inf"),
        ({"temperature": 2.5}, "at most 2"),
        ({"max_output_tokens": 0}, "--max-output-tokens is 0"),
        ({"limit": 0}, "--limit is 0"),
        ({"max_cost": -1, "prices": PRICES}, "--max-cost is -1"),
        ({"max_cost": 5.0}, "prices"),
        ({"structured": "xml"}, "json_schema, json_object, none"),
        ({"reasoning_effort": " "}, "reasoning effort is empty"),
        ({"fields": ()}, "no field"),
        ({"run": "My Run"}, "not a legal name"),
        ({"key_env": ""}, "no name"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ScoringOptions(**{"model": "m", **wrong})


def test_a_slash_at_the_end_makes_no_other_endpoint() -> None:
    assert ScoringOptions("m", base_url="http://host/v1/").base_url == "http://host/v1"


def test_the_names_of_runs_follow_from_the_question(
    store: Store, schema: AttributeSchema, put_items: Any
) -> None:
    put_items({"a": "Alien"})
    options = ScoringOptions("Org/GPT 5.mini", items_per_request=4, temperature=0.5)
    run = plan_run(store, schema, options).run
    assert run.startswith("gpt-5-mini-demo-")
    same = dataclasses.replace(options, items_per_request=1, temperature=None, concurrency=3)
    assert plan_run(store, schema, same).run == run
    for change in (
        {"model": "other"},
        {"notes": "Old films."},
        {"max_chars": 9},
        {"base_url": "http://x/v1"},
    ):
        assert plan_run(store, schema, dataclasses.replace(options, **change)).run != run


def test_the_same_question_is_not_asked_under_two_names(
    store: Store, schema: AttributeSchema, put_items: Any
) -> None:
    put_items({"a": "Alien"})
    record_run(store, plan_run(store, schema, ScoringOptions("m", run="first")))
    with pytest.raises(UsageError, match="run first asked the same question already: go on with --run first"):
        plan_run(store, schema, ScoringOptions("m"))
    with pytest.raises(UsageError, match="run first asked"):
        plan_run(store, schema, ScoringOptions("m", run="second"))
    assert plan_run(store, schema, ScoringOptions("m", run="first")).run == "first"
    assert plan_run(store, schema, ScoringOptions("m", run="second", again=True)).run == "second"
    anew = plan_run(store, schema, ScoringOptions("m", again=True))
    record_run(store, anew)
    assert plan_run(store, schema, ScoringOptions("m", again=True)).run == f"{anew.run}-2"
    # Each goes on under its own name, without --again.
    assert plan_run(store, schema, ScoringOptions("m", run=anew.run)).run == anew.run


def test_an_existing_run_lends_what_is_left_out(
    store: Store, schema: AttributeSchema, put_items: Any
) -> None:
    put_items({"a": "Alien"})
    asked = ScoringOptions(
        "m", base_url="http://h/v1", run="r", notes="Old films.", fields=("title",), max_chars=50, repeats=2
    )
    record_run(store, plan_run(store, schema, asked))
    found, options = make_options(store, run="r", max_chars=2000, notes="", concurrency=4)
    assert found.digest == schema.digest
    assert dataclasses.replace(options, concurrency=32) == asked
    _, options = make_options(store, run="r", repeats=3)
    assert (options.repeats, options.notes) == (3, "Old films.")
    with pytest.raises(UsageError, match="no run 'other'"):
        make_options(store, run="other", model="m")
    with pytest.raises(UsageError, match="--model"):
        make_options(store, schema)
