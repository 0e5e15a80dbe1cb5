"""Agreement of runs, versions and files: the published table of the films, and what is left undefined."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from guided_store.attributes import AttributeSchema, load_schema
from guided_store.errors import DataError, UnknownVersionError, UsageError
from guided_store.scoring import agreement, build_guided, import_scores
from guided_store.store import Store

PutItems = Callable[..., None]
PutScores = Callable[..., None]
WriteCsv = Callable[..., Path]

# Pearson's r and mean absolute difference of the two scorings of 324 films, measured apart from this package.
TABLE = """
story_complexity 0.89 0.47
emotional_intensity 0.94 0.61
humor 0.97 0.56
action 0.97 0.64
suspense 0.95 0.52
scariness 0.95 0.41
romance 0.95 0.69
darkness 0.96 0.60
violence 0.96 0.51
family_friendliness 0.97 0.48
science_fiction 0.98 0.15
fantasy 0.97 0.31
crime 0.97 0.58
war 0.98 0.12
historical_setting 0.98 0.28
musicality 0.92 0.76
visual_spectacle 0.94 0.67
intellectual_depth 0.96 0.45
world_cinema 0.99 0.23
critical_acclaim 0.97 0.35
mainstream_popularity 0.97 0.62
cult_following 0.95 0.67
pace 0.92 0.41
realism 0.96 0.51
"""


def films(datasets: Path) -> list[str]:
    """Both scorings, from the datasets or else as they come with the package."""
    folder = datasets / "films"
    here = folder if (folder / "scores-second-run.csv").is_file() else Path("films")
    return [str(here / name) for name in ("scores.csv", "scores-second-run.csv")]


@pytest.mark.parametrize("bundled", [False, True])
def test_the_table_of_the_films_is_reproduced(datasets: Path, bundled: bool) -> None:
    sources = ["films/scores.csv", "films/scores-second-run.csv"] if bundled else films(datasets)
    report = agreement(None, sources, schema=load_schema("films"))
    found = [(row.attribute, f"{row.pearson:.2f}", f"{row.difference:.2f}") for row in report.attributes]
    assert found == [tuple(line.split()) for line in TABLE.strip().splitlines()]
    assert {(row.items, row.complete, row.reason) for row in (*report.attributes, report.overall)} == {
        (324, 324, None)
    }
    assert [source.items for source in report.sources] == [3883, 324]
    assert len(report.worst) == 20
    worst = [item.difference for item in report.worst]
    assert worst == sorted(worst, reverse=True)
    assert all(item.title for item in report.worst)


def test_two_files_by_hand(schema: AttributeSchema, write_csv: WriteCsv) -> None:
    head = ("item_id", "title", "humor", "pace")
    one = write_csv(
        head, (1, "One", 0, 5), (2, "Two", 4, 5), (3, "Three", 8, 5), (4, "", 1, 1), name="one.csv"
    )
    # Other items, another order, a gap.
    two = write_csv(head, (9, "Nine", 3, 3), (3, "", 9, 5), (2, "2", 6, ""), (1, "1", 0, 5), name="two.csv")
    report = agreement(None, [str(one), str(two)], schema=schema)
    humor, pace = report.attributes
    assert (humor.items, humor.complete, humor.reason) == (3, 3, None)
    assert humor.pearson == pytest.approx(np.corrcoef([0, 4, 8], [0, 6, 9])[0, 1])
    assert humor.difference == pytest.approx(1)
    assert humor.bias == pytest.approx(1)
    assert humor.alpha == pytest.approx(1 - (5 / 6) / (np.var([0, 4, 8, 0, 6, 9], ddof=1)))
    assert (pace.items, pace.difference, pace.bias) == (2, 0, 0)
    assert np.isnan([pace.pearson, pace.icc, pace.alpha]).all()
    assert pace.reason == "every score is 5"
    assert report.overall.pearson == humor.pearson
    assert report.overall.difference == pytest.approx(0.5)
    assert (report.overall.items, report.overall.complete) == (3, 2)
    assert report.overall.reason == "without what is undefined of pace"
    # Item 2 differs by 2 on its only common attribute, item 3 by 1 on one of two, item 1 not at all.
    assert [
        (item.item_id, item.title, item.difference, item.attribute, item.values) for item in report.worst
    ] == [
        ("2", "Two", 2, "humor", (4, 6)),
        ("3", "Three", 0.5, "humor", (8, 9)),
    ]
    assert agreement(None, [str(one), str(two)], schema=schema, worst=1).worst == report.worst[:1]
    assert agreement(None, [str(one), str(two)], schema=schema, worst=0).worst == ()

    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["attributes"][1] == {
        "attribute": "pace",
        "items": 2,
        "complete": 2,
        "pearson": None,
        "icc": None,
        "alpha": None,
        "difference": 0,
        "bias": 0,
        "biases": [0],
        "reason": "every score is 5",
    }
    assert content["worst"][0]["values"] == [4, 6]
    assert content["sources"][0] == {"name": str(one), "kind": "file", "items": 4}


def test_a_rater_without_variance_is_named(schema: AttributeSchema, write_csv: WriteCsv) -> None:
    head = ("item_id", "humor", "pace")
    one = write_csv(head, (1, 0, 5), (2, 4, 6), name="one.csv")
    two = write_csv(head, (1, 3, 1), (2, 3, ""), name="two.csv")
    humor, pace = agreement(None, [str(one), str(two)], schema=schema).attributes
    assert humor.reason == f"{two} scores every item 3"
    assert np.isnan(humor.pearson)
    assert not np.isnan(humor.alpha)
    assert pace.items == 1
    assert np.isnan(pace.icc)
    assert pace.reason is not None


def test_whatever_is_undefined_has_a_reason(schema: AttributeSchema, write_csv: WriteCsv) -> None:
    head = ("item_id", "humor", "pace")
    one = write_csv(head, (1, 0, 5), (2, 4, 5), name="one.csv")
    two = write_csv(head, (1, 4, 5), (2, 0, 6), name="two.csv")
    humor, pace = agreement(None, [str(one), str(two)], schema=schema).attributes
    assert np.isnan(humor.icc)
    assert humor.pearson == pytest.approx(-1)
    assert humor.reason == "too few items in common"
    assert pace.reason == f"{one} scores every item 5"


def test_the_samples_of_a_run_are_its_raters(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b", "c"], ["A", "B", "C"])
    put_scores("twice", {"a": [[1, 2], [3, 2]], "b": [[5, 5], [5, 6]], "c": [[9, 1]]})
    report = agreement(store, ["twice"], schema=schema)
    assert [(source.name, source.kind, source.items) for source in report.sources] == [
        ("twice, sample 0", "sample", 3),
        ("twice, sample 1", "sample", 2),
    ]
    assert [row.items for row in report.attributes] == [2, 2]
    assert [row.difference for row in report.attributes] == [1, 0.5]
    assert [(item.item_id, item.title) for item in report.worst] == [("a", "A"), ("b", "B")]
    put_scores("once", {"a": [[1, 2]], "b": [[5, 5]]})
    with pytest.raises(UsageError, match=r"run 'once' scored every item once.*--repeats 2"):
        agreement(store, ["once"], schema=schema)


def test_runs_versions_and_files_compare_on_the_same_footing(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["a", "b", "c"], ["A", "B", "C"])
    put_scores("r", {"a": [[1, 2], [3, 2]], "b": [[5, 5]], "c": [[9, 1]], "gone": [[4, 4]]})
    build_guided(store, "g", schema=schema, run="r")
    path = write_csv(("item_id", "humor", "pace"), ("a", 2, 2), ("b", 5, 5), ("c", 9, 1), ("gone", 4, 4))
    report = agreement(store, ["r", "guided/g", str(path)])  # the schema is that of guided/g
    assert [(source.kind, source.items) for source in report.sources] == [
        ("run", 4),
        ("version", 3),
        ("file", 4),
    ]
    for row in report.attributes:
        assert (row.items, row.complete) == (4, 3)
        assert row.difference == 0
        assert [row.pearson, row.icc, row.alpha] == pytest.approx([1, 1, 1])
        assert row.biases == (0, 0)
    assert report.worst == ()


def test_more_than_two_report_the_bias_that_is_largest(
    store: Store, put_scores: PutScores, schema: AttributeSchema
) -> None:
    for name, shift in (("x", 0), ("y", 1), ("z", -3)):
        put_scores(
            name, {item: [[score + shift, 5 + shift]] for item, score in (("a", 3), ("b", 6), ("c", 4))}
        )
    humor, pace = agreement(store, ["x", "y", "z"], schema=schema).attributes
    assert humor.pearson == pytest.approx(1)
    assert humor.biases == pytest.approx((1, -3))
    assert humor.bias == pytest.approx(-3)
    assert humor.difference == pytest.approx((1 + 3 + 4) / 3)
    assert pace.reason == "x scores every item 5; y scores every item 6; z scores every item 2"


def test_a_run_of_a_model_tells_its_schema_and_an_import_by_its_digest(
    store: Store, put_items: PutItems, write_csv: WriteCsv, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["1", "2"])
    path = write_csv(("item_id", "humor", "pace"), (1, 1, 5), (2, 2, 6))
    import_scores(store, path, schema, as_name="g", run="mine")
    put_scores("other", {"1": [[1, 5]], "2": [[3, 6]]})
    assert agreement(store, ["mine", "other"]).schema == "demo"
    with pytest.raises(UsageError, match="the ledger has no run 'nobody'; it has other, mine"):
        agreement(store, ["nobody"])


def test_what_cannot_be_compared(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1"])
    put_scores("r", {"1": [[1, 2]]})
    put_scores("s", {"2": [[1, 2]]})
    build_guided(store, "g", schema=schema, run="r")
    path = str(write_csv(("item_id", "humor", "pace"), (1, 1, 5)))
    for sources, message in (
        ([], "nothing to compare"),
        (["r", "r"], "r is named twice"),
        ([path], "is compared with nothing"),
        (["guided/g"], "is compared with nothing"),
        (["r", "s"], "no item was scored by two of r, s"),
        (["r", "t"], "has no run 't' on schema 'demo'"),
        (["r", "none.csv"], "there is no file none.csv"),
        (["r", "base/x"], "there is no version base/x"),
    ):
        with pytest.raises((UsageError, UnknownVersionError), match=re.escape(message)):
            agreement(store, sources, schema=schema)
    with pytest.raises(UsageError, match="'r' is not a file"):
        agreement(None, ["r", path], schema=schema)
    with pytest.raises(UsageError, match="give the schema"):
        agreement(None, [path, "films/scores.csv"])
    with pytest.raises(UsageError, match="cannot name -1 items"):
        agreement(store, ["r", "s"], schema=schema, worst=-1)
    with pytest.raises(DataError, match="has no column for story_complexity"):
        agreement(None, [path, "films/scores.csv"], schema=load_schema("films"))
    changed = AttributeSchema("demo", 2, "film", (0, 10), schema.attributes)
    with pytest.raises(UsageError, match="run 'r' was scored on another schema"):
        agreement(store, ["r", path], schema=changed)
    with pytest.raises(UsageError, match="guided/g was built on another schema"):
        agreement(store, [path, "guided/g"], schema=changed)


def test_base_and_refined_versions_hold_no_scores(
    store: Store, put_scores: PutScores, schema: AttributeSchema
) -> None:
    from guided_store.versions import write_version

    put_scores("r", {"1": [[1, 2]]})
    write_version(store, "base/b", ["1"], np.ones((1, 2), np.float32))
    with pytest.raises(UsageError, match="base/b holds no scores of its own; name a guided version"):
        agreement(store, ["r", "base/b"], schema=schema)


def test_a_damaged_ledger_row_is_named(store: Store, schema: AttributeSchema, put_scores: PutScores) -> None:
    put_scores("r", {"1": [[1, 2]], "2": [[1, 2, 3]]})
    with pytest.raises(DataError, match=r"row r-2-0 of run 'r' in the ledger does not have 2 values"):
        agreement(store, ["r", "films/scores.csv"], schema=schema)
