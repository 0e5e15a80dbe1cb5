"""Which answers of a run are in force: last good attempts, about the current text where there are any."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from records import run_record

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.errors import DataError
from guided_store.ledger import SCHEMA, append_rows, iter_texts, read_answers, record_run
from guided_store.store import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = Attribute("humor", "none", "constant"), Attribute("pace", "slow", "fast")
ASKED = AttributeSchema("demo", 1, "film", (0, 10), ENDS)

Answer = tuple[str, int, int, str, list[float | None] | None]


def put(store: Store, *answers: Answer, texts: list[str | None] | None = None) -> None:
    """Rows of run "r" from (item, sample, attempt, status, values), and the hash of the text of each."""
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
            "values": values,
            "schema_digest": ASKED.digest,
            "text_hash": None if texts is None else texts[number],
            "created": START,
        }
        for number, (item, sample, attempt, status, values) in enumerate(answers)
    ]
    append_rows(store, pa.Table.from_pylist(content, schema=SCHEMA))


def test_the_last_good_attempt_counts_whatever_the_order_of_rows(store: Store) -> None:
    put(
        store,
        ("a", 0, 3, "failed", None),
        ("a", 0, 2, "ok", [5, 6]),
        ("a", 0, 1, "ok", [1, 2]),
        ("b", 0, 1, "unknown", None),
    )
    answers = read_answers(store, "r", ASKED, ["b", "a"])
    np.testing.assert_array_equal(answers.mean, [[np.nan, np.nan], [5, 6]])
    assert answers.spread is None
    assert read_answers(store, "r", ASKED).item_ids == ("a",)


def test_samples_are_averaged_with_their_spread(store: Store) -> None:
    put(
        store,
        ("a", 0, 1, "ok", [2, 5]),
        ("a", 1, 1, "ok", [9, 9]),
        ("a", 1, 2, "ok", [4, None]),
        ("b", 0, 1, "ok", [7, 1]),
    )
    answers = read_answers(store, "r", ASKED, ["a", "b", "c"])
    assert answers.samples == (0, 1)
    np.testing.assert_array_equal(answers.mean, [[3, 5], [7, 1], [np.nan, np.nan]])
    # One answer alone says nothing of its uncertainty.
    np.testing.assert_array_equal(answers.spread, [[1, np.nan], [np.nan, np.nan], [np.nan, np.nan]])


def test_a_row_of_another_width_is_damage(store: Store) -> None:
    put(store, ("a", 0, 1, "ok", [1, 2]), ("b", 0, 1, "ok", [1]))
    assert np.isnan(read_answers(store, "it's another", ASKED, ["a", "b"]).mean).all()
    with pytest.raises(DataError, match="row b/0/1 of run 'r' in the ledger does not have 2 values"):
        read_answers(store, "r", ASKED, ["a", "b"])


def test_answers_about_the_current_text_come_first(store: Store, put_items: Any) -> None:
    put_items(["a", "b"], title=["Heat", "Ronin"])
    now = {text.item_id: text.hash for text in iter_texts(store, ["title"])}
    record_run(store, run_record(ASKED))
    put(
        store,
        ("a", 0, 1, "ok", [1, 1]),
        ("a", 0, 2, "ok", [2, 2]),
        ("b", 0, 1, "ok", [3, 3]),
        texts=[now["a"], "an older one", "an older one"],
    )
    answers = read_answers(store, "r", ASKED, ["a", "b", "c"])
    np.testing.assert_array_equal(answers.mean[:, 0], [1, 3, np.nan])
    assert answers.stale == 1


def test_imported_rows_are_about_no_text_in_particular(store: Store) -> None:
    put(store, ("a", 0, 1, "ok", [1, 1]), texts=[None])
    assert read_answers(store, "r", ASKED, ["a"]).stale == 0
