"""Training end to end: it learns, stops, resumes to the same result, and binds what it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from guided_store.catalogue import Split, no_split
from guided_store.encoders import EncoderConfig, TrainingConfig, load_encoder, load_scorer, train
from guided_store.encoders._train import checkpoint_path
from guided_store.errors import EncoderError, UsageError, VersionError
from guided_store.evaluation import EncodedScorer, Popularity, summarise, target_ranks
from guided_store.progress import SILENT, Task
from guided_store.retrieval import Recommender
from guided_store.store import Store, create, open
from guided_store.versions import Embedding, Ref, list_versions, load_embedding, write_version

SHAPE = EncoderConfig(dim=16, blocks=1, heads=2, max_length=12, dropout=0.1)
SETTINGS = TrainingConfig(epochs=12, patience=12, batch_size=16, learning_rate=5e-3, warmup=10)
SHORT = TrainingConfig(epochs=3, patience=3, batch_size=16, learning_rate=5e-3, warmup=10)
LONG = TrainingConfig(epochs=8, patience=8, batch_size=4, learning_rate=5e-3, warmup=10)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create(tmp_path / "s")


class Said(type(SILENT)):  # type: ignore[misc]
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def test_it_learns_what_popularity_cannot(store: Store, split: Split) -> None:
    result = train(store, "ring", split=split, encoder=SHAPE, training=SETTINGS)
    embedding = load_embedding(store, "base/ring")
    encoder = load_encoder(store, embedding)
    scorer = EncodedScorer("ring", encoder, embedding.item_ids, embedding.vectors, embedding.bias)
    found = summarise(target_ranks(scorer, split))
    popular = summarise(target_ranks(Popularity.fit(split), split))
    assert found["ndcg@10"] > popular["ndcg@10"] + 0.3
    assert result.outcome.metrics["ndcg@10"] == max(row["ndcg@10"] for row in result.outcome.history)
    # what is loaded is what was kept: it reproduces the best epoch's validation figure
    again = summarise(target_ranks(scorer, split, "validation"))
    assert again["ndcg@10"] == pytest.approx(result.outcome.metrics["ndcg@10"], abs=1e-6)
    assert result.version.metrics["validation ndcg@10"] == result.outcome.metrics["ndcg@10"]
    assert not checkpoint_path(store, Ref("base", "ring")).exists()


def test_the_same_seed_gives_the_same_vectors(store: Store, split: Split) -> None:
    for name in ("one", "two"):
        train(store, name, split=split, encoder=SHAPE, training=SHORT)
    one, two = (load_embedding(store, f"base/{name}") for name in ("one", "two"))
    assert one.digest == two.digest


def test_the_guided_part_stays_and_the_latent_learns(store: Store, split: Split) -> None:
    rng = np.random.default_rng(0)
    ids = split.sequences.item_ids
    vectors = rng.normal(size=(30, 16)).astype(np.float32)
    raw = rng.integers(0, 11, (30, 5)).astype(np.float32)
    recipe = {"attributes": list("abcde"), "guided_columns": 5}
    write_version(store, "refined/start", ids, vectors, raw=raw, recipe=recipe)
    train(store, "done", split=split, items="refined/start", encoder=SHAPE, training=SHORT)
    done = load_embedding(store, "refined/done")
    np.testing.assert_array_equal(done.vectors[:, :5], vectors[:, :5])
    assert np.abs(done.vectors[:, 5:] - vectors[:, 5:]).max() > 1e-3
    np.testing.assert_array_equal(done.raw, raw)
    assert done.attributes == tuple("abcde")
    assert done.info.parents == ("refined/start",)
    train(
        store,
        "frozen",
        split=split,
        items="refined/start",
        encoder=SHAPE,
        training=SHORT,
        latent="frozen",
    )
    frozen = load_embedding(store, "refined/frozen")
    np.testing.assert_array_equal(frozen.vectors, vectors)
    assert np.abs(frozen.bias).max() > 0


def test_sampled_softmax_learns_too(store: Store, split: Split) -> None:
    settings = TrainingConfig.from_dict(SETTINGS.to_dict() | {"loss": "sampled", "negatives": 20})
    result = train(store, "sampled", split=split, encoder=SHAPE, training=settings)
    assert result.outcome.metrics["ndcg@10"] > 0.5


RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import make_sequences, make_split
from guided_store.encoders import EncoderConfig, TrainingConfig, train
from guided_store.store import open
from guided_store.progress import SILENT, Task

class Said(type(SILENT)):
    def log(self, text):
        print(text, flush=True)

with open(sys.argv[1], write=True) as store:
    train(
        store, "long", split=make_split(make_sequences()), progress=Said(),
        encoder=EncoderConfig(dim=16, blocks=1, heads=2, max_length=12, dropout=0.1),
        training=TrainingConfig(epochs=8, patience=8, batch_size=4, learning_rate=5e-3, warmup=10),
    )
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, split: Split) -> Embedding:
    """What the run that is stopped comes to when it is not."""
    with create(tmp_path_factory.mktemp("whole") / "s") as store:
        train(store, "whole", split=split, encoder=SHAPE, training=LONG)
        return load_embedding(store, "base/whole")


class Pressed(Said):
    """Presses Ctrl-C in the 75th step, amid an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 75

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Task]:
        yield self

    def advance(self, steps: float = 1) -> None:
        self.left -= 1
        if not self.left:
            signal.raise_signal(signal.SIGINT)

    def note(self, text: str) -> None:
        pass


