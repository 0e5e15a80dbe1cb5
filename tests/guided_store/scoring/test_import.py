"""Importing scores into a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.errors import DataError, UsageError, VersionError
from guided_store.ledger import list_runs
from guided_store.scoring import build_guided, guided_schema, import_scores
from guided_store.store import Store
from guided_store.versions import get_version, load_embedding

PutItems = Callable[..., None]
WriteCsv = Callable[..., Path]


def test_a_guided_version_holds_standard_scores_raw_scores_and_flags(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["a", "b", "c", "d", "e"])
    path = write_csv(
        ("item_id", "pace", "extra", "humor"),
        ("b", 2, 0, 4),
        ("a", 4, 0, 8),
        ("d", "", 0, 6),
        ("c", 6, 0, 6),
        ("z", 1, 0, 1),
    )
    report = import_scores(store, path, schema, as_name="demo")
    assert (report.coverage, report.scored_items, report.missing_values) == (0.8, 4, 1)
    assert (report.rows_read, report.rows_used, report.appended, report.recognised) == (5, 4, 4, 0)
    assert report.ignored_columns == ("extra",)
    assert report.unscored == ("e",)

    part = load_embedding(store, "guided/demo")
    assert part.item_ids == ("a", "b", "c", "d", "e")
    assert part.attributes == ("humor", "pace")
    raw = np.array([[8, 4], [4, 2], [6, 6], [6, np.nan], [np.nan, np.nan]], np.float32)
    np.testing.assert_array_equal(part.raw, raw)
    np.testing.assert_array_equal(part.imputed, np.isnan(raw))
    humor, pace = np.sqrt(2), np.sqrt(8 / 3)
    expected = [[2 / humor, 0], [-2 / humor, -2 / pace], [0, 2 / pace], [0, 0], [0, 0]]
    np.testing.assert_allclose(part.vectors, expected, rtol=1e-6)
    assert part.std is None

    recipe = get_version(store, "guided/demo").recipe
    assert recipe["mean"] == pytest.approx([6, 4])
    assert recipe["deviation"] == pytest.approx([humor, pace])
    assert recipe["attributes"] == ["humor", "pace"]
    assert (recipe["guided_columns"], recipe["coverage"], recipe["imputed_values"]) == (2, 0.8, 3)
    assert (recipe["source"], recipe["match"]) == ("scores.csv", ["item_id"])
    assert recipe["runs"] == [
        {"run": report.run, "provider": "import", "model": None, "samples": 1, "items": 4, "stale": 0}
    ]
    assert guided_schema(get_version(store, "guided/demo")) == schema


def test_the_report_reads_well_and_is_json(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2", "3", "4", "5"])
    rows = [(1, 1, 5), (2, 2, 5), (3, "", 5), (4, 3, 5), (4, 4, 5)]
    path = write_csv(("item_id", "humor", "pace"), *rows)
    report = import_scores(store, path, schema, as_name="x", on_error="skip")
    assert report.lines() == [
        "guided/x: 5 items x 2 attributes, from scores.csv by item_id",
        "coverage 80.0%: 4 of 5 items are scored; 4 of the file's 4 rows are used",
        f"ledger: 4 rows added to run {report.run}",
        "1 blank cells took their attribute's mean, marked as imputed",
        "1 items without scores took every attribute's mean, marked as imputed: 5",
        f"1 rows skipped: {path}, line 6: item '4' was given already in line 5",
        "every item has the same score on pace: no use for telling items apart",
    ]
    assert json.loads(json.dumps(report.to_dict()))["coverage"] == 0.8
    assert load_embedding(store, "guided/x").vectors[:, 1].tolist() == [0] * 5


def test_the_same_file_again_writes_no_row_twice_and_gives_the_same_content(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"])
    path = write_csv(("item_id", "humor", "pace"), (1, 1, 5), (2, 2, 6), (3, 3, 7))
    first = import_scores(store, path, schema, as_name="one")
    second = import_scores(store, path, schema, as_name="two")
    assert (second.appended, second.recognised, second.run) == (0, 2, first.run)
    assert store.count("scores") == 2
    assert second.version.digest == first.version.digest

    # what the catalogue gains later is added to the same run
    put_items(["3"])
    third = import_scores(store, path, schema, as_name="three", run="another")
    assert (third.appended, third.recognised, third.run) == (1, 2, first.run)
    assert load_embedding(store, "guided/three").raw is not None
    assert [(info.run, info.answers, info.items) for info in list_runs(store)] == [(first.run, 3, 3)]


def test_a_version_can_be_rebuilt_from_the_ledger_without_the_file(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"])
    path = write_csv(("item_id", "humor", "pace"), (1, 1, 5), (2, "", 6))
    report = import_scores(store, path, schema, as_name="one", run="mine")
    path.unlink()
    assert report.run == "mine"
    again = build_guided(store, "again", schema=schema)
    assert again.digest == report.version.digest
    assert [entry["run"] for entry in again.recipe["runs"]] == ["mine"]


def test_items_that_only_occur_in_interactions_get_a_row(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv, tmp_path: Path
) -> None:
    from guided_store.catalogue import InteractionLayout, ingest_interactions

    put_items(["1", "2"])
    events = write_csv(
        ("user", "item", "time"), ("u", "9", 1), ("u", "1", 2), ("v", "10", 3), name="events.csv"
    )
    ingest_interactions(store, events, InteractionLayout(user="user", item="item", time="time"))
    path = write_csv(("item_id", "humor", "pace"), (1, 1, 5), (2, 2, 6), (9, 3, 7), (10, 4, 8))
    report = import_scores(store, path, schema, as_name="x")
    assert report.coverage == 1
    assert load_embedding(store, "guided/x").item_ids == ("1", "2", "10", "9")


def test_too_low_a_coverage_is_refused_and_writes_nothing(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2", "3", "4"])
    path = write_csv(("item_id", "humor", "pace"), (1, 1, 5), (2, 2, 6), (3, 3, 7), (4, "", ""))
    with pytest.raises(UsageError, match=r"scores 3 of 4 items in the catalogue \(75\.0%\), less than 80%"):
        import_scores(store, path, schema, as_name="x")
    assert store.table_names() == ["items"]
    report = import_scores(store, path, schema, as_name="x", allow_missing=True)
    assert (report.coverage, report.unscored) == (0.75, ("4",))
    with pytest.raises(UsageError, match="less than 80%"):
        build_guided(store, "y", schema=schema)


def test_no_item_in_common(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"])
    path = write_csv(("item_id", "humor", "pace"), ("x", 1, 5))
    with pytest.raises(
        UsageError, match="scores none of the 2 items in the catalogue; check how they are joined"
    ):
        import_scores(store, path, schema, as_name="x", allow_missing=True)


def test_an_attribute_without_any_score_is_refused(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"])
    path = write_csv(("item_id", "humor", "pace"), (1, 1, ""), (2, 2, ""))
    with pytest.raises(DataError, match="has no score at all for pace"):
        import_scores(store, path, schema, as_name="x")


def test_ids_that_name_other_items_are_refused_by_their_titles(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2", "3"], ["Toy Story (1995)", "GoldenEye (1995)", "Heat (1995)"])
    path = write_csv(
        ("item_id", "title", "year", "humor", "pace"),
        (1, "Toy Story", 1995, 8, 7),
        (2, "Jumanji", 1995, 5, 8),
        (3, "Goldeneye", 1995, 2, 9),
        (6, "Heat", 1996, 1, 6),
    )
    with pytest.raises(DataError) as caught:
        import_scores(store, path, schema, as_name="x")
    assert str(caught.value).startswith(
        f"{path}: joined by item id, only 33.3% of 3 titles agree with the catalogue's (id 2 is "
        "'GoldenEye (1995)' here and 'Jumanji' there; id 3 is 'Heat (1995)' here and 'Goldeneye' there)"
    )
    assert "--match title,year" in str(caught.value)
    report = import_scores(store, path, schema, as_name="x", match=("title", "year"))
    assert report.notes == ("1 items were matched with a year that is one off",)
    np.testing.assert_array_equal(load_embedding(store, "guided/x").raw, [[8, 7], [2, 9], [1, 6]])


def test_a_few_differing_titles_are_noted_only(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    ids = [str(number) for number in range(20)]
    put_items(ids, [f"Film {number}" for number in ids])
    rows = [(number, "Other" if number == "7" else f"film {number}", number, 5) for number in ids]
    path = write_csv(("item_id", "title", "humor", "pace"), *[(a, b, int(c) % 11, d) for a, b, c, d in rows])
    report = import_scores(store, path, schema, as_name="x")
    assert "1 of 20 titles differ between file and catalogue (joined by id)" in report.notes


def test_ambiguous_titles_are_reported_and_not_scored(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    ids = [str(number) for number in range(5)]
    put_items(ids, ["Emma", "Heat, The", "Babe", "Kids", "Powder"], [1996, 1995, 1995, 1995, 1995])
    titles = [
        ("Emma", 1996),
        ("Emma", 1996),
        ("the heat", 1995),
        ("Babe", 1995),
        ("Kids", 1995),
        ("Powder", 1995),
    ]
    path = write_csv(("title", "year", "humor", "pace"), *[(*t, i, 5 + i % 2) for i, t in enumerate(titles)])
    report = import_scores(store, path, schema, as_name="x", match=("title", "year"))
    assert report.ambiguous == ("'emma' (1996) fits 2 rows: 'emma' (1996), 'emma' (1996)",)
    assert report.unscored == ("0",)
    assert any(line.startswith("1 ambiguous, not guessed: 'emma' (1996)") for line in report.lines())


def test_titles_alone_where_nothing_has_a_year(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"], ["Fire Emblem", "TETRIS"])
    path = write_csv(("name", "humor", "pace"), ("tetris", 1, 5), ("fire emblem", 2, 6))
    from guided_store.scoring import Columns

    with pytest.raises(UsageError, match="has no titles to match by; name its title column"):
        import_scores(store, path, schema, as_name="x", match=("title",))
    columns = Columns(title="name")
    with pytest.raises(UsageError, match="the catalogue has no years, neither in a column nor in titles"):
        import_scores(store, path, schema, as_name="x", match=("title", "year"), columns=columns)
    report = import_scores(store, path, schema, as_name="x", match=("title",), columns=columns)
    assert report.coverage == 1
    assert report.ignored_columns == ()


def test_requests_that_cannot_work(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    path = write_csv(("item_id", "title", "humor", "pace"), (1, "x", 1, 5), (2, "y", 2, 6))
    with pytest.raises(UsageError, match="the store has no items yet"):
        import_scores(store, path, schema, as_name="x")
    put_items(["1", "2"])
    with pytest.raises(UsageError, match=r"cannot match by 'isbn'; match by item_id or title,year or title"):
        import_scores(store, path, schema, as_name="x", match=("isbn",))
    with pytest.raises(UsageError, match="the catalogue has no titles to match by"):
        import_scores(store, path, schema, as_name="x", match=("title", "year"))
    with pytest.raises(UsageError, match="not a legal name"):
        import_scores(store, path, schema, as_name="No Good")
    with pytest.raises(UsageError, match=r"it's.* is not a legal name"):
        import_scores(store, path, schema, as_name="x", run="it's")
    import_scores(store, path, schema, as_name="x")
    with pytest.raises(VersionError, match="there is a version guided/x already"):
        import_scores(store, path, schema, as_name="x")


def test_the_runs_of_a_schema_must_be_told_apart(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"])
    with pytest.raises(UsageError, match="nothing was scored on schema 'demo' yet"):
        build_guided(store, "x", schema=schema)
    for number, name in enumerate(("first", "second")):
        path = write_csv(("item_id", "humor", "pace"), (1, number, 5), (2, 2, 6), name=f"{name}.csv")
        import_scores(store, path, schema, as_name=name, run=name)
    with pytest.raises(UsageError, match="several runs scored on schema 'demo': name one of first, second"):
        build_guided(store, "x", schema=schema)
    with pytest.raises(UsageError, match="has no run 'third' on schema 'demo'; it has first, second"):
        build_guided(store, "x", schema=schema, run="third")
    changed = AttributeSchema("demo", 2, "film", (0, 10), schema.attributes)
    with pytest.raises(
        UsageError, match="run 'first' was scored on another schema than 'demo' as it reads now"
    ):
        build_guided(store, "x", schema=changed, run="first")
    built = build_guided(store, "x", schema=schema, run="second")
    assert built.digest == get_version(store, "guided/second").digest


def test_marking_hindsight_later_does_not_orphan_the_scores(
    store: Store, put_items: PutItems, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["1", "2"])
    path = write_csv(("item_id", "humor", "pace"), (1, 1, 5), (2, 2, 6))
    import_scores(store, path, schema, as_name="before")
    marked = tuple(Attribute(a.name, a.low, a.high, hindsight=True) for a in schema.attributes)
    build_guided(store, "after", schema=AttributeSchema("demo", 1, "film", (0, 10), marked))
    assert guided_schema(get_version(store, "guided/after")).hindsight == ("humor", "pace")
