"""Where training starts: from the parent's own scores, whatever form it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from guided_ring import RING, UNMET, put_base, put_guided
from numpy.typing import NDArray

from guided_store.catalogue import Split
from guided_store.embeddings import build_refined
from guided_store.encoders import EncoderConfig, TrainingConfig, load_encoder, make_model, train
from guided_store.encoders._cold import apply_map, fit_map
from guided_store.encoders._histories import encode_histories
from guided_store.encoders._start import Items, start_items
from guided_store.errors import UsageError, VersionError
from guided_store.store import Store, create
from guided_store.versions import load_embedding, write_version

SHAPE = EncoderConfig(dim=8, blocks=1, heads=2, max_length=12, dropout=0.1)
RESIDUAL = replace(SHAPE, residual=True)
SHORT = TrainingConfig(epochs=2, batch_size=16, learning_rate=5e-3, warmup=10, precision="fp32")
HISTORIES = [np.array(h, np.int32) for h in ([0, 1, 2], [7], [20, 21, 22, 23, 24, 25])]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "s") as made:
        put_guided(made, [*RING, *UNMET])
        put_base(made, [*RING, *UNMET])
        build_refined(made, "one", guided="guided/g", dim=8)
        build_refined(made, "two", guided="guided/g", base="base/b")
        yield made


def start(store: Store, items: str, split: Split, encoder: EncoderConfig, **settings: object) -> Items:
    training = replace(SHORT, **settings)  # type: ignore[arg-type]
    return start_items(store, items, split, encoder, training, "trained")


def vectors_of(items: Items) -> NDArray[np.float32]:
    return items.table.vectors().detach().numpy()


def test_random_vectors_are_for_items_with_events(store: Store, split: Split) -> None:
    items = start(store, "learned", split, SHAPE)
    assert (items.kind, items.parent, items.map) == ("base", None, None)
    counts = split.train.counts()
    assert items.item_ids == tuple(item for item, n in zip(split.train.item_ids, counts, strict=True) if n)
    again = start(store, "learned", split, SHAPE)
    np.testing.assert_array_equal(vectors_of(items), vectors_of(again))
    assert np.abs(vectors_of(items) - vectors_of(start(store, "learned", split, SHAPE, seed=2))).max() > 0


def test_a_version_of_one_stage_gets_learned_columns(store: Store, split: Split) -> None:
    parent = load_embedding(store, "refined/one")
    items = start(store, "refined/one", split, SHAPE)
    found = vectors_of(items)
    np.testing.assert_array_equal(found[:, :3], parent.vectors[:, :3])
    assert found[:, 3:].std() == pytest.approx(0.02, rel=0.2)
    assert items.item_ids == (*RING, *UNMET)
    assert items.table.seen is not None
    assert [item for item, seen in zip(items.item_ids, items.table.seen, strict=True) if not seen] == [*UNMET]
    assert items.encoder == SHAPE  # digests of plain encoders do not change
    residual = start(store, "refined/one", split, RESIDUAL)
    np.testing.assert_array_equal(vectors_of(residual), parent.vectors)  # nothing of an item's own as yet
    assert residual.map is None
    assert (residual.encoder.fixed, residual.encoder.attributes) == (3, 3)


def test_from_a_base_the_map_is_a_regression_and_an_item_keeps_the_rest(store: Store, split: Split) -> None:
    parent = load_embedding(store, "refined/two")
    items = start(store, "refined/two", split, RESIDUAL)
    content, learned = parent.vectors[:, :3], parent.vectors[:, 3:]
    weight = fit_map(content[:30], learned[:30])  # of the items with events
    assert items.map is not None
    np.testing.assert_array_equal(items.map, weight[:, :-1].astype(np.float32))
    np.testing.assert_allclose(vectors_of(items)[:, 3:], learned - apply_map(weight, content), atol=1e-7)
    np.testing.assert_array_equal(vectors_of(items)[:, :3], content)
    # whole latent vectors are those of the base, moved all alike
    whole = vectors_of(items)[:, 3:] + content @ items.map.T
    moved = learned - whole
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-6)
    plain = start(store, "refined/two", split, SHAPE)
    np.testing.assert_array_equal(vectors_of(plain), parent.vectors)


@pytest.mark.parametrize("architecture", ["sasrec", "gru4rec", "bert4rec"])
def test_from_a_residual_version_scores_start_as_the_parents(
    store: Store, split: Split, architecture: str
) -> None:
    encoder = EncoderConfig.of(architecture, dim=8, max_length=12, residual=True, user=True)
    calibrated = replace(SHORT, calibrate=True, cold_share=0.2)
    train(store, "parent", split=split, items="refined/two", encoder=encoder, training=calibrated)
    parent = load_embedding(store, "refined/parent")
    known = load_encoder(store, parent)
    items = start(store, "refined/parent", split, encoder, calibrate=True)
    # the map and the items come from `start_items`, the network as it was trained
    model = make_model(items.encoder)
    weights = known.model.state_dict()
    model.load_state_dict(weights | {"residual.weight": torch.zeros_like(weights["residual.weight"])})
    items.start_map(model)
    found = encode_histories(model.eval(), items.table, HISTORIES) @ vectors_of(items).T
    expected = known.encode(HISTORIES) @ parent.vectors.T
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(items.map, weights["residual.weight"].numpy())
    assert parent.bias is not None
    np.testing.assert_array_equal(items.table.biases().detach().numpy(), parent.bias)


def test_the_plain_form_takes_a_residual_parents_whole_vectors(store: Store, split: Split) -> None:
    train(store, "parent", split=split, items="refined/two", encoder=RESIDUAL, training=SHORT)
    parent = load_embedding(store, "refined/parent")
    model = load_encoder(store, parent).model
    assert model.residual is not None
    with torch.no_grad():
        whole = model.residual.read(torch.tensor(parent.vectors)).numpy()
    items = start(store, "refined/parent", split, SHAPE)
    np.testing.assert_allclose(vectors_of(items), whole, atol=1e-6)
    assert np.abs(whole - parent.vectors).max() > 0.01
    # and once trained so, a residual run splits them anew instead of taking up the first map
    train(store, "plain", split=split, items="refined/parent", encoder=SHAPE, training=SHORT)
    again = start(store, "refined/plain", split, RESIDUAL)
    learned = load_embedding(store, "refined/plain").vectors
    expected = fit_map(learned[:30, :3], learned[:30, 3:])[:, :-1].astype(np.float32)
    np.testing.assert_array_equal(again.map, expected)


def test_what_learns_and_what_does_not(store: Store, split: Split) -> None:
    items = start_items(
        store, "refined/two", split, SHAPE, replace(SHORT, item_bias=False, cold_share=0.1), "frozen"
    )
    assert not [name for name, part in items.table.named_parameters() if part.requires_grad]
    cold = start(store, "refined/two", split, SHAPE, cold_share=0.1, calibrate=True)
    names = {name for name, part in cold.table.named_parameters() if part.requires_grad}
    assert names == {"latent", "bias", "cold_bias", "calibration.raw_slopes"}
    assert start(store, "refined/two", split, SHAPE).table.cold_bias is None


@pytest.mark.parametrize(
    ("items", "shape", "settings", "sentence"),
    [
        ("base/b", {"residual": True}, {}, "residual needs attributes, which base/b items have not"),
        ("learned", {"user": True}, {}, "user needs attributes, which learned items have not"),
        ("learned", {}, {"cold_share": 0.1}, "cold_share needs attributes, which learned items have not"),
        ("base/b", {}, {"calibrate": True}, "calibrate needs attributes, which base/b items have not"),
        ("learned", {}, {"delta_bound": 1.0}, "delta_bound belongs to the residual form"),
        ("refined/two", {}, {"delta_bound": 1.0}, "delta_bound belongs to the residual form"),
        ("guided/g", {}, {}, "guided/g holds attributes only; build a refined version from it"),
        ("refined/alone", {"dim": 3, "heads": 1, "residual": True}, {}, "has no learned columns"),
        ("refined/two", {"dim": 16}, {}, "refined/two has 8 dimensions but --dim is 16"),
        ("refined/strange", {}, {}, "no item of refined/strange has a training event"),
    ],
)
def test_what_does_not_go_together(
    store: Store,
    split: Split,
    items: str,
    shape: dict[str, object],
    settings: dict[str, object],
    sentence: str,
) -> None:
    build_refined(store, "alone", guided="guided/g", dim=3)
    recipe = load_embedding(store, "refined/two").info.recipe
    write_version(store, "refined/strange", ["x", "y"], np.ones((2, 8), np.float32), recipe=recipe)
    with pytest.raises(UsageError) as caught:
        start(store, items, split, replace(SHAPE, **shape), **settings)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_a_bound_on_what_is_frozen_is_refused(store: Store, split: Split) -> None:
    with pytest.raises(UsageError, match="a frozen one learns nothing"):
        start_items(store, "refined/two", split, RESIDUAL, replace(SHORT, delta_bound=1.0), "frozen")
    with pytest.raises(VersionError, match="no version refined/none"):
        start(store, "refined/none", split, SHAPE)