def test_an_interrupted_run_resumes_to_the_same_result(store: Store, split: Split, whole: Embedding) -> None:
    pressed = Pressed()
    with pytest.raises(KeyboardInterrupt):
        train(store, "long", split=split, encoder=SHAPE, training=LONG, progress=pressed)
    assert pressed.lines[-1].startswith("epoch   2 ")
    assert_resumed(store, split, whole)


def assert_resumed(store: Store, split: Split, whole: Embedding) -> None:
    """The unfinished run `long` is gone on with, not begun again, and comes to `whole`."""
    said = Said()
    assert list_versions(store) == []
    assert checkpoint_path(store, Ref("base", "long")).exists()
    train(store, "long", split=split, encoder=SHAPE, training=LONG, progress=said)
    assert any("resumed after epoch" in line for line in said.lines)
    assert not any(line.startswith("epoch   1 ") for line in said.lines)
    long = load_embedding(store, "base/long")
    np.testing.assert_allclose(whole.vectors, long.vectors, atol=1e-5)


def test_a_killed_run_resumes_to_the_same_result(store: Store, split: Split, whole: Embedding) -> None:
    store.close()
    command = [sys.executable, "-c", RUN, str(store.root), str(Path(__file__).parent)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    assert run.stdout is not None
    while b"epoch   2" not in run.stdout.readline():
        assert run.poll() is None
    time.sleep(0.05)
    run.kill()
    run.communicate()
    assert run.returncode != 0
    with open(store.root, write=True) as again:
        assert_resumed(again, split, whole)


def test_a_checkpoint_of_other_settings_is_not_mixed_in(store: Store, split: Split) -> None:
    path = checkpoint_path(store, Ref("base", "x"))
    from guided_store.encoders._checkpoint import save_checkpoint

    save_checkpoint(path, {}, {"fingerprint": "other"})
    with pytest.raises(UsageError, match="other data or settings"):
        train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    path.write_bytes(b"torn")
    with pytest.raises(EncoderError, match=r"checkpoint .* is damaged"):
        train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    train(store, "x", split=split, encoder=SHAPE, training=SHORT, resume=False)
    assert [str(info.ref) for info in list_versions(store)] == ["base/x"]


def test_refusals(store: Store, split: Split) -> None:
    train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    with pytest.raises(VersionError, match="base/x already"):
        train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    with pytest.raises(UsageError, match="16 dimensions but --dim is 64"):
        train(store, "y", split=split, items="base/x", training=SHORT)
    write_version(store, "guided/g", ["a"], np.ones((1, 2), np.float32))
    with pytest.raises(UsageError, match="build a refined version"):
        train(store, "y", split=split, items="guided/g", training=SHORT)
    with pytest.raises(UsageError, match="latent must be"):
        train(store, "y", split=split, encoder=SHAPE, latent="half")
    with pytest.raises(UsageError, match="repeats must be"):
        train(store, "y", split=split, encoder=SHAPE, repeats="sometimes")
    with pytest.raises(UsageError, match="device 'cuda"):
        train(store, "y", split=split, encoder=SHAPE, device="cuda:7")


def test_an_encoder_is_bound_to_its_vectors(store: Store, split: Split) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        settings = TrainingConfig.from_dict(SHORT.to_dict() | {"seed": seed})
        train(store, name, split=split, encoder=SHAPE, training=settings)
    folder = store.artifact("encoders", "base")
    (folder / "one").rename(folder / "kept")
    (folder / "two").rename(folder / "one")
    with pytest.raises(EncoderError, match=r"belongs to base/two .* train it again"):
        load_encoder(store, load_embedding(store, "base/one"))
    with pytest.raises(UsageError, match="base/two has no encoder"):
        load_encoder(store, load_embedding(store, "base/two"))


@pytest.mark.parametrize("name", ["model.safetensors", "encoder.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_damaged_encoders_are_refused(store: Store, split: Split, name: str, damage: str) -> None:
    train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    path = store.artifact("encoders", "base/x") / name
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    with pytest.raises(EncoderError, match="base/x is damaged"):
        load_encoder(store, load_embedding(store, "base/x"))


def test_a_tampered_shape_is_refused(store: Store, split: Split) -> None:
    train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    path = store.artifact("encoders", "base/x") / "encoder.json"
    content = json.loads(path.read_text())
    for change in ({"heads": 4}, {"blocks": 2}):
        path.write_text(json.dumps(content | {"config": content["config"] | change}))
        with pytest.raises(EncoderError, match="do not agree"):
            load_encoder(store, load_embedding(store, "base/x"))
    path.write_text(json.dumps(content | {"format": 1}))
    with pytest.raises(EncoderError, match="format 1, this program reads 2: train it again"):
        load_encoder(store, load_embedding(store, "base/x"))


def test_what_a_version_was_made_from_is_held_against_the_split(store: Store, split: Split) -> None:
    everything = no_split(split.sequences)
    train(store, "all", split=everything, encoder=SHAPE, training=SHORT)
    said = Said()
    train(store, "warm", split=split, items="base/all", encoder=SHAPE, training=SHORT, progress=said)
    assert any("base/all was trained on another split (none" in line for line in said.lines)
    _, warnings = load_scorer(store, "base/warm", split)
    assert len(warnings) == 1
    assert "base/all, which base/warm is made from, was trained on another split" in warnings[0]
    train(store, "honest", split=split, encoder=SHAPE, training=SHORT)
    assert load_scorer(store, "base/honest", split)[1] == []
    assert len(load_scorer(store, "base/honest", everything)[1]) == 1


def test_an_encoder_knows_whether_repeats_were_allowed(store: Store, split: Split) -> None:
    train(store, "shop", split=split, encoder=SHAPE, training=SHORT, repeats="allow")
    train(store, "films", split=split, encoder=SHAPE, training=SHORT)
    asked = {name: load_encoder(store, load_embedding(store, f"base/{name}")) for name in ("shop", "films")}
    assert {name: encoder.repeats for name, encoder in asked.items()} == {"shop": "allow", "films": "exclude"}
    assert Recommender.load(store, "base/shop").repeats == "allow"
    assert Recommender.load(store, "base/shop", repeats="exclude").repeats == "exclude"


def test_small_data_gets_more_passes_and_a_shorter_warm_up(store: Store, split: Split) -> None:
    settings = TrainingConfig()
    assert (settings.resolve_batch(120), settings.resolve_batch(6_040)) == (16, 128)
    assert (settings.resolve_epochs(7), settings.resolve_epochs(48), settings.resolve_epochs(1)) == (
        286,
        42,
        400,
    )
    assert (settings.resolve_patience(286), settings.resolve_patience(40)) == (57, 10)
    fixed = TrainingConfig(epochs=3, patience=2, batch_size=5)
    assert (fixed.resolve_epochs(7), fixed.resolve_patience(3), fixed.resolve_batch(9)) == (3, 2, 5)
    result = train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    resolved = result.encoder.manifest.training["resolved"]
    assert {"batch_size": 16, "epochs": 3, "patience": 3}.items() <= resolved.items()


def test_recovery_keeps_finished_encoders(store: Store, split: Split) -> None:
    train(store, "x", split=split, encoder=SHAPE, training=SHORT)
    store.close()
    with open(store.root, write=True) as again:
        assert again.artifacts("encoders") == ["base/x"]
