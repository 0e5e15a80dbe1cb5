"""Indexes in the store: bound to their version, measured, checked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from guided_store.catalogue import InteractionLayout, ingest_interactions, load_sequences
from guided_store.errors import UsageError
from guided_store.retrieval import Recommender, build_index, list_indexes, resolve_index, verify_index
from guided_store.store import Store, open
from guided_store.versions import set_alias
from indexes import IndexMismatchError, IndexRequestError, VectorIndexError


@pytest.fixture
def copy(trained: Store, tmp_path: Path) -> Store:
    """The trained store's files, to build in and to break."""
    shutil.copytree(trained.root, tmp_path / "copy")
    return open(tmp_path / "copy", write=True)


@pytest.mark.parametrize("factory", ["Flat", "HNSW16", "IVF4,Flat", "SQ8"])
def test_any_index_gives_the_exact_scores(copy: Store, factory: str) -> None:
    name, manifest = build_index(
        copy, "refined/small", factory=factory, search={"nprobe": 4} if "IVF" in factory else None
    )
    assert manifest.recall is not None
    assert manifest.recall.how == "encoded histories, their items excluded"
    assert manifest.recall.value > (0.99 if factory == "Flat" else 0.8)
    exact = Recommender.load(copy, "refined/small")
    indexed = Recommender.load(copy, "refined/small", index=name.rpartition("/")[2])
    user = exact.sequences.user_ids[2]
    best = {item.item_id: item.score for item in exact.recommend(user=user, k=50)}
    found = indexed.recommend(user=user, k=10)
    assert len(found) == 10
    for item in found:
        if item.item_id in best:
            assert item.score == pytest.approx(best[item.item_id], abs=1e-5)
    limited = indexed.recommend(user=user, k=10, maximum={"violence": 2})
    assert limited.items == exact.recommend(user=user, k=10, maximum={"violence": 2}).items
    assert verify_index(copy, name)[1] == pytest.approx(manifest.recall.value)


def test_an_index_has_one_name(copy: Store) -> None:
    build_index(copy, "refined/small")
    with pytest.raises(UsageError, match="refined/small/flat already"):
        build_index(copy, "refined/small")
    build_index(copy, "refined/small", overwrite=True)
    build_index(copy, "base/small", name="mine")
    assert [name for name, _ in list_indexes(copy)] == ["base/small/mine", "refined/small/flat"]
    assert [name for name, _ in list_indexes(copy, "base/small")] == ["base/small/mine"]


def test_an_index_of_other_vectors_is_refused(copy: Store) -> None:
    build_index(copy, "refined/small")
    folder = copy.artifact("indexes", "refined")
    shutil.copytree(folder / "small", folder / "start")
    from guided_store.retrieval import load_index
    from guided_store.versions import load_embedding

    with pytest.raises(IndexMismatchError, match="rebuild"):
        load_index(copy, load_embedding(copy, "refined/start"), "flat")


def test_a_damaged_index_is_refused(copy: Store) -> None:
    name, _ = build_index(copy, "refined/small")
    path = copy.artifact("indexes", name) / "index.faiss"
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(VectorIndexError):
        Recommender.load(copy, "refined/small", index="flat")
    flipped = bytearray(content)
    flipped[-10] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(VectorIndexError):
        verify_index(copy, name)


def test_an_alias_brings_its_index(copy: Store) -> None:
    build_index(copy, "refined/small", factory="HNSW16")
    set_alias(copy, "production", "refined/small", index="hnsw16")
    assert Recommender.load(copy, "production").index.spec.factory == "HNSW16"


def cover_everything(store: Store, folder: Path, *, users: int | None = None) -> None:
    """Let every user, or the first `users`, have met every item of the store's interactions."""
    sequences = load_sequences(store)
    chosen = sequences.user_ids[:users]
    rows = [f"{user},{item},{1e9 + n:.0f}" for user in chosen for n, item in enumerate(sequences.item_ids)]
    path = folder / "all.csv"
    path.write_text("user_id,item_id,timestamp\n" + "\n".join(rows) + "\n")
    ingest_interactions(store, path, InteractionLayout(user="user_id", item="item_id", time="timestamp"))


def test_histories_of_all_items_are_no_queries(copy: Store, tmp_path: Path) -> None:
    cover_everything(copy, tmp_path, users=10)
    _, manifest = build_index(copy, "refined/small")
    assert manifest.recall is not None
    assert manifest.recall.queries == load_sequences(copy).n_users - 10


def test_where_everyone_has_met_everything_item_vectors_are_the_queries(copy: Store, tmp_path: Path) -> None:
    cover_everything(copy, tmp_path)
    name, manifest = build_index(copy, "refined/small", factory="SQ8")
    assert manifest.recall is not None
    assert manifest.recall.how == "item vectors"
    assert verify_index(copy, name)[1] == pytest.approx(manifest.recall.value)


def test_an_index_is_named_in_full_or_by_an_alias(copy: Store) -> None:
    name, manifest = build_index(copy, "refined/small")
    set_alias(copy, "live", "refined/small")
    assert resolve_index(copy, "live/flat") == resolve_index(copy, name) == name
    assert verify_index(copy, "live/flat")[0] == manifest
    for wrong in ("flat", "refined/small", "a/b/c/d", ""):
        with pytest.raises(UsageError, match=r"write kind/name/index or alias/index"):
            verify_index(copy, wrong)
    with pytest.raises(UsageError, match="'dead' is neither"):
        verify_index(copy, "dead/flat")


def test_a_kind_of_index_that_does_not_exist_is_a_wrong_request(copy: Store) -> None:
    for factory, search in (("Nonsense", {}), ("Flat", {"nprobe": 4}), ("IVF4096,Flat", {})):
        with pytest.raises(IndexRequestError) as caught:
            build_index(copy, "refined/small", factory=factory, search=search)
        assert caught.value.exit_code == 2
    assert VectorIndexError.exit_code == IndexMismatchError.exit_code == 1
    _, manifest = build_index(copy, "refined/small")
    with pytest.raises(VectorIndexError, match="manifest of an index is damaged") as damaged:
        _ = replace(manifest, factory="Nonsense").spec  # nobody asked for that: what is on disk is wrong
    assert damaged.value.exit_code == 1
