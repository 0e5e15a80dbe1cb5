"""Guided versions of several runs, with uncertainty, and versions that extend others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from records import run_record

from guided_store.attributes import AttributeSchema
from guided_store.embeddings import build_refined
from guided_store.errors import DataError, UnknownVersionError, UsageError, VersionError
from guided_store.ledger import iter_texts, record_run
from guided_store.scoring import build_guided, guided_schema, import_scores
from guided_store.store import Store
from guided_store.versions import load_embedding, write_version

PutItems = Callable[..., None]
PutScores = Callable[..., None]
WriteCsv = Callable[..., Path]
NAN = np.nan


def test_runs_are_averaged_with_one_vote_each(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b", "c", "d"])
    # Three samples of the first run do not outvote the second.
    put_scores("x", {"a": [[2, 0], [4, 0], [6, 3]], "b": [[5, 5]], "c": [[1, None]]})
    put_scores("y", {"c": [[3, 9]], "a": [[8, 1]], "d": [[7, 7]]}, model="other-model")
    info = build_guided(store, "both", schema=schema, runs=["x", "y"])
    found = load_embedding(store, "guided/both")
    np.testing.assert_array_equal(found.raw, [[6, 1], [5, 5], [2, 9], [7, 7]])
    assert found.std is not None
    # Half the distance of two means; unknown where one run alone gives a score.
    np.testing.assert_array_equal(found.std, [[2, 0], [NAN, NAN], [1, NAN], [NAN, NAN]])
    np.testing.assert_allclose(found.vectors.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found.vectors.std(axis=0), 1, rtol=1e-6)
    both = {"provider": "openai", "stale": 0}
    assert info.recipe["runs"] == [
        {"run": "x", "model": "some-model", "samples": 3, "items": 3, **both},
        {"run": "y", "model": "other-model", "samples": 1, "items": 3, **both},
    ]
    assert (info.recipe["spread_of"], info.recipe["scored_items"], info.recipe["coverage"]) == ("runs", 4, 1)
    other = build_guided(store, "other-order", schema=schema, runs=["y", "x"])
    np.testing.assert_allclose(load_embedding(store, other.ref).raw, found.raw)


def test_one_run_with_repeats_spreads_between_its_samples(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[2, 0], [4, 0], [6, None]], "b": [[5, 5]]})
    info = build_guided(store, "x", schema=schema)
    found = load_embedding(store, "guided/x")
    np.testing.assert_array_equal(found.raw, [[4, 0], [5, 5]])
    np.testing.assert_allclose(found.std, [[np.sqrt(8 / 3), 0], [NAN, NAN]], rtol=1e-6)
    assert info.recipe["spread_of"] == "samples"
    put_scores("y", {"a": [[2, 0]], "b": [[5, 5]]})
    single = build_guided(store, "y", schema=schema, run="y")
    assert (load_embedding(store, single.ref).std, single.recipe["spread_of"]) == (None, None)


def test_of_each_sample_the_last_attempt_counts(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[2, 0], [4, 0]]}, attempt=2)
    put_scores("x", {"a": [[9, 9]], "b": [[1, 1]]})
    build_guided(store, "x", schema=schema)
    np.testing.assert_array_equal(load_embedding(store, "guided/x").raw, [[3, 0], [1, 1]])


def test_answers_about_an_older_text_are_counted_and_give_way(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b", "c"], ["New", "Same", "Changed"])
    now = {text.item_id: text.hash for text in iter_texts(store, ("title",))}
    record_run(store, run_record(schema, run="x"))
    put_scores("x", {"a": [[1, 1]]}, text_hash=now["a"])
    put_scores(
        "x", {"a": [[9, 9]]}, text_hash="old", attempt=2
    )  # later, and about what the item no longer says
    put_scores("x", {"b": [[2, 2]]}, text_hash=now["b"])
    put_scores("x", {"c": [[3, 3]]}, text_hash="old")
    info = build_guided(store, "x", schema=schema, run="x")
    np.testing.assert_array_equal(load_embedding(store, "guided/x").raw, [[1, 1], [2, 2], [3, 3]])
    (entry,) = info.recipe["runs"]
    assert (entry["items"], entry["stale"]) == (3, 1)


def test_runs_that_cannot_be_averaged(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b", "c", "d", "e"])
    put_scores("x", {"a": [[2, 0]]})
    put_scores("y", {"b": [[2, 0]], "c": [[1, 2]]})
    put_scores("z", {item: [[None, score]] for score, item in enumerate("abcde")})
    for runs, message in (
        ([], "no run was named"),
        (["x", "x"], "run 'x' is named twice"),
        (["x", "w"], "has no run 'w'"),
        (["x", "y"], r"the mean of runs 'x' and 'y' scores 3 of 5 items .*--allow-missing"),
    ):
        with pytest.raises(UsageError, match=message):
            build_guided(store, "v", schema=schema, runs=runs)
    with pytest.raises(UsageError, match="one run or several"):
        build_guided(store, "v", schema=schema, run="x", runs=["y"])
    with pytest.raises(DataError, match="run 'z' has no score at all for humor; take it out"):
        build_guided(store, "v", schema=schema, run="z")
    assert not store.has_table("versions")
    info = build_guided(store, "v", schema=schema, runs=["x", "y"], allow_missing=True)
    assert (info.recipe["coverage"], info.recipe["imputed_values"]) == (0.6, 4)


def test_an_extended_version_keeps_its_rows_and_the_parents_footing(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b", "c"])
    put_scores("x", {"a": [[1, 2], [2, 2]], "b": [[4, None]], "c": [[9, 4.1]]})
    parent = build_guided(store, "v1", schema=schema)
    put_items(["d", "e"])
    # b is scored meanwhile, and a anew: what stands in the parent stands.
    put_scores("x", {"b": [[4, 5]], "a": [[10, 10]]}, attempt=2)
    put_scores("x", {"e": [[7, None]], "d": [[10, 8], [9, 8]]})
    info = build_guided(store, "v2", schema=schema, extend="guided/v1")
    old, new = load_embedding(store, "guided/v1"), load_embedding(store, "guided/v2")
    assert new.item_ids == ("a", "b", "c", "d", "e")
    for part in ("vectors", "raw", "imputed", "std"):
        before, after = getattr(old, part), getattr(new, part)
        assert before.tobytes() == after[:3].tobytes(), part
    np.testing.assert_array_equal(new.raw[3:], [[9.5, 8], [7, NAN]])
    np.testing.assert_array_equal(new.imputed, [[0, 0], [0, 1], [0, 0], [0, 0], [0, 1]])
    np.testing.assert_array_equal(new.std[3:], [[0.5, 0], [NAN, NAN]])
    mean, deviation = np.array(parent.recipe["mean"]), np.array(parent.recipe["deviation"])
    expected = (np.array([[9.5, 8], [7, mean[1]]]) - mean) / deviation
    np.testing.assert_allclose(new.vectors[3:], expected, rtol=1e-6, atol=1e-9)

    recipe = info.recipe
    assert info.parents == ("guided/v1",)
    assert (recipe["extends"], recipe["extends_digest"]) == ("guided/v1", parent.digest)
    for key in ("mean", "deviation", "schema_digest", "attributes", "guided_columns", "constant", "runs"):
        assert recipe[key] == parent.recipe[key], key
    assert guided_schema(info) == schema
    assert (recipe["new_items"], recipe["scored_items"], recipe["catalogue_items"]) == (2, 5, 5)
    assert (recipe["imputed_values"], recipe["coverage"], recipe["ids_not_in_catalogue"]) == (2, 1, 0)
    assert [entry["items"] for entry in recipe["runs_of_new_items"]] == [2]

    # And again: the footing is still the first parent's.
    put_items(["f"])
    put_scores("x", {"f": [[1, 2]]})
    third = build_guided(store, "v3", schema=schema, run="x", extend="guided/v2")
    assert (third.recipe["mean"], third.rows) == (parent.recipe["mean"], 6)
    grown = load_embedding(store, "guided/v3")
    assert grown.vectors[:5].tobytes() == new.vectors.tobytes()


def test_refined_takes_up_new_items_of_an_extended_version(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[1, 2]], "b": [[3, 6]]})
    parent = build_guided(store, "v1", schema=schema)
    put_items(["c", "d"])
    put_scores("x", {"c": [[4, 4], [6, 4]], "d": [[2, None]]})
    build_guided(store, "v2", schema=schema, extend="guided/v1")
    base = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    write_version(store, "base/b", ["d", "c", "a"], base)
    info = build_refined(store, "r", base="base/b", guided="guided/v2", guided_scale=0.5)
    found = load_embedding(store, info.ref)
    assert found.item_ids == ("d", "c", "a")
    # On the first parent's footing: mean 2 and 4, deviation 1 and 2.
    np.testing.assert_allclose(found.vectors[:, :2], 0.5 * np.array([[0, 0], [3, 0], [-1, -1]]), atol=1e-7)
    np.testing.assert_array_equal(found.imputed, [[0, 1], [0, 0], [0, 0]])
    np.testing.assert_array_equal(found.std, [[NAN, NAN], [1, 0], [NAN, NAN]])
    assert (info.recipe["mean"], info.recipe["deviation"]) == (
        parent.recipe["mean"],
        parent.recipe["deviation"],
    )
    assert info.recipe["only_in_guided"] == {"count": 1, "examples": ["b"]}


def test_extending_two_runs_with_new_items_of_both(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[1, 2]], "b": [[3, 4]]})
    put_scores("y", {"a": [[3, 2]], "b": [[3, 8]]})
    build_guided(store, "v1", schema=schema, runs=["x", "y"])
    put_items(["c"])
    put_scores("x", {"c": [[0, 0]]})
    put_scores("y", {"c": [[4, 2]]})
    for runs in (["x"], ["x", "y", "z"]):
        with pytest.raises(UsageError, match="guided/v1 was built from 'x' and 'y', not from 'x'"):
            build_guided(store, "v2", schema=schema, runs=runs, extend="guided/v1")
    info = build_guided(store, "v2", schema=schema, runs=["y", "x"], extend="guided/v1")
    found = load_embedding(store, info.ref)
    np.testing.assert_array_equal(found.raw[2:], [[2, 1]])
    np.testing.assert_array_equal(found.std[2:], [[2, 1]])
    assert info.recipe["spread_of"] == "runs"


def test_uncertainty_may_come_with_the_new_items_or_go(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[1, 2]], "b": [[3, 4]]})
    build_guided(store, "v1", schema=schema)
    put_items(["c"])
    put_scores("x", {"c": [[4, 4], [6, 4]]})
    build_guided(store, "v2", schema=schema, extend="guided/v1")
    found = load_embedding(store, "guided/v2").std
    np.testing.assert_array_equal(found, [[NAN, NAN], [NAN, NAN], [1, 0]])
    put_items(["d"])
    put_scores("x", {"d": [[4, 4]]})
    build_guided(store, "v3", schema=schema, extend="guided/v2")
    np.testing.assert_array_equal(load_embedding(store, "guided/v3").std, [*found, [NAN, NAN]])


def test_an_attribute_without_unit_stays_zero(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[1, 5]], "b": [[3, 5]]})
    build_guided(store, "v1", schema=schema)
    put_items(["c"])
    put_scores("x", {"c": [[4, 9]]})
    build_guided(store, "v2", schema=schema, extend="guided/v1")
    found = load_embedding(store, "guided/v2")
    np.testing.assert_allclose(found.vectors[2], [2, 0])
    np.testing.assert_array_equal(found.raw[2], [4, 9])
    assert not found.imputed[2].any()


def test_items_that_the_catalogue_has_lost_are_kept_and_counted(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[1, 5]], "b": [[3, 6]], "c": [[2, 2]]})
    build_guided(store, "v1", schema=schema)
    store.replace("items", store.read("items").slice(1))
    put_items(["c"])
    info = build_guided(store, "v2", schema=schema, extend="guided/v1")
    assert load_embedding(store, info.ref).item_ids == ("a", "b", "c")
    assert (info.recipe["ids_not_in_catalogue"], info.recipe["catalogue_items"]) == (1, 2)


def test_a_version_of_before_runs_were_averaged_is_extended_too(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema
) -> None:
    put_items(["a", "b"])
    put_scores("x", {"a": [[1, 5]], "b": [[3, 6]], "c": [[2, 2]]})
    info = build_guided(store, "now", schema=schema)
    found = load_embedding(store, info.ref)
    recipe = {key: value for key, value in info.recipe.items() if key not in ("runs", "spread_of")}
    write_version(
        store,
        "guided/then",
        found.item_ids,
        found.vectors,
        raw=found.raw,
        imputed=found.imputed,
        recipe=recipe | {"run": "x", "provider": "openai", "model": "some-model"},
    )
    put_items(["c"])
    assert build_guided(store, "v2", schema=schema, extend="guided/then").rows == 3


def test_what_cannot_be_extended(
    store: Store, put_items: PutItems, put_scores: PutScores, schema: AttributeSchema, write_csv: WriteCsv
) -> None:
    put_items(["a", "b"])
    path = write_csv(("item_id", "humor", "pace"), ("a", 1, 5), ("b", 2, 6))
    import_scores(store, path, schema, as_name="v1", run="x")
    with pytest.raises(
        UsageError, match="nothing is new: every item of the catalogue has a row in guided/v1"
    ):
        build_guided(store, "v2", schema=schema, extend="guided/v1")
    put_items(list("cdefg"))
    with pytest.raises(
        UsageError, match="run 'x' scores none of the 5 new items in the catalogue; score them"
    ):
        build_guided(store, "v2", schema=schema, extend="guided/v1")
    put_scores("x", {"c": [[1, 1]], "d": [[2, 2]], "e": [[3, 3]]})
    with pytest.raises(UsageError, match=r"run 'x' scores 3 of 5 new items .*60\.0%.*--allow-missing"):
        build_guided(store, "v2", schema=schema, extend="guided/v1")
    changed = AttributeSchema("demo", 2, "film", (0, 10), schema.attributes)
    with pytest.raises(UsageError, match="guided/v1 was built on another schema than 'demo' as it reads now"):
        build_guided(store, "v2", schema=changed, extend="guided/v1")
    with pytest.raises(UsageError, match="guided/v1 was built from 'x', not from 'y'"):
        build_guided(store, "v2", schema=schema, run="y", extend="guided/v1")
    with pytest.raises(UnknownVersionError, match="there is no version guided/v0"):
        build_guided(store, "v2", schema=schema, extend="guided/v0")
    with pytest.raises(VersionError, match="there is a version guided/v1 already"):
        build_guided(store, "v1", schema=schema, extend="guided/v1")
    write_version(store, "base/b", ["a"], np.ones((1, 2), np.float32))
    with pytest.raises(UsageError, match="base/b is not a guided version"):
        build_guided(store, "v2", schema=schema, extend="base/b")
    write_version(
        store, "guided/bare", ["a"], np.ones((1, 2), np.float32), recipe={"schema_digest": schema.digest}
    )
    with pytest.raises(VersionError, match="guided/bare lacks the raw scores"):
        build_guided(store, "v2", schema=schema, extend="guided/bare")
    assert "v2" not in store.tags("guided")
    info = build_guided(store, "v2", schema=schema, extend="guided/v1", allow_missing=True)
    assert (info.rows, info.recipe["scored_items"], info.recipe["imputed_values"]) == (7, 5, 4)
