"""Every recipe of refinement from a build to a list: what is stored, what it scores, and what is recorded."""

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
from guided_store.encoders import EncoderConfig, TrainingConfig, load_encoder, train
from guided_store.encoders._calibration import apply_calibration
from guided_store.encoders._cold import apply_map
from guided_store.encoders._train import checkpoint_path
from guided_store.encoders._training import Trainer
from guided_store.evaluation import EncodedScorer, summarise, target_ranks
from guided_store.retrieval import Recommender
from guided_store.store import Store, create
from guided_store.versions import Ref, load_embedding

TRAINING = TrainingConfig(epochs=4, batch_size=16, learning_rate=5e-3, warmup=10, precision="fp32")
RECIPES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # name: arguments of build_refined, of EncoderConfig, of TrainingConfig
    "plain": ({"dim": 8}, {}, {}),
    "two stages": ({"base": "base/b"}, {}, {}),
    "residual": ({"dim": 8}, {"residual": True}, {}),
    "residual, two stages": ({"base": "base/b"}, {"residual": True}, {"delta_bound": 0.3}),
    "often cold": ({"dim": 8}, {"residual": True}, {"cold_share": 0.3}),
    "plain, often cold": ({"dim": 8}, {}, {"cold_share": 0.3}),
    "calibrated": ({"dim": 8}, {}, {"calibrate": True}),
    "user": ({"dim": 8}, {"user": True}, {}),
    "alone": ({"dim": 3}, {}, {}),
    "text": ({"dim": 8, "text": "base/t", "text_columns": 2}, {"residual": True, "user": True}, {}),
    "all": (
        {"base": "base/b", "text": "base/t", "text_columns": 2},
        {"residual": True, "user": True, "mix": True},
        {"cold_share": 0.2, "delta_bound": 0.5, "calibrate": True},
    ),
}
HISTORIES = [np.array(h, np.int32) for h in ([0, 1, 2], [7], [20, 21, 22, 23, 24, 25])]


def fill(folder: Path) -> Store:
    store = create(folder / "s")
    ids = [*RING, *UNMET]
    put_items(store, ids)
    put_guided(store, ids)
    put_base(store, ids)
    put_base(store, ids, "t", dim=4, seed=3)
    return store


def shape_of(dim: int, **settings: Any) -> EncoderConfig:
    return EncoderConfig.of("sasrec", dim=dim, blocks=1, max_length=12, dropout=0.1, **settings)


def make(store: Store, split: Split, recipe: str) -> None:
    """`refined/start` and, trained, `refined/done`."""
    build, encoder, training = RECIPES[recipe]
    info = build_refined(store, "start", guided="guided/g", **build)
    shape, settings = shape_of(info.dim, **encoder), replace(TRAINING, **training)
    train(store, "done", split=split, items="refined/start", encoder=shape, training=settings)


@pytest.fixture(scope="module", params=RECIPES)
def made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, split: Split
) -> Iterator[tuple[str, Store]]:
    with fill(tmp_path_factory.mktemp("recipe")) as store:
        make(store, split, request.param)
        yield request.param, store


def test_what_is_stored_is_what_was_trained(made: tuple[str, Store], split: Split) -> None:
    recipe, store = made
    start, done = (load_embedding(store, f"refined/{name}") for name in ("start", "done"))
    assert done.item_ids == (*RING, *UNMET)
    assert done.attributes == ("east", "north", "odd")
    assert done.bias is not None
    np.testing.assert_array_equal(done.raw, start.raw)
    fixed = start.info.dim - int(str(start.info.recipe["latent_columns"]))
    frozen = slice(3 if "calibrate" in RECIPES[recipe][2] else 0, fixed)
    np.testing.assert_array_equal(done.vectors[:, frozen], start.vectors[:, frozen])
    assert (
        np.abs(done.vectors[:30, fixed:] - start.vectors[:30, fixed:]).sum() > 0
        or fixed == 3 == done.info.dim
    )
    encoder = load_encoder(store, done)
    scorer = EncodedScorer("done", encoder, done.item_ids, done.vectors, done.bias)
    again = summarise(target_ranks(scorer, split, "validation"))
    assert again["ndcg@10"] == pytest.approx(done.info.metrics["validation ndcg@10"], abs=1e-6)
    assert again["ndcg@10"] > 0.15  # chance is 0.14


