"""New items in a trained version: old rows to the bit, new rows by its recipe, lists that hold both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from guided_ring import RING, UNMET, put_base, put_guided, put_items

from guided_store.catalogue import Split
from guided_store.embeddings import build_refined
from guided_store.encoders import EncoderConfig, TrainingConfig, extend_refined, load_encoder, train
from guided_store.encoders._calibration import apply_calibration
from guided_store.encoders._cold import apply_map
from guided_store.encoders._encoder import save_encoder
from guided_store.errors import EncoderError, UsageError, VersionError
from guided_store.retrieval import Recommender, build_index
from guided_store.store import Store, create
from guided_store.versions import Embedding, load_embedding, write_version

SHAPE = EncoderConfig(dim=8, blocks=1, heads=2, max_length=12, dropout=0.1)
TRAINING = TrainingConfig(epochs=3, batch_size=16, learning_rate=5e-3, warmup=10, precision="fp32")
KNOWN = [*RING, UNMET[0]]
"""Items of the trained version; one of them has no events."""
NEW = list(UNMET[1:])
HISTORIES = [np.array(h, np.int32) for h in ([0, 1, 2], [7], [20, 21, 22, 23, 24, 25])]
FORMS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}, {}),
    "residual": ({}, {"residual": True}, {"cold_share": 0.2}),
    "calibrated": ({"guided_scale": 0.3}, {"user": True}, {"calibrate": True}),
    "text": ({"text": "base/t", "text_columns": 2}, {"residual": True}, {"calibrate": True}),
    "alone": ({"dim": 3}, {"dim": 3, "heads": 1}, {}),
    "fewer": ({"exclude": ["north"]}, {}, {}),
}


def fill(folder: Path, split: Split, form: str = "plain") -> Store:
    """`refined/old`, trained on guided/g of KNOWN, and guided/more with NEW items before and after them."""
    store = create(folder / "s")
    put_items(store, [*KNOWN, *NEW])
    put_guided(store, KNOWN)
    put_guided(store, [NEW[0], *KNOWN, NEW[1]], "more")
    put_base(store, [*NEW, *KNOWN], "t", dim=4, seed=3)
    build, encoder, training = FORMS[form]
    build_refined(store, "start", guided="guided/g", **({"dim": 8} | build))
    shape, settings = replace(SHAPE, **encoder), replace(TRAINING, **training)
    train(store, "old", split=split, items="refined/start", encoder=shape, training=settings)
    return store


@pytest.fixture(scope="module", params=FORMS)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, split: Split
) -> Iterator[tuple[str, Store]]:
    with fill(tmp_path_factory.mktemp("extend"), split, request.param) as store:
        extend_refined(store, "new", refined="refined/old", guided="guided/more")
        yield request.param, store


def both(store: Store) -> tuple[Embedding, Embedding]:
    return load_embedding(store, "refined/old"), load_embedding(store, "refined/new")


def test_old_rows_and_queries_are_the_same_to_the_bit(made: tuple[str, Store]) -> None:
    _, store = made
    old, new = both(store)
    assert new.item_ids == (*KNOWN, *NEW)
    assert new.attributes == old.attributes
    for part in ("vectors", "bias", "raw", "imputed"):
        np.testing.assert_array_equal(getattr(new, part)[: len(KNOWN)], getattr(old, part))
    assert (old.std, new.std) == (None, None)
    one, other = (load_encoder(store, part) for part in (old, new))
    assert one.config == other.config
    np.testing.assert_array_equal(other.encode(HISTORIES), one.encode(HISTORIES))
    assert one.manifest.training == other.manifest.training


def test_new_rows_are_what_the_recipe_says(made: tuple[str, Store]) -> None:
    form, store = made
    old, new = both(store)
    recipe: dict[str, Any] = old.info.recipe
    more = load_embedding(store, "guided/more")
    columns = [more.attributes.index(name) for name in old.attributes]
    rows = [more.item_index[item] for item in NEW]
    content = np.float32(recipe["guided_scale"]) * more.vectors[np.ix_(rows, columns)]
    for step in recipe.get("calibration", []):
        content = apply_calibration(content, np.array(step["knots"]), np.array(step["slopes"]))
    if form == "text":
        text = load_embedding(store, "base/t")
        theirs = [text.item_index[item] for item in NEW]
        scaled = np.float32(recipe["text_scale"]) * text.vectors[theirs, :2]
        content = np.concatenate([content, scaled], axis=1)
    width = content.shape[1]
    assert width == {"text": 5, "fewer": 2}.get(form, 3)
    found = new.vectors[len(KNOWN) :]
    np.testing.assert_allclose(found[:, :width], content, rtol=1e-5, atol=1e-7)
    if recipe["form"] == "residual":
        assert not found[:, width:].any()
    elif form != "alone":
        expected = apply_map(np.array(recipe["cold_map"]), found[:, :width])
        np.testing.assert_array_equal(found[:, width:], expected)
        assert found[:, width:].any()
    assert new.bias is not None
    np.testing.assert_array_equal(new.bias[len(KNOWN) :], np.float32(recipe["cold_bias"]))
    assert more.raw is not None
    np.testing.assert_array_equal(new.raw[len(KNOWN) :], more.raw[np.ix_(rows, columns)])
    assert new.imputed is not None
    assert not new.imputed[len(KNOWN) :].any()


def test_a_new_item_is_as_one_that_was_there_and_never_met(made: tuple[str, Store]) -> None:
    """One rule for items without events, whether they were there in training or come later."""
    form, store = made
    old, new = both(store)
    assert old.bias is not None
    assert new.bias is not None
    assert new.bias[len(KNOWN)] == pytest.approx(old.bias[30], rel=1e-6)
    if old.info.recipe["form"] == "plain" and form != "alone":
        fixed = len(old.attributes)
        weight = np.array(old.info.recipe["cold_map"])
        expected = apply_map(weight, old.vectors[30:, :fixed])
        np.testing.assert_allclose(old.vectors[30:, fixed:], expected, atol=1e-6)


def test_lists_and_an_index_hold_old_and_new(made: tuple[str, Store]) -> None:
    _, store = made
    index, manifest = build_index(store, "refined/new")
    assert manifest.n == len(KNOWN) + len(NEW)
    name = index.rpartition("/")[2]
    recommender = Recommender.load(store, "refined/new", index=name, repeats="allow")
    found = recommender.recommend(items=["i13", "i14"], k=len(KNOWN) + len(NEW))
    assert {item.item_id for item in found} == {*KNOWN, *NEW}
    for item in found:
        total = sum(term.contribution for term in item.terms) + item.latent + item.bias
        assert total == pytest.approx(item.score, abs=1e-5)
    before = Recommender.load(store, "refined/old", repeats="allow")
    known = {item.item_id: item.score for item in before.recommend(items=["i13", "i14"], k=len(KNOWN))}
    assert {item.item_id: item.score for item in found if item.item_id in known} == known
    # a new item may stand in a history too
    assert len(recommender.recommend(items=[NEW[0], "i14"], k=3)) == 3


def test_its_lineage_is_recorded(made: tuple[str, Store]) -> None:
    _, store = made
    old, new = both(store)
    recipe = new.info.recipe
    assert (recipe["extends"], recipe["extends_digest"]) == ("refined/old", old.digest)
    assert (recipe["extended_from"], recipe["new_items"]) == ("guided/more", len(NEW))
    assert new.info.parents == ("refined/old", "guided/more")
    assert {key: recipe[key] for key in old.info.recipe} == old.info.recipe


def test_it_can_be_trained_on_and_extended_again(tmp_path: Path, split: Split) -> None:
    with fill(tmp_path, split, "residual") as store:
        extend_refined(store, "new", refined="refined/old", guided="guided/more")
        shape = replace(SHAPE, residual=True)
        train(store, "next", split=split, items="refined/new", encoder=shape, training=TRAINING)
        found = load_embedding(store, "refined/next")
        assert found.item_ids == (*KNOWN, *NEW)
        assert not found.vectors[30:, 3:].any()
        assert found.info.recipe["cold_items"] == len(UNMET)
        put_guided(store, [*KNOWN, "i99"], "later")
        extend_refined(store, "last", refined="refined/new", guided="guided/later")
        assert load_embedding(store, "refined/last").item_ids == (*KNOWN, *NEW, "i99")


def test_a_stale_map_of_a_plain_parent_is_not_taken(tmp_path: Path, split: Split) -> None:
    with fill(tmp_path, split, "plain") as store:
        shape = replace(SHAPE, residual=True)
        train(store, "turned", split=split, items="refined/old", encoder=shape, training=TRAINING)
        extend_refined(store, "new", refined="refined/turned", guided="guided/more")
        assert not load_embedding(store, "refined/new").vectors[len(KNOWN) :, 3:].any()


def test_other_texts_are_refused(tmp_path: Path, split: Split) -> None:
    with fill(tmp_path, split, "text") as store:
        texts = load_embedding(store, "base/t")
        write_version(store, "base/same", texts.item_ids[::-1], texts.vectors[::-1])
        write_version(store, "base/turned", texts.item_ids, -texts.vectors)
        write_version(store, "base/short", texts.item_ids, texts.vectors[:, :1])
        write_version(store, "base/old", KNOWN, texts.vectors[2:])
        write_version(store, "base/only", NEW, texts.vectors[:2])
        for text, words in (
            ("base/turned", "base/turned has other columns than the texts that refined/old was trained on"),
            ("base/short", "base/short has other columns"),
            ("base/only", "base/only has other columns"),
            ("base/old", "base/old has no text vector of 2 of the new items, such as 'new-b'"),
        ):
            with pytest.raises(UsageError, match=words):
                extend_refined(store, "x", refined="refined/old", guided="guided/more", text=text)
        extend_refined(store, "a", refined="refined/old", guided="guided/more", text="base/same")
        extend_refined(store, "b", refined="refined/old", guided="guided/more")
        one, other = (load_embedding(store, f"refined/{name}") for name in "ab")
        np.testing.assert_array_equal(one.vectors, other.vectors)


def test_wrong_requests(tmp_path: Path, split: Split) -> None:
    with fill(tmp_path, split) as store:
        shifted = [6.0, 5.0, 5.0]
        put_guided(store, [*KNOWN, *NEW], "shifted", mean=shifted)
        bare = load_embedding(store, "guided/more")
        recipe = {key: value for key, value in bare.info.recipe.items() if key != "mean"}
        write_version(store, "guided/bare", bare.item_ids, bare.vectors, raw=bare.raw, recipe=recipe)
        names = {"attributes": ["east", "north"], "guided_columns": 2}
        write_version(store, "guided/fewer", bare.item_ids, bare.vectors[:, :2], recipe=recipe | names)
        for refined, guided, words in (
            ("refined/old", "guided/g", "guided/g has no item that refined/old lacks"),
            ("refined/old", "guided/shifted", "guided/shifted is standardised otherwise than refined/old"),
            ("refined/old", "guided/bare", "guided/bare is standardised otherwise than refined/old"),
            ("refined/old", "guided/fewer", "guided/fewer has no attribute 'odd'"),
            ("refined/start", "guided/more", "refined/start has no encoder"),
            ("refined/old", "base/t", "is extended by the new items of a guided version, not of base/t"),
            ("guided/g", "guided/more", "guided/g is not a refined version"),
        ):
            with pytest.raises(UsageError, match=words):
                extend_refined(store, "x", refined=refined, guided=guided)
        with pytest.raises(UsageError, match="refined/old has no text columns; leave the text version away"):
            extend_refined(store, "x", refined="refined/old", guided="guided/more", text="base/t")
        with pytest.raises(VersionError, match="refined/old already"):
            extend_refined(store, "old", refined="refined/old", guided="guided/more")
        with pytest.raises(VersionError, match="no version guided/none"):
            extend_refined(store, "x", refined="refined/old", guided="guided/none")
        weights = store.artifact("encoders", "refined/old") / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1])
        with pytest.raises(EncoderError, match="refined/old is damaged"):
            extend_refined(store, "x", refined="refined/old", guided="guided/more")
        assert store.artifacts("encoders") == ["refined/old"]  # no refusal left anything behind


def test_a_version_of_an_older_program_is_trained_again_first(tmp_path: Path, split: Split) -> None:
    with fill(tmp_path, split) as store:
        old = load_embedding(store, "refined/old")
        encoder = load_encoder(store, old)
        recipe = {key: value for key, value in old.info.recipe.items() if key not in {"cold_bias", "form"}}
        info = write_version(store, "refined/older", old.item_ids, old.vectors, bias=old.bias, recipe=recipe)
        with store.publish("encoders", "refined/older") as folder:
            manifest = replace(encoder.manifest, version=info.ref, version_digest=info.digest)
            save_encoder(folder, manifest, encoder.model)
        with pytest.raises(UsageError, match=r"by an older program .* train it again"):
            extend_refined(store, "x", refined="refined/older", guided="guided/more")
