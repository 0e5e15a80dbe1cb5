"""Records of runs: written once, never turned into another question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import RunRecord, find_run, record_run, run_records
from guided_store.store import Store

ENDS = Attribute("humor", "none", "constant"), Attribute("pace", "slow", "fast", hindsight=True)
RECORD = RunRecord(
    run="first",
    provider="openai",
    model="some-model",
    endpoint="http://localhost:8000/v1",
    purpose="score",
    schema=AttributeSchema("demo", 1, "film", (0, 10), ENDS),
    prompt_hash="abc",
    prompt='Score "films"\nwell.',
    fields=("title", "plot"),
    max_chars=500,
    allow_unknown=False,
    settings={"temperature": 0.5, "repeats": 2},
    created=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
)


def test_a_record_comes_back_as_it_was(store: Store) -> None:
    assert find_run(store, "first") is None
    assert run_records(store) == []
    assert record_run(store, RECORD) is RECORD
    assert find_run(store, "first") == RECORD
    assert find_run(store, "fir'st") is None


def test_the_same_question_is_recorded_once(store: Store) -> None:
    record_run(store, RECORD)
    later = replace(RECORD, settings={"temperature": 1.0}, created=datetime(2026, 2, 1, tzinfo=UTC))
    assert record_run(store, later) == RECORD
    assert run_records(store) == [RECORD]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"model": "other"}, "another model"),
        ({"endpoint": None}, "another endpoint"),
        ({"prompt_hash": "x"}, "another prompt"),
        ({"fields": ("plot", "title")}, "another fields"),
        ({"max_chars": 10, "provider": "local"}, "another provider and text length"),
        ({"schema": AttributeSchema("demo", 2, "film", (0, 10), ENDS)}, "another schema"),
    ],
)
def test_another_question_under_a_name_in_use_is_refused(
    store: Store, change: dict[str, object], named: str
) -> None:
    record_run(store, RECORD)
    with pytest.raises(UsageError, match=f"run 'first' exists and asks with {named}"):
        record_run(store, replace(RECORD, **change))  # type: ignore[arg-type]
    assert run_records(store) == [RECORD]
