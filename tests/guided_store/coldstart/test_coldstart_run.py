"""The experiment end to end on a world of four kinds of items, and the version that comes of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.catalogue import ITEMS_SCHEMA, Sequences, Split, leave_one_out
from guided_store.coldstart import (
    METHODS,
    ColdModel,
    ColdReport,
    ColdSets,
    Protocol,
    cold_sets,
    evaluate_cold,
    fill_rows,
    from_text,
    load_model,
    run_coldstart,
    write_calibrated,
)
from guided_store.encoders import EncoderConfig, TrainingConfig, load_encoder, load_scorer, train
from guided_store.errors import EncoderError, UsageError
from guided_store.store import Store, create
from guided_store.versions import load_embedding, write_version

ITEMS, KINDS, USERS = 80, 4, 200
WORDS = ["red steel pen", "paper notebook ruled", "wooden garden chair", "wireless keyboard black"]
NAMES = ("pen", "paper", "garden", "keyboard", "popularity")


def world() -> Sequences:
    """Users stay with items of one kind: a cold item is known by its kind alone."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(6, 14, USERS)
    kinds = rng.integers(0, KINDS, USERS)
    items = [
        rng.integers(0, ITEMS // KINDS, n) * KINDS + kind for n, kind in zip(lengths, kinds, strict=True)
    ]
    return Sequences(
        tuple(f"u{number}" for number in range(USERS)),
        tuple(f"i{number:02d}" for number in range(ITEMS)),
        np.append(0, np.cumsum(lengths)).astype(np.int64),
        np.concatenate(items).astype(np.int32),
    )


@pytest.fixture(scope="module")
def split() -> Split:
    return leave_one_out(world())


@pytest.fixture(scope="module")
def sets(split: Split) -> ColdSets:
    return cold_sets(split.sequences, share=0.15, seed=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, split: Split, sets: ColdSets) -> Store:
    """Items, a guided version, and two models trained without the cold items."""
    store = create(tmp_path_factory.mktemp("cold") / "s")
    ids = split.sequences.item_ids
    rng = np.random.default_rng(1)
    kinds = np.arange(ITEMS) % KINDS
    texts = [f"{WORDS[kind]} number {code}" for code, kind in enumerate(kinds)]
    titles = pa.array(texts, pa.string())
    columns = {"item_id": pa.array(ids, pa.string()), "title": titles, "text": pa.nulls(ITEMS, pa.string())}
    store.append("items", pa.table(columns, schema=ITEMS_SCHEMA))
    values = 0.3 * rng.standard_normal((ITEMS, len(NAMES)))
    values[np.arange(ITEMS), kinds] += 2
    hindsight = [Attribute(name, "low", "high", hindsight=name == "popularity") for name in NAMES]
    schema = AttributeSchema("kinds", 1, "thing", (0.0, 10.0), tuple(hindsight))
    recipe: dict[str, object] = {
        "schema": schema.to_dict(),
        "schema_digest": schema.digest,
        "attributes": list(NAMES),
        "mean": [5.0] * len(NAMES),
        "deviation": [1.0] * len(NAMES),
    }
    guided = values.astype(np.float32)
    write_version(store, "guided/g", ids, guided, raw=guided + 5, recipe=recipe)
    learned = 0.02 * rng.standard_normal((ITEMS, 11))
    vectors = np.concatenate([0.2 * guided, learned], axis=1).astype(np.float32)
    start = recipe | {"guided_columns": len(NAMES), "guided_scale": 0.2}
    write_version(store, "refined/start", ids, vectors, raw=guided + 5, recipe=start)
    warm = Protocol(split, sets).warm
    shape = EncoderConfig(dim=16, blocks=1, heads=2, max_length=10, dropout=0.1)
    settings = TrainingConfig(epochs=8, batch_size=32, learning_rate=5e-3, warmup=5)
    train(store, "model", split=warm, items="refined/start", encoder=shape, training=settings)
    train(store, "plain", split=warm, encoder=shape, training=settings)
    return store


@pytest.fixture(scope="module")
def report(store: Store, split: Split, sets: ColdSets) -> ColdReport:
    return run_coldstart(
        store,
        split=split,
        models=["refined/model"],
        bases=["base/plain"],
        guided="guided/g",
        sets=sets,
        reference="base/plain",
    )


def test_the_report_has_every_system_and_can_be_written_down(report: ColdReport) -> None:
    rows = {row.name: row for row in report.rows}
    assert {
        "random",
        "TF-IDF cosine",
        "attribute cosine",
        "attribute cosine, no hindsight",
        "attribute popularity alone",
        "LSA + ridge (refined/model)",
        "LSA + ridge (base/plain), calibrated",
        "neighbours by text (base/plain)",
        "refined/model",
        "refined/model, calibrated",
    } <= set(rows)
    content = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert content["cold_sets"]["digest"] == report.protocol.sets.digest
    assert content["warm_split_digest"] != content["split_digest"]
    assert content["cases"]["test"]["cold"] == rows["random"].among_cold.cases > 20
    assert set(content["against_baselines_among_cold"]["refined/model"]) >= {"TF-IDF cosine"}
    assert set(content["best_baselines_among_cold"]) == {"recall@10", "recall@20", "mrr"}
    assert content["warm_against_reference"]["refined/model"]["ndcg@10"]["cases"] == rows["random"].warm.cases


def test_every_system_chose_from_as_many_settings(report: ColdReport) -> None:
    numbers = {name: len(choice.tried) for name, choice in report.choices.items() if len(choice.tried) > 1}
    assert set(numbers.values()) == {len(METHODS)}
    for choice in report.choices.values():
        best = max(value for _, value in choice.tried)
        assert (choice.candidate.parameters, best) in choice.tried


def test_an_encoder_can_be_chosen_by_what_it_reaches_among_all(
    store: Store, split: Split, sets: ColdSets, report: ColdReport
) -> None:
    ask = {"split": split, "models": ["refined/model"], "guided": "guided/g", "sets": sets}
    other = run_coldstart(store, choose_by="all", **ask)
    choice = other.choices["refined/model"]
    assert choice.criterion == "calibrated Recall@20 among all"
    assert other.calibrations["refined/model"].cold_recall[1] == max(value for _, value in choice.tried)
    reached = report.calibrations["refined/model"].cold_recall[1]
    assert other.calibrations["refined/model"].cold_recall[1] >= reached
    assert other.choices["TF-IDF cosine"].tried == report.choices["TF-IDF cosine"].tried
    with pytest.raises(UsageError, match="'cold' or 'all'"):
        run_coldstart(store, choose_by="both", **ask)


def test_content_finds_cold_items_and_chance_does_not(report: ColdReport) -> None:
    rows = {row.name: row for row in report.rows}
    # 12 cold items, 3 of each kind: chance puts a target at 6.5, content within its kind
    chance = rows["random"].among_cold.metrics["mrr"]
    for name in ("TF-IDF cosine", "attribute cosine", "refined/model", "LSA + ridge (base/plain)"):
        assert rows[name].among_cold.metrics["mrr"] > chance + 0.15, name
    assert report.against_baselines["refined/model"]["TF-IDF cosine"]["mrr"].users <= USERS


def test_calibration_raises_cold_items_and_changes_no_rank_among_them(report: ColdReport) -> None:
    rows = {row.name: row for row in report.rows}
    before, after = rows["refined/model"], rows["refined/model, calibrated"]
    np.testing.assert_array_equal(before.among_cold.ranks, after.among_cold.ranks)
    np.testing.assert_array_equal(before.warm_alone.ranks, after.warm_alone.ranks)
    found = report.calibrations["refined/model"]
    assert found.warm_ndcg[2] >= 0.98 * found.warm_ndcg[0]
    if found.offset > 0:
        assert (after.among_all.ranks <= before.among_all.ranks).all()
        assert (after.warm.ranks >= before.warm.ranks).all()
    # more competitors can only make a rank worse
    crowded = next(row for row in report.crowded if row.name == "refined/model, calibrated")
    assert (crowded.among_all.ranks >= after.among_all.ranks).all()
    assert (crowded.among_all.ranks > after.among_all.ranks).any()


def test_the_written_version_scores_like_the_model(store: Store, report: ColdReport, split: Split) -> None:
    model, calibration = report.models["refined/model"], report.calibrations["refined/model"]
    write_calibrated(store, "served", model, parent="refined/model", calibration=calibration, cold_rows="x")
    old, new = (load_embedding(store, f"refined/{name}") for name in ("model", "served"))
    counts = report.protocol.counts[[split.sequences.item_index[item] for item in new.item_ids]]
    warm = counts > 0
    np.testing.assert_array_equal(new.vectors[warm], old.vectors[warm])
    np.testing.assert_array_equal(new.vectors[:, :5], old.vectors[:, :5])
    np.testing.assert_array_equal(new.bias[warm], old.bias[warm])
    assert np.abs(new.bias[~warm] - old.bias[~warm]).min() > 0
    histories = [np.array([1, 5, 9], np.int32)]
    query = load_encoder(store, new).encode(histories)
    np.testing.assert_array_equal(query, load_encoder(store, old).encode(histories))
    assert new.info.parents == ("refined/model",)
    assert new.info.recipe["calibration_of_cold"]["offset"] == calibration.offset
    scorer, _ = load_scorer(store, "refined/served", split)
    again = evaluate_cold(report.protocol, [scorer])[0]
    expected = next(row for row in report.rows if row.name == "refined/model, calibrated")
    np.testing.assert_array_equal(again.among_all.ranks, expected.among_all.ranks)


def test_only_cold_rows_of_the_same_version_can_be_written(store: Store, report: ColdReport) -> None:
    model = report.models["refined/model"]
    other = replace(model, vectors=model.vectors + 1)
    with pytest.raises(UsageError, match="other content columns"):
        write_calibrated(store, "bad", other, parent="refined/model")
    with pytest.raises(UsageError, match="other items"):
        write_calibrated(store, "bad", model.covering(["new"]), parent="refined/model")


def test_a_model_that_may_have_seen_the_answers_is_refused(
    store: Store, split: Split, sets: ColdSets
) -> None:
    shape = EncoderConfig(dim=16, blocks=1, heads=2, max_length=10)
    train(store, "whole", split=split, encoder=shape, training=TrainingConfig(epochs=1, batch_size=64))
    with pytest.raises(UsageError, match="may have seen them"):
        run_coldstart(store, split=split, models=["base/whole"], guided="guided/g", sets=sets)


def test_wrong_requests_are_refused(store: Store, split: Split, sets: ColdSets) -> None:
    ask = {"split": split, "guided": "guided/g", "sets": sets}
    with pytest.raises(UsageError, match="at least one model"):
        run_coldstart(store, models=[], **ask)
    with pytest.raises(UsageError, match="different names"):
        run_coldstart(store, models=["refined/model"] * 2, **ask)
    with pytest.raises(EncoderError, match="no row for"):
        run_coldstart(store, models=["base/plain"], **ask)
    with pytest.raises(UsageError, match="no attribute 'fame'"):
        run_coldstart(store, models=["refined/model"], hindsight=["fame"], **ask)


def test_rows_are_filled_from_what_is_alike(store: Store) -> None:
    model = load_model(store, "refined/model")
    kinds = np.arange(ITEMS) % KINDS
    vectors = model.vectors.copy()
    vectors[:, model.fixed :] = kinds[:, None]  # what there is to learn: the kind
    model = replace(model, vectors=vectors, bias=kinds.astype(np.float32))
    rows = np.arange(0, 20)
    counts = np.full(ITEMS, 10)
    text = np.eye(KINDS, dtype=np.float32)[kinds]
    for method in METHODS[1:]:
        filled = fill_rows(model, method, rows, counts, text)
        np.testing.assert_allclose(filled.bias[rows], kinds[rows], atol=0.4)
        np.testing.assert_allclose(filled.vectors[rows, -1], kinds[rows], atol=0.4)
        np.testing.assert_array_equal(filled.vectors[:, : model.fixed], model.vectors[:, : model.fixed])
        np.testing.assert_array_equal(filled.vectors[20:], model.vectors[20:])
    assert fill_rows(model, "stored", rows, counts) is model
    known = from_text(model, rows, counts, text, "text", strength=1e-9)
    np.testing.assert_allclose(known.bias[rows], kinds[rows], atol=1e-3)
    near = from_text(model, rows, counts, text, "text", neighbours=5)
    np.testing.assert_allclose(near.vectors[rows, -1], kinds[rows], atol=1e-3)
    with pytest.raises(UsageError, match="unknown way"):
        fill_rows(model, "magic", rows, counts)
    with pytest.raises(UsageError, match="text features are needed"):
        fill_rows(model, METHODS[-1], rows, counts)
    with pytest.raises(UsageError, match="no trained item"):
        fill_rows(model, "neighbours", rows, np.zeros(ITEMS, np.int64))


def test_the_ridge_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import Ridge

    from guided_store.coldstart._model import ridge

    rng = np.random.default_rng(0)
    known, asked = rng.standard_normal((60, 5)), rng.standard_normal((7, 5))
    values, weights = rng.standard_normal((60, 3)), rng.random(60) + 0.1
    weights /= weights.mean()
    centred = known - np.average(known, axis=0, weights=weights)
    penalty = 0.3 * np.trace((centred * weights[:, None]).T @ centred) / 5
    expected = Ridge(alpha=penalty).fit(known, values, sample_weight=weights).predict(asked)
    np.testing.assert_allclose(ridge(known, values, asked, 0.3, weights), expected, atol=1e-5)


def test_a_model_without_a_bias_column_and_with_missing_items() -> None:
    class Nothing:
        def encode(self, histories: list[np.ndarray], /) -> np.ndarray:
            return np.ones((len(histories), 2), np.float32)

    model = ColdModel("m", Nothing(), ("a",), np.ones((1, 2), np.float32), np.zeros(1, np.float32), 1)
    wider = model.covering(["b", "a", "c"])
    assert wider.item_ids == ("a", "b", "c")
    assert wider.vectors.tolist() == [[1, 1], [0, 0], [0, 0]]
    assert wider.with_offset(np.array([1]), 2.5).bias.tolist() == [0, 2.5, 0]
    with pytest.raises(EncoderError, match="no row for 1 items, 'c'"):
        model.rows_of(["a", "c"])
