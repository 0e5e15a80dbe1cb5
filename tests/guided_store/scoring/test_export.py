"""Exported scores: what `score import` reads back is what the ledger holds, to the last bit."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import UnknownVersionError, UsageError
from guided_store.scoring import build_guided, export_scores, import_scores
from guided_store.scoring._export import _decimals
from guided_store.store import Store
from guided_store.versions import load_embedding

PutItems = Callable[..., None]
PutScores = Callable[..., None]

TITLES = ['The "Third" Man, 2', "Café\nFleurs", None, "  spaces  inside", "=1+2"]
SCORES = {
    "007": [[1 / 3, 10]],
    "b,c": [[0, None]],
    'q"': [[7, 7], [8, 2.5]],
    "9": [[0.1, 1e-7]],
    "no title": [[5, 9.999999]],
}


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_import_reads_an_export_back_to_the_same_values(
    store: Store,
    put_items: PutItems,
    put_scores: PutScores,
    schema: AttributeSchema,
    tmp_path: Path,
    ending: str,
) -> None:
    put_items(list(SCORES), TITLES, [1999, 2000, 2001, 2002, 2003])
    put_scores("r", SCORES)
    first = build_guided(store, "first", schema=schema, run="r")
    path = tmp_path / f"out.{ending}"
    report = export_scores(store, "r", path, schema=schema)
    assert (report.items, report.attributes, report.missing_values, report.schema) == (5, 2, 1, "demo")
    assert report.lines() == [
        f"wrote 2 scores of 5 items (r) to {path}",
        "note: 1 of them missing, left blank",
    ]
    assert report.to_dict()["path"] == str(path)
    back = import_scores(store, path, schema, as_name="back", run="back")
    assert (back.rows_used, back.ignored_columns, back.notes) == (5, (), ())
    before, after = load_embedding(store, "guided/first"), load_embedding(store, "guided/back")
    assert before.raw is not None
    np.testing.assert_array_equal(before.raw, after.raw)
    np.testing.assert_array_equal(before.vectors, after.vectors)
    assert first.recipe["mean"] == pytest.approx(back.version.recipe["mean"])

    again = tmp_path / f"again.{ending}"
    export_scores(store, "guided/back", again)
    assert again.read_bytes() == path.read_bytes()


def test_the_file_reads_well(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema, tmp_path: Path
) -> None:
    put_items(["1", "2", "3"], ["One", None, "Three"], [1950, 1960, 1970])
    put_scores("r", {"2": [[4, 0.1]], "1": [[10, None]], "3": [[None, None]], "gone": [[1, 2]]})
    path = tmp_path / "scores.csv"
    path.write_text("old")
    export_scores(store, "r", path, schema=schema)
    with path.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["item_id", "title", "year", "humor", "pace"],
            ["2", "", "1960", "4", "0.1"],
            ["1", "One", "1950", "10", ""],
            ["gone", "", "", "1", "2"],
        ]
    assert [path.name for path in tmp_path.glob("*scores*")] == ["scores.csv"]


def test_an_export_without_titles_has_no_empty_column(
    store: Store, put_scores: PutScores, schema: AttributeSchema, tmp_path: Path
) -> None:
    put_scores("r", {"1": [[4, 5]]})
    export_scores(store, "r", tmp_path / "x.parquet", schema=schema)
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {"item_id": ["1"], "humor": [4], "pace": [5]}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_score_at_the_end_of_an_inexact_scale_stays_within_it(
    store: Store,
    put_items: PutItems,
    put_scores: PutScores,
    schema: AttributeSchema,
    tmp_path: Path,
    ending: str,
) -> None:
    """float32(0.1) is above 0.1."""
    narrow = AttributeSchema("narrow", 1, "film", (-0.3, 0.1), schema.attributes)
    put_items(["1", "2"])
    put_scores("r", {"1": [[0.1, -0.3]], "2": [[0, 0.05]]}, scored=narrow)
    path = tmp_path / f"x.{ending}"
    export_scores(store, "r", path, schema=narrow)
    import_scores(store, path, narrow, as_name="x", run="x")
    raw = load_embedding(store, "guided/x").raw
    np.testing.assert_array_equal(raw, np.array([[0.1, -0.3], [0, 0.05]], np.float32))


@given(arrays(np.float32, (5, 3), elements=st.floats(-1e6, 1e6, width=32) | st.just(np.nan)))
def test_decimals_stand_for_the_same_float32(values: NDArray[np.float32]) -> None:
    found = _decimals(values.astype(np.float64))
    np.testing.assert_array_equal(found.astype(np.float32), values)
    assert [repr(value) for value in found.ravel().tolist()] == [
        repr(float(str(value + np.float32(0)))) for value in values.ravel()
    ]


def test_what_cannot_be_exported(
    store: Store, put_scores: PutScores, schema: AttributeSchema, tmp_path: Path
) -> None:
    put_scores("r", {"1": [[4, 5]]})
    put_scores("none", {"1": [[None, None]]})
    for source, path, message in (
        ("r", "x.json", r"scores are written as \.csv, \.tsv, \.parquet: name such a file, not '.*x\.json'"),
        ("r", "no/where/x.csv", "the folder .*where does not exist"),
        ("films/scores.csv", "x.csv", "is a file; name a run or guided/NAME"),
        ("s", "x.csv", "has no run 's'"),
        ("none", "x.csv", "none holds no score to export"),
    ):
        with pytest.raises(UsageError, match=message):
            export_scores(store, source, tmp_path / path, schema=schema)
    with pytest.raises(UnknownVersionError):
        export_scores(store, "guided/none", tmp_path / "x.csv")
    assert list(tmp_path.glob("*x.*")) == []
