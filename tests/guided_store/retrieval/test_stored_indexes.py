"""Indexes in the store: bound to their version, measured, checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guided_store.errors import UsageError
from guided_store.retrieval import Recommender, build_index, list_indexes, verify_index
from guided_store.store import Store, open
from guided_store.versions import set_alias
from indexes import IndexMismatchError, VectorIndexError


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
