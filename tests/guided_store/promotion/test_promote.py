"""Promotion on a trained store: the alias moves only through its gates, and keeps what it moved by."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from guided_store.catalogue import (
    InteractionLayout,
    ingest_interactions,
    leave_one_out,
    load_sequences,
    no_split,
    time_split,
)
from guided_store.encoders import EncoderConfig, TrainingConfig, copy_encoder, load_encoder, train
from guided_store.errors import UnknownVersionError, UsageError, VersionError
from guided_store.promotion import promote, split_of_training, tables
from guided_store.simulation import simulate_films
from guided_store.store import Store, create, open
from guided_store.versions import (
    Ref,
    alias_history,
    embedding_digest,
    load_embedding,
    plan_prune,
    prune,
    resolve,
    set_alias,
    write_version,
)

SHAPE = EncoderConfig(dim=16, blocks=1, heads=1, max_length=20)


def shuffled(store: Store, ref: str, name: str) -> None:
    """A version whose vectors belong to other items: its figures are those of chance."""
    known = load_embedding(store, ref)
    order = np.random.default_rng(0).permutation(len(known.item_ids))
    vectors, bias = known.vectors[order], known.bias
    digest = embedding_digest(known.item_ids, vectors, bias)
    copy_encoder(store, load_encoder(store, known), Ref("base", name), digest)
    write_version(store, f"base/{name}", known.item_ids, vectors, bias=bias, recipe=known.info.recipe)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("promotion")
    simulate_films(users=150, known=80, seed=3).write_csv(folder / "events.csv")
    with create(folder / "store") as store:
        layout = InteractionLayout(user="user_id", item="item_id", time="timestamp")
        ingest_interactions(store, folder / "events.csv", layout)
        sequences = load_sequences(store)
        settings = TrainingConfig(epochs=6, batch_size=16)
        train(store, "good", split=leave_one_out(sequences), encoder=SHAPE, training=settings)
        one = TrainingConfig(epochs=1)
        train(store, "all", split=no_split(sequences), encoder=SHAPE, training=one)
        late = time_split(sequences, at=float(np.quantile(sequences.times, 0.8)))
        train(store, "late", split=late, encoder=SHAPE, training=one)
        shuffled(store, "base/good", "bad")
        write_version(store, "base/bare", ["a"], np.ones((1, 2), np.float32))
    return folder / "store"


@pytest.fixture
def store(path: Path) -> Store:
    return open(path)


def aliases(store: Store, name: str) -> list[str]:
    return [str(alias.version) for alias in alias_history(store, name)]


def test_a_good_version_comes_through_and_a_bad_one_does_not(store: Store) -> None:
    with open(store.root, write=True) as opened:
        set_alias(opened, "live", "base/bad")
    up = promote(store, "live", "base/good", ["ndcg@10 > current", "mrr >= 0.01", "coverage >= 0"])
    assert up.passed
    assert up.moved is not None
    assert (up.against, up.previous) == (Ref("base", "bad"), Ref("base", "bad"))
    assert resolve(store, "live")[0] == Ref("base", "good")
    down = promote(store, "live", "base/bad", ["ndcg@10 >= current - 1%", "mrr >= 0"])
    assert [verdict.held for verdict in down.verdicts] == [False, True]
    assert down.moved is None
    assert aliases(store, "live") == ["base/bad", "base/good"]
    text = tables([verdict.to_dict() for verdict in down.verdicts], down.level)[0].text()
    assert [row[-1] for row in text] == ["refused", "holds"]
    assert text[0][0] == "ndcg@10 >= current - 1%"


def test_the_evidence_is_kept_and_can_be_read_again(store: Store) -> None:
    found = promote(store, "kept", "base/good", ["mrr >= 0.01"])
    (row,) = alias_history(open(store.root), "kept")
    assert row.evidence == json.loads(json.dumps(found.evidence()))
    assert row.evidence["split"]["digest"] == leave_one_out(load_sequences(store)).digest
    assert row.evidence["split"]["part"] == "test"
    assert row.evidence["digests"] == {"base/good": load_embedding(store, "base/good").digest}
    assert row.evidence["gates"][0]["gate"] == "mrr >= 0.01"
    assert row.evidence["forced"] is False


def test_force_moves_and_says_so(store: Store) -> None:
    found = promote(store, "forced", "base/bad", ["mrr >= 0.9"], force=True)
    assert not found.passed
    assert found.forced
    (row,) = alias_history(store, "forced")
    assert row.evidence["forced"] is True
    assert row.evidence["passed"] is False
    # force that was not needed is none
    assert not promote(store, "forced", "base/good", ["mrr >= 0"], force=True).forced


def test_a_first_promotion_needs_a_side_or_a_number(store: Store) -> None:
    with pytest.raises(UsageError, match=r"'mrr >= current' needs another side, and the alias new points"):
        promote(store, "new", "base/good", ["mrr >= current"])
    assert promote(store, "new", "base/good", ["mrr >= base + 1%"], against="base/bad").moved is not None
    named = promote(store, "newer", "base/good", ["mrr >= base/bad", "mrr >= new - 0.001"])
    assert [verdict.side for verdict in named.verdicts] == ["base/bad", "base/good"]
    assert named.against is None


@pytest.mark.parametrize(
    ("version", "gates", "sentence"),
    [
        ("base/good", [], "no gate to judge by"),
        ("base/good", ["mrr => 1"], "cannot be read"),
        ("base/bare", ["mrr >= 0"], "base/bare has no encoder"),
        ("base/good", ["mrr >= base/bare"], "base/bare has no encoder"),
        ("base/good", ["mrr >= nobody"], "'nobody' is neither"),
        ("base/all", ["mrr >= 0"], "was trained on all events"),
        ("base/late", ["mrr >= 0"], "cannot be made again, it was made at a time of its own"),
    ],
)
def test_what_cannot_be_judged(store: Store, version: str, gates: list[str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        promote(store, "never", version, gates)
    assert aliases(store, "never") == []


def test_another_split_is_judged_on_with_a_warning(store: Store) -> None:
    sequences = load_sequences(store)
    with pytest.raises(UnknownVersionError):
        promote(store, "never", "base/none", ["mrr >= 0"])
    late = time_split(sequences, at=float(np.quantile(sequences.times, 0.8)))
    assert promote(store, "timed", "base/late", ["mrr >= 0"], split=late).warnings == ()
    found = promote(store, "timed", "base/good", ["mrr >= 0"], split=late, part="validation")
    assert any("may have seen" in warning for warning in found.warnings)
    assert alias_history(store, "timed")[-1].evidence["warnings"] == list(found.warnings)
    assert split_of_training(store, "base/good").kind == "leave-one-out"


def test_an_alias_that_moved_meanwhile_is_left_alone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import guided_store.promotion._promote as promotion

    with open(store.root, write=True) as opened:
        set_alias(opened, "raced", "base/bad")
    judge = promotion.judge_versions

    def while_judging(*args: object, **kwargs: object) -> object:
        with open(store.root, write=True) as opened:
            set_alias(opened, "raced", "base/late")
        return judge(*args, **kwargs)

    monkeypatch.setattr(promotion, "judge_versions", while_judging)
    with pytest.raises(VersionError, match="raced was moved while this was judged and points to base/late"):
        promote(store, "raced", "base/good", ["mrr >= current"])
    assert aliases(store, "raced") == ["base/bad", "base/late"]


def test_a_version_pruned_meanwhile_is_not_promoted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import guided_store.promotion._promote as promotion

    with open(store.root, write=True) as opened:
        shuffled(opened, "base/good", "short-lived")
    judge = promotion.judge_versions

    def then_pruned(*args: object, **kwargs: object) -> object:
        found = judge(*args, **kwargs)
        with open(store.root, write=True) as opened:
            prune(opened, plan_prune(opened, ["base/short-lived"]))
        return found

    monkeypatch.setattr(promotion, "judge_versions", then_pruned)
    with pytest.raises(UnknownVersionError, match="base/short-lived"):
        promote(store, "pruned", "base/short-lived", ["mrr >= 0"])
    assert aliases(store, "pruned") == []
