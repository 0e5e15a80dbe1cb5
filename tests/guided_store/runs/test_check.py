"""Alone against in a batch: measured against a server whose answers in batches are shifted, or only noisy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from books import PRICES, SCHEMA, make_store

from guided_store.errors import UsageError
from guided_store.ledger import find_run
from guided_store.runs import (
    BatchingCheck,
    RunReport,
    ScoringError,
    ScoringOptions,
    check_batching,
    score_items,
)
from guided_store.runs._check import _compare
from guided_store.store import create, open

Fake = Callable[..., Any]


def check(path: Path, fake: Any, sample: int = 12, **options: Any) -> BatchingCheck:
    chosen: dict[str, Any] = {"base_url": fake.url, "items_per_request": 4, "prices": PRICES, **options}
    return check_batching(open(path), SCHEMA, ScoringOptions("fake", **chosen), sample=sample)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_store(tmp_path / "store", [f"Film {n}" for n in range(30)])


def test_the_same_answers_differ_by_nothing(path: Path, fake_openai: Fake) -> None:
    fake = fake_openai(latency=0.005)
    found = check(path, fake)
    assert (found.items, found.alone, found.batch, found.excess) == (12, 0.0, 0.0, 0.0)
    assert not found.differs
    assert [entry.name for entry in found.attributes] == list(SCHEMA.names)
    assert [report.requests for report in found.runs] == [24, 3]
    assert found.spent == pytest.approx(sum(report.spent or 0 for report in found.runs))
    assert "no change" in "\n".join(found.lines())


def test_a_shift_in_batches_is_found(path: Path, fake_openai: Fake) -> None:
    found = check(path, fake_openai(latency=0.005, shift=2, noise=0.2), sample=30)
    assert found.differs
    assert 1.0 < found.excess < 2.0  # less than two points: the scale ends at 10
    assert all(entry.shift > 0.8 for entry in found.attributes)
    assert "changes the answers" in "\n".join(found.lines())


def test_answers_are_kept_and_not_bought_again(path: Path, fake_openai: Fake) -> None:
    fake = fake_openai(latency=0.005, noise=0.3)
    first, before = check(path, fake), len(fake.received())
    second = check(path, fake)
    assert len(fake.received()) == before
    assert (second.attributes, second.excess, second.spent) == (first.attributes, first.excess, 0.0)
    store = open(path)
    for report in first.runs:
        record = find_run(store, report.run)
        assert record is not None
        assert record.purpose == "check"
    # Scoring itself is another matter: it neither finds these answers nor is it kept from asking.
    options = ScoringOptions("fake", base_url=fake.url, limit=3)
    assert score_items(store, SCHEMA, options).ok == 3


def test_the_sample_does_not_depend_on_the_order_of_items(tmp_path: Path, fake_openai: Fake) -> None:
    asked = []
    for name, step in (("one", 1), ("two", -1)):
        fake = fake_openai(latency=0.005)
        path = tmp_path / name
        with create(path) as store:
            rows = [{"item_id": f"i{n}", "title": f"Film {n}"} for n in range(30)][::step]
            store.append("items", pa.Table.from_pylist(rows))
        assert check(path, fake, sample=5).items == 5
        asked.append({title for event in fake.log for title in event.get("items", ())})
    assert asked[0] == asked[1]
    assert len(asked[0]) == 5


def test_a_check_that_was_stopped_goes_on(path: Path, fake_openai: Fake) -> None:
    fake = fake_openai(latency=0.005)
    with pytest.raises(ScoringError, match="max-cost"):
        check(path, fake, max_cost=0.008)
    before = len(fake.received())
    found = check(path, fake)
    assert found.items == 12
    assert len(fake.received()) == 27  # nothing twice
    assert before < 27


@pytest.mark.parametrize(
    ("wrong", "words"), [({"items_per_request": 1}, "batches of one"), ({"sample": 1}, "at least 2")]
)
def test_what_makes_no_sense(path: Path, fake_openai: Fake, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check(path, fake_openai(), **wrong)


def test_the_figures_by_hand() -> None:
    alone = np.array([[[1.0, 5.0, 5, 5], [2.0, np.nan, 5, 5]], [[3.0, 5.0, 5, 5], [2.0, 5.0, 5, 5]]])
    batch = np.array([[2.0, 7.0, 5, 5], [5.0, 5.0, 5, np.nan]])
    found = _compare(ScoringOptions("m", items_per_request=2), SCHEMA, alone, batch, (_report(), _report()))
    humor, pace, gore, depth = found.attributes
    assert (humor.alone, humor.batch, humor.shift, humor.items) == (1.0, 2.0, 1.5, 2)
    assert (pace.alone, pace.batch, pace.shift, pace.items) == (0.0, 2.0, 2.0, 1)
    assert (gore.batch, gore.items, depth.items) == (0.0, 2, 1)
    assert found.alone == pytest.approx(2 / 6)
    assert found.batch == pytest.approx(6 / 6)
    assert found.excess == pytest.approx(4 / 6)
    assert found.interval[0] <= found.excess <= found.interval[1]
    with pytest.raises(UsageError, match="no item got all three"):
        _compare(
            ScoringOptions("m", items_per_request=2), SCHEMA, alone, batch * np.nan, (_report(), _report())
        )


def _report() -> RunReport:
    return RunReport(
        run="r",
        model="m",
        requests=0,
        ok=0,
        failed=0,
        unknown=0,
        left=0,
        without_text=0,
        already=0,
        given_up=0,
        in_batches=0,
        spent=None,
        run_spent=None,
        tokens_in=0,
        tokens_out=0,
        seconds=0.0,
        stopped=None,
        waiting=0,
    )
