"""The scores ledger: idempotent, attempts, repeated samples, failures kept apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from guided_store.errors import DataError
from guided_store.scoring import append_rows, list_runs
from guided_store.scoring._ledger import SCHEMA, find_rows, read_run
from guided_store.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*answers: tuple[str, int, int, str, list[float | None] | None]) -> pa.Table:
    """Ledger rows of run "r" from (item, sample, attempt, status, values)."""
    content = [
        {
            "row_id": f"{item}/{sample}/{attempt}",
            "request_id": f"{item}/{sample}/{attempt}",
            "run": "r",
            "item_id": item,
            "sample": sample,
            "attempt": attempt,
            "status": status,
            "provider": "openai",
            "model": "some-model",
            "values": values,
            "schema_digest": "s",
            "cost": 0.25,
            "created": START + timedelta(seconds=number),
        }
        for number, (item, sample, attempt, status, values) in enumerate(answers)
    ]
    return pa.Table.from_pylist(content, schema=SCHEMA)


def test_appending_again_adds_nothing(store: Store) -> None:
    answers = rows(("a", 0, 1, "ok", [1, 2]), ("b", 0, 1, "ok", [3, None]))
    assert append_rows(store, answers) == 2
    assert append_rows(store, answers) == 0
    assert append_rows(store, rows(("b", 0, 1, "ok", [3, None]), ("c", 0, 1, "failed", None))) == 1
    assert store.count("scores") == 3
    assert sorted(find_rows(store, ["a/0/1", "x"]).column("row_id").to_pylist()) == ["a/0/1"]


def test_gaps_stay_null_in_storage(store: Store) -> None:
    append_rows(store, rows(("b", 0, 1, "ok", [3, None])))
    assert store.read("scores", ["values"]).column("values").to_pylist() == [[3, None]]


def test_the_last_good_attempt_counts_whatever_the_order_of_rows(store: Store) -> None:
    append_rows(
        store,
        rows(
            ("a", 0, 3, "failed", None),
            ("a", 0, 2, "ok", [5, 6]),
            ("a", 0, 1, "ok", [1, 2]),
            ("b", 0, 1, "unknown", None),
        ),
    )
    scores = read_run(store, "r", "s", ["b", "a"], 2)
    np.testing.assert_array_equal(scores.mean, [[np.nan, np.nan], [5, 6]])
    assert scores.spread is None


def test_samples_are_averaged_with_their_spread(store: Store) -> None:
    append_rows(
        store,
        rows(
            ("a", 0, 1, "ok", [2, 5]),
            ("a", 1, 1, "ok", [9, 9]),
            ("a", 1, 2, "ok", [4, None]),
            ("b", 0, 1, "ok", [7, 1]),
        ),
    )
    scores = read_run(store, "r", "s", ["a", "b", "c"], 2)
    np.testing.assert_array_equal(scores.mean, [[3, 5], [7, 1], [np.nan, np.nan]])
    np.testing.assert_array_equal(scores.spread, [[1, 0], [0, 0], [np.nan, np.nan]])


def test_runs_are_summed_up(store: Store) -> None:
    assert list_runs(store) == []
    append_rows(
        store,
        rows(
            ("a", 0, 1, "failed", None),
            ("a", 0, 2, "ok", [1, 1]),
            ("a", 1, 1, "ok", [1, 1]),
            ("b", 0, 1, "unknown", None),
        ),
    )
    (info,) = list_runs(store)
    assert (info.run, info.provider, info.model, info.schema_digest) == ("r", "openai", "some-model", "s")
    assert (info.answers, info.failed, info.items, info.cost) == (2, 2, 1, 1.0)
    assert (info.first, info.last) == (START, START + timedelta(seconds=3))


def test_a_row_of_another_width_is_damage(store: Store) -> None:
    append_rows(store, rows(("a", 0, 1, "ok", [1, 2]), ("b", 0, 1, "ok", [1])))
    assert np.isnan(read_run(store, "it's another", "s", ["a", "b"], 2).mean).all()
    with pytest.raises(DataError, match="row b/0/1 of run 'r' in the ledger does not have 2 values"):
        read_run(store, "r", "s", ["a", "b"], 2)
