"""Priors of users: every step, ranking and list reads those of its own users, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest
import torch
from guided_ring import NAMES, RING, UNMET, put_guided, put_items
from torch import Tensor

from guided_store.catalogue import Sequences, Split
from guided_store.embeddings import build_refined
from guided_store.encoders import (
    EncoderConfig,
    TrainingConfig,
    extend_refined,
    load_encoder,
    load_priors,
    load_scorer,
    make_model,
    train,
)
from guided_store.encoders._items import ItemTable
from guided_store.encoders._training import Trainer
from guided_store.errors import EncoderError, UsageError, VersionError
from guided_store.evaluation import summarise, target_ranks
from guided_store.health import check_all
from guided_store.store import Store, create
from guided_store.versions import Ref, load_embedding, write_version
from guided_store.versions._registry import TABLE

SHAPE = EncoderConfig(dim=8, blocks=1, heads=2, max_length=12, dropout=0.1, user=True)
TRAINING = TrainingConfig(epochs=2, batch_size=16, learning_rate=1e-2, warmup=10, precision="fp32")


def put_users(store: Store, split: Split, name: str, values: np.ndarray) -> None:
    """Vectors of the first users as `build users` writes them, judged by the split's training part."""
    guided = load_embedding(store, "guided/g").info.recipe
    recipe = {key: guided[key] for key in ("mean", "deviation")}
    recipe |= {"attributes": list(NAMES), "guided": "guided/g"}
    recipe |= {"split_kind": split.kind, "split_digest": split.digest}
    users = split.sequences.user_ids[: len(values)]
    write_version(store, Ref("users", name), users, values.astype(np.float32), recipe=recipe)


def far_out(split: Split) -> np.ndarray:
    """float (100, 3): far from the average user, each in a direction of its own."""
    places = split.validation.items(split.sequences)[:100] * (2 * np.pi / len(RING))
    return 4 * np.stack([np.cos(places), np.sin(places), np.zeros(100)], axis=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, split: Split) -> Iterator[Store]:
    with create(tmp_path_factory.mktemp("users") / "s") as made:
        put_items(made, [*RING, *UNMET])
        put_guided(made, RING)
        put_guided(made, [*RING, *UNMET], "more")
        build_refined(made, "start", guided="guided/g", dim=8)
        put_users(made, split, "knowing", far_out(split))
        put_users(made, split, "average", np.zeros((100, 3)))
        for name, calibrate in (("knowing", False), ("calibrated", True)):
            run(made, split, name, calibrate=calibrate)
        yield made


def run(store: Store, split: Split, name: str, users: str | None = "users/knowing", **settings: Any) -> Any:
    return train(
        store,
        name,
        split=split,
        items="refined/start",
        encoder=SHAPE,
        training=replace(TRAINING, **settings),
        users=users,
    )


@pytest.mark.parametrize("name", ["knowing", "calibrated"])
def test_training_validation_and_evaluation_read_the_same_priors(
    store: Store, split: Split, name: str
) -> None:
    done = load_embedding(store, f"refined/{name}")
    users = load_embedding(store, Ref("users", "knowing"))
    settings: Any = done.info.recipe["training"]
    training = load_encoder(store, done).manifest.training
    for record in (settings, training):
        assert (record["users"], record["users_digest"]) == ("users/knowing", users.digest)
    scorer, warnings = load_scorer(store, f"refined/{name}", split)
    assert warnings == []
    again = summarise(target_ranks(scorer, split, "validation"))["mrr"]
    assert again == pytest.approx(done.info.metrics["validation mrr"], abs=1e-5)
    scorer._priors = None
    without = summarise(target_ranks(scorer, split, "validation"))["mrr"]
    assert without != pytest.approx(again, abs=1e-4)


def test_without_users_nothing_says_so_and_the_average_changes_nothing(store: Store, split: Split) -> None:
    none, average = run(store, split, "none", users=None), run(store, split, "average", "average")
    assert none.version.digest == average.version.digest
    for name, value in none.encoder.model.state_dict().items():
        assert torch.equal(average.encoder.model.state_dict()[name], value), name
    assert not {"users", "users_digest"} & set(none.encoder.manifest.training)
    assert none.version.digest != load_embedding(store, "refined/knowing").digest