def test_terms_add_up_to_the_score_exactly_for_unmet_items_too(made: tuple[str, Store]) -> None:
    _, store = made
    done = load_embedding(store, "refined/done")
    recommender = Recommender.load(store, "refined/done", repeats="allow")
    history = ["i03", "i04", "i05"]
    query = load_encoder(store, done).encode([np.array([3, 4, 5], np.int32)])[0]
    assert done.bias is not None
    scores = done.vectors.astype(np.float64) @ query.astype(np.float64) + done.bias
    items = recommender.recommend(items=history, k=len(done.item_ids))
    assert {item.item_id for item in items} == set(done.item_ids)  # those without events among them
    for item in items:
        row = done.item_index[item.item_id]
        parts = query[:3].astype(np.float64) * done.vectors[row, :3]
        np.testing.assert_allclose([t.contribution for t in item.terms], parts, rtol=1e-5, atol=1e-6)
        total = sum(term.contribution for term in item.terms) + item.latent + item.bias
        assert total == pytest.approx(item.score, abs=1e-5)
        assert item.score == pytest.approx(scores[row], abs=1e-5)


def test_rows_of_unmet_items_follow_from_the_recipe(made: tuple[str, Store]) -> None:
    name, store = made
    build, encoder, training = RECIPES[name]
    start, done = (load_embedding(store, f"refined/{name}") for name in ("start", "done"))
    recipe: dict[str, Any] = done.info.recipe
    residual = "residual" in encoder
    assert recipe["form"] == ("residual" if residual else "plain")
    assert recipe["cold_items"] == len(UNMET)
    assert ("residual_map" in recipe) == residual
    assert ("cold_map" in recipe) == (not residual and recipe["latent_columns"] > 0)
    assert ("calibration" in recipe) == ("calibrate" in training)
    fixed = int(recipe["guided_columns"]) + int(recipe.get("text_columns", 0))
    assert fixed == (5 if "text" in build else 3)
    content, learned = done.vectors[30:, :fixed], done.vectors[30:, fixed:]
    if residual:
        assert not learned.any()
        weights = load_encoder(store, done).model.state_dict()["residual.weight"].numpy()
        np.testing.assert_array_equal(np.array(recipe["residual_map"], np.float32), weights)
    elif "cold_map" in recipe:
        np.testing.assert_allclose(learned, apply_map(np.array(recipe["cold_map"]), content), atol=1e-6)
    assert done.bias is not None
    np.testing.assert_allclose(done.bias[30:], recipe["cold_bias"], rtol=1e-6)
    assert not np.allclose(done.bias[:30], recipe["cold_bias"])
    if "calibrate" in training:
        (learned_map,) = recipe["calibration"]
        knots, slopes = (np.array(learned_map[key]) for key in ("knots", "slopes"))
        np.testing.assert_array_equal(
            apply_calibration(start.vectors[:, :3], knots, slopes), done.vectors[:, :3]
        )
        assert (slopes > 0).all()
        assert np.abs(slopes - 1).max() > 0.01
    if "delta_bound" in training:
        assert np.linalg.norm(done.vectors[:, fixed:], axis=1).max() <= training["delta_bound"] * (1 + 1e-6)


def test_the_encoder_knows_its_columns(made: tuple[str, Store]) -> None:
    name, store = made
    _, encoder, _ = RECIPES[name]
    done = load_embedding(store, "refined/done")
    config = load_encoder(store, done).config
    told = "residual" in encoder or "user" in encoder
    assert (config.fixed, config.attributes) == (
        (5 if "text" in RECIPES[name][0] else 3, 3) if told else (0, 0)
    )
    trained: dict[str, Any] = done.info.recipe["training"]  # type: ignore[assignment]
    assert trained["encoder"] == config.to_dict()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path) as made:
        yield made


