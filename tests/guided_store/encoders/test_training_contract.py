"""Every architecture through training: it learns, repeats, resumes, and is stored as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from guided_store.catalogue import Sequences, Split
from guided_store.encoders import EncoderConfig, TrainingConfig, load_encoder, make_model, train
from guided_store.encoders._batches import Batch
from guided_store.encoders._items import ItemTable
from guided_store.encoders._training import Trainer
from guided_store.errors import UsageError
from guided_store.evaluation import EncodedScorer, summarise, target_ranks
from guided_store.store import create
from guided_store.versions import load_embedding

TINY = {"dim": 16, "blocks": 1, "max_length": 12, "dropout": 0.1}
SETTINGS = TrainingConfig(epochs=12, batch_size=16, learning_rate=5e-3, warmup=10)
KINDS: dict[str, tuple[EncoderConfig, TrainingConfig]] = {
    "sasrec": (EncoderConfig.of("sasrec", **TINY), SETTINGS),
    "sasrec-ligr": (EncoderConfig.of("sasrec", **TINY, block="ligr"), SETTINGS),
    "sasrec-gbce": (
        EncoderConfig.of("sasrec", **TINY),
        TrainingConfig.from_dict(SETTINGS.to_dict() | {"loss": "gbce", "negatives": 15}),
    ),
    "gru4rec": (EncoderConfig.of("gru4rec", **TINY, hidden=24), SETTINGS),
    "bert4rec": (
        EncoderConfig.of("bert4rec", **TINY),
        # the cloze task asks less in a step, so it gets more of them
        TrainingConfig.from_dict(SETTINGS.to_dict() | {"epochs": 90, "patience": 90, "mask_last": 0.5}),
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[EncoderConfig, TrainingConfig]:
    return KINDS[request.param]


def test_it_learns_and_is_stored_as_it_was(
    tmp_path: Path, split: Split, kind: tuple[EncoderConfig, TrainingConfig]
) -> None:
    encoder, training = kind
    with create(tmp_path / "s") as store:
        result = train(store, "ring", split=split, encoder=encoder, training=training)
        # 30 items, each followed by its neighbour in 85 of 100 cases; popularity reaches 0.17
        assert result.outcome.metrics["ndcg@10"] > 0.55
        embedding = load_embedding(store, "base/ring")
        loaded = load_encoder(store, embedding)
        assert loaded.config == encoder
        histories = [split.sequences.items[:n].astype(np.int32) for n in (1, 3, 12, 20)]
        np.testing.assert_array_equal(loaded.encode(histories), result.encoder.encode(histories))
        # queries and vectors are in one space, and the kept weights give the kept figure
        scorer = EncodedScorer("ring", loaded, embedding.item_ids, embedding.vectors, embedding.bias)
        again = summarise(target_ranks(scorer, split, "validation"))
        assert again["ndcg@10"] == pytest.approx(result.outcome.metrics["ndcg@10"], abs=1e-6)


class Stopped(Exception):
    pass


class StopsAt(Trainer):
    """Raises before a step, as a kill would; the last checkpoint is that of the step before."""

    stop_at = -1

    def _take_step(self, batch: Batch) -> float:
        if self._step == self.stop_at:
            raise Stopped
        return super()._take_step(batch)


@pytest.fixture
def trainer(split: Split, kind: tuple[EncoderConfig, TrainingConfig]) -> Callable[..., StopsAt]:
    encoder, training = kind
    short = TrainingConfig.from_dict(training.to_dict() | {"epochs": 3})
    whole = split.train
    few = Sequences(
        whole.user_ids[:40], whole.item_ids, whole.indptr[:41], whole.items[: int(whole.indptr[40])]
    )

    def make(checkpoint: Path | None = None) -> StopsAt:
        model = make_model(encoder)
        model.reset(torch.Generator().manual_seed(1))
        table = ItemTable.learned(few.n_items, encoder.dim, torch.Generator().manual_seed(2), item_bias=True)
        return StopsAt(model, table, few, short, validate=None, checkpoint=checkpoint)

    return make


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    return trainer.model.state_dict() | trainer.table.state_dict()


def test_a_stopped_run_takes_the_same_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer: Callable[..., StopsAt]
) -> None:
    monkeypatch.setattr("guided_store.encoders._training.CHECKPOINT_EVERY", -1.0)  # after every step
    whole = trainer()
    losses = [row["loss"] for row in whole.run().history]
    path = tmp_path / "c.safetensors"
    for stop_at in (2, 4):  # inside the first and the second epoch
        stopped = trainer(path)
        stopped.stop_at = stop_at
        with pytest.raises(Stopped):
            stopped.run()
    resumed = trainer(path)
    assert [row["loss"] for row in resumed.run().history] == losses
    for name, value in state(whole).items():
        assert torch.equal(value, state(resumed)[name]), name


def test_the_same_seed_gives_the_same_weights(trainer: Callable[..., StopsAt]) -> None:
    one, other = trainer(), trainer()
    one.run()
    torch.rand(3)  # what others draw is of no account
    other.run()
    for name, value in state(one).items():
        assert torch.equal(value, state(other)[name]), name


def test_what_the_settings_come_to_is_recorded(tmp_path: Path, split: Split) -> None:
    short = TrainingConfig(epochs=1, batch_size=64)
    with create(tmp_path / "s") as store:
        result = train(store, "b", split=split, encoder=KINDS["bert4rec"][0], training=short)
        resolved = result.encoder.manifest.training["resolved"]
        assert (resolved["masking"], resolved["mask_last"]) == (0.2, 0.2)
        calibrated = TrainingConfig(epochs=1, batch_size=64, loss="gbce", negatives=9)
        result = train(store, "g", split=split, encoder=KINDS["sasrec"][0], training=calibrated)
        assert result.encoder.manifest.training["resolved"]["gbce_t"] == 0.75
        with pytest.raises(UsageError, match="masking belongs to"):
            train(store, "x", split=split, encoder=KINDS["gru4rec"][0], training=TrainingConfig(masking=0.2))