@pytest.mark.parametrize("architecture", ["sasrec", "bert4rec"])
@pytest.mark.parametrize("extra", [{}, {"loss": "sampled", "negatives": 3, "row_sparse": True}])
def test_a_step_reads_the_priors_of_its_own_users(
    architecture: str, extra: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every item and every user the only attribute is the user's number."""
    lengths = np.array([5, 0, 7, 1, 3, 9, 12, 2])
    owner = np.repeat(np.arange(8), lengths).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = tuple(f"i{n}" for n in range(len(owner)))
    events = Sequences(tuple("abcdefgh"), ids, indptr, np.arange(len(owner), dtype=np.int32))
    vectors = np.zeros((len(owner), 4), np.float32)
    vectors[:, 0] = owner
    shape = EncoderConfig.of(architecture, dim=4, blocks=1, max_length=4, fixed=1, attributes=1, user=True)
    model = make_model(shape)
    trained, met = model.trained, set()

    def watched(read: Tensor, lengths: Tensor, places: Tensor, *, prior: Tensor) -> Tensor:
        real = torch.arange(read.shape[1]) < lengths[:, None]
        if architecture == "bert4rec":  # a hidden place holds no event
            real.view(-1)[places] = False
        row, _ = torch.nonzero(real, as_tuple=True)
        assert torch.equal(read[..., 0][real], prior[row, 0])
        met.update(prior[:, 0].tolist())
        return trained(read, lengths, places, prior=prior)

    monkeypatch.setattr(model, "trained", watched)
    settings = TrainingConfig(epochs=1, batch_size=2, windows="all", precision="fp32", **extra)
    table = ItemTable.from_vectors(vectors, fixed_columns=1)
    Trainer(
        model,
        table,
        events,
        settings,
        validate=None,
        priors=np.arange(8, dtype=np.float32)[:, None],
    ).run()
    assert met == {0, 2, 4, 5, 6, 7}  # those with two events


def test_what_does_not_fit_is_refused_in_one_sentence(store: Store, split: Split) -> None:
    def refused(**given: Any) -> str:
        wanted = {"items": "refined/start", "encoder": SHAPE, "training": TRAINING, "users": "users/knowing"}
        with pytest.raises((UsageError, VersionError)) as caught:
            train(store, "never", **({"split": split} | wanted | given))
        return str(caught.value)

    assert "users/knowing is read by an encoder with user=True" in refused(encoder=replace(SHAPE, user=False))
    assert "user needs attributes, which learned items have not" in refused(items="learned")
    assert "there is no version users/nobody" in refused(users="users/nobody")
    assert "does not name vectors of users" in refused(users="base/knowing")
    shorter = replace(split, train_ends=np.maximum(split.train_ends - 1, 0))
    assert "judged by the training part of another split" in refused(split=shorter)


def test_an_extended_version_reads_them_too(store: Store, split: Split) -> None:
    extend_refined(store, "wider", refined="refined/calibrated", guided="guided/more")
    old, new = (load_scorer(store, f"refined/{name}", split)[0] for name in ("calibrated", "wider"))
    cases = split.validation
    scores = [scorer.score(split.sequences, cases, slice(0, 30)) for scorer in (old, new)]
    np.testing.assert_array_equal(*scores)
    ours, theirs = (load_embedding(store, f"refined/{name}") for name in ("calibrated", "wider"))
    rows = [load_priors(store, "knowing", one).vectors for one in (ours, theirs)]
    np.testing.assert_array_equal(*rows)
    assert rows[0].std() > 0


def test_an_unfinished_run_is_bound_to_its_users(
    store: Store, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, taken = Trainer._take_step, 0

    def dies(self: Trainer, batch: Any) -> float:
        nonlocal taken
        taken += 1
        if taken == 12:
            self._save()
            raise KeyboardInterrupt
        return step(self, batch)

    monkeypatch.setattr(Trainer, "_take_step", dies)
    with pytest.raises(KeyboardInterrupt):
        run(store, split, "again")
    monkeypatch.undo()
    with pytest.raises(UsageError, match="has other data or settings"):
        run(store, split, "again", users="users/average")
    assert run(store, split, "again").version.digest == load_embedding(store, "refined/knowing").digest


def test_users_that_are_gone_or_changed_are_one_sentence(tmp_path: Path, split: Split) -> None:
    with create(tmp_path / "s") as store:
        put_guided(store, RING)
        build_refined(store, "start", guided="guided/g", dim=8)
        put_users(store, split, "knowing", far_out(split))
        run(store, split, "done", epochs=1)
        store.replace(TABLE, store.read(TABLE).filter(pc.field("kind") != "users"))
        store.untag("user_vectors", "knowing")
        with pytest.raises(EncoderError, match="users/knowing, which is not in the store any more; restore"):
            load_scorer(store, "refined/done", split)
        put_users(store, split, "knowing", np.ones((3, 3)))
        with pytest.raises(EncoderError, match=r"was trained with users/knowing of digest .* now; restore"):
            load_scorer(store, "refined/done", split)
    faults = [check for check in check_all(tmp_path / "s") if check.subject == "encoder refined/done"]
    assert [fault.state for fault in faults] == ["fault"]