def test_a_recipe_says_only_what_its_own_run_did(store: Store, split: Split) -> None:
    """From plain to residual and back: no map of the version before stays behind."""
    build_refined(store, "start", guided="guided/g", dim=8)
    runs = (("a", "start", False), ("b", "a", True), ("c", "b", False), ("d", "c", True))
    for name, items, residual in runs:
        train(
            store,
            name,
            split=split,
            items=f"refined/{items}",
            encoder=shape_of(8, residual=residual),
            training=replace(TRAINING, epochs=1),
        )
        recipe = load_embedding(store, f"refined/{name}").info.recipe
        assert ("residual_map" in recipe, "cold_map" in recipe) == (residual, not residual)
        assert recipe["form"] == ("residual" if residual else "plain")
        assert recipe["guided"] == "guided/g"


def test_calibrations_of_two_runs_follow_each_other(store: Store, split: Split) -> None:
    build_refined(store, "start", guided="guided/g", dim=8)
    items = "start"
    for name, calibrate in (("a", True), ("b", False), ("c", True)):
        settings = replace(TRAINING, epochs=2, calibrate=calibrate)
        train(store, name, split=split, items=f"refined/{items}", encoder=shape_of(8), training=settings)
        items = name
    start, first, kept, last = (load_embedding(store, f"refined/{n}") for n in ("start", "a", "b", "c"))
    np.testing.assert_array_equal(kept.vectors[:, :3], first.vectors[:, :3])
    assert kept.info.recipe["calibration"] == first.info.recipe["calibration"]
    steps: list[dict[str, Any]] = last.info.recipe["calibration"]  # type: ignore[assignment]
    assert len(steps) == 2
    content = start.vectors[:, :3]
    for step in steps:
        content = apply_calibration(content, np.array(step["knots"]), np.array(step["slopes"]))
    np.testing.assert_array_equal(content, last.vectors[:, :3])


def test_frozen_columns_stay_for_unmet_items_too(store: Store, split: Split) -> None:
    build_refined(store, "start", guided="guided/g", base="base/b")
    before = load_embedding(store, "refined/start").vectors
    settings = replace(TRAINING, epochs=1)
    train(
        store,
        "f",
        split=split,
        items="refined/start",
        encoder=shape_of(8),
        training=settings,
        latent="frozen",
    )
    np.testing.assert_array_equal(load_embedding(store, "refined/f").vectors, before)


class _Killed(Exception):
    pass


@pytest.mark.parametrize("loss", [{}, {"loss": "sampled", "negatives": 12, "row_sparse": True}])
def test_a_killed_run_goes_on_to_the_same_bits(
    store: Store, split: Split, loss: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    build_refined(store, "start", guided="guided/g", base="base/b")
    shape = shape_of(8, residual=True, user=True)
    settings = replace(TRAINING, cold_share=0.2, calibrate=True, delta_bound=0.5, **loss)

    def run(name: str) -> str:
        return train(
            store, name, split=split, items="refined/start", encoder=shape, training=settings
        ).version.digest

    whole = run("whole")
    step, taken = Trainer._take_step, 0

    def dies(self: Trainer, batch: Any) -> float:
        nonlocal taken
        taken += 1
        if taken == 12:  # in the second epoch of eight steps
            raise _Killed
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr("guided_store.encoders._training.CHECKPOINT_EVERY", -1.0)  # after every step
        patch.setattr(Trainer, "_take_step", dies)
        with pytest.raises(_Killed):
            run("again")
    assert checkpoint_path(store, Ref("refined", "again")).exists()
    assert run("again") == whole
    one, two = (load_embedding(store, f"refined/{name}") for name in ("whole", "again"))
    for key in ("calibration", "residual_map", "cold_bias"):
        assert one.info.recipe[key] == two.info.recipe[key]
    np.testing.assert_array_equal(*(load_encoder(store, part).encode(HISTORIES) for part in (one, two)))
