"""Saving and loading: same answers, memory maps, and every kind of damage in one clear sentence."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from indexes import IndexMismatchError, IndexSpec, Recall, VectorIndex, VectorIndexError, verify

if TYPE_CHECKING:
    from tests.indexes.conftest import World

DIGEST = "0123456789abcdef" * 4


@pytest.fixture
def saved(world: World, tmp_path: Path) -> Path:
    VectorIndex.build(world.vectors, world.bias).save(tmp_path / "films", version_digest=DIGEST)
    return tmp_path / "films"


def test_loaded_and_mapped_indexes_answer_like_the_built_one(
    world: World, tmp_path: Path, factory: str
) -> None:
    path = tmp_path / "index"
    built = VectorIndex.build(world.vectors, world.bias, IndexSpec(factory))
    manifest = built.save(path, version_digest=DIGEST)
    for mmap in (False, True):
        loaded = VectorIndex.load(path, version_digest=DIGEST, mmap=mmap)
        assert (loaded.n, loaded.dim, loaded.has_bias, loaded.manifest) == (2600, 15, True, manifest)
        assert loaded.spec.factory == factory
        assert loaded.is_exact is (factory == "Flat")
        if not loaded.has_originals:
            loaded.attach_vectors(world.vectors, world.bias)
        for exclude in (world.histories, np.arange(200)):
            wanted, got = (index.search(world.queries, 25, exclude=exclude) for index in (built, loaded))
            np.testing.assert_array_equal(got[1], wanted[1])
            np.testing.assert_array_equal(got[0], wanted[0])
    assert verify(path) == manifest


def test_a_mapped_index_survives_its_replacement_and_can_be_saved_again(saved: Path, world: World) -> None:
    mapped = VectorIndex.load(saved, mmap=True)
    wanted = mapped.search(world.queries, 10)
    VectorIndex.build(world.vectors[::-1].copy()).save(saved, version_digest="other", overwrite=True)
    np.testing.assert_array_equal(mapped.search(world.queries, 10)[1], wanted[1])
    mapped.save(saved.parent / "again", version_digest=DIGEST)
    np.testing.assert_array_equal(
        VectorIndex.load(saved.parent / "again").search(world.queries, 10)[1], wanted[1]
    )


def test_the_manifest_records_what_was_built(world: World, tmp_path: Path) -> None:
    index = VectorIndex.build(world.vectors, world.bias, IndexSpec("IVF16,Flat", {"nprobe": 4}, seed=3))
    recall = Recall(0.98, k=100, queries=50, how="validation users, histories excluded")
    manifest = index.save(tmp_path / "a" / "b", version_digest=DIGEST, extra={"encoder": "x"}, recall=recall)
    content = json.loads((tmp_path / "a" / "b" / "manifest.json").read_text())
    assert content["factory"] == "IVF16,Flat"
    assert content["search"] == {"nprobe": 4, "k_factor": 1}
    assert content["metric"] == "inner_product"
    assert content["recall"]["value"] == 0.98
    assert content["file_size"] == (tmp_path / "a" / "b" / "index.faiss").stat().st_size
    loaded = VectorIndex.load(tmp_path / "a" / "b").manifest
    assert loaded == manifest
    assert loaded is not None
    assert (loaded.recall, loaded.extra, loaded.seed, loaded.version_digest) == (
        recall,
        {"encoder": "x"},
        3,
        DIGEST,
    )


def test_an_index_of_other_vectors_is_refused(saved: Path) -> None:
    with pytest.raises(IndexMismatchError, match=r"digest 0123456789ab, not from the ones at hand \(ffff"):
        VectorIndex.load(saved, version_digest="f" * 64)


def test_names_that_are_taken_are_refused(saved: Path, world: World, tmp_path: Path) -> None:
    index = VectorIndex.build(world.vectors)
    with pytest.raises(VectorIndexError, match="exists already"):
        index.save(saved, version_digest="v")
    (tmp_path / "file").write_text("x")
    with pytest.raises(VectorIndexError, match="no folder has that name"):
        index.save(tmp_path / "file", version_digest="v", overwrite=True)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "thesis.txt").write_text("x")
    with pytest.raises(VectorIndexError, match="holds other files"):
        index.save(tmp_path / "papers", version_digest="v", overwrite=True)
    (tmp_path / "link").symlink_to(saved)
    with pytest.raises(VectorIndexError, match="no folder has that name"):
        index.save(tmp_path / "link", version_digest="v", overwrite=True)
    assert verify(saved).version_digest == DIGEST
    (tmp_path / "empty").mkdir()
    index.save(tmp_path / "empty", version_digest="v")
    index.save(saved, version_digest="new", overwrite=True)
    assert verify(saved).version_digest == "new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["empty", "file", "films", "link", "papers"]


def test_extra_that_is_not_json_leaves_nothing(world: World, tmp_path: Path) -> None:
    for extra in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises(VectorIndexError, match="extra cannot be written as JSON"):
            VectorIndex.build(world.vectors).save(tmp_path / "x", version_digest="v", extra=extra)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_disk_is_one_sentence_and_leaves_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VectorIndexError, match=r"cannot save index .*: No space left on device"):
        VectorIndex.build(world.vectors).save(tmp_path / "x", version_digest="v")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(VectorIndexError, match="cannot save index"):
        VectorIndex.build(world.vectors).save(Path("/proc/nowhere/x"), version_digest="v")


@pytest.mark.parametrize("mmap", [False, True])
def test_missing_pieces_are_named(saved: Path, tmp_path: Path, mmap: bool) -> None:
    with pytest.raises(VectorIndexError, match=r"no index at .*nothing: build it first"):
        VectorIndex.load(tmp_path / "nothing", mmap=mmap)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("")
    with pytest.raises(VectorIndexError, match="other is not an index"):
        VectorIndex.load(tmp_path / "other", mmap=mmap)
    (saved / "manifest.json").rename(tmp_path / "kept.json")
    with pytest.raises(VectorIndexError, match=r"has no manifest\.json: rebuild"):
        VectorIndex.load(saved, mmap=mmap)
    (tmp_path / "kept.json").rename(saved / "manifest.json")
    (saved / "index.faiss").unlink()
    with pytest.raises(VectorIndexError, match=r"index\.faiss is missing though its manifest is there"):
        VectorIndex.load(saved, mmap=mmap)


@pytest.mark.parametrize("mmap", [False, True])
def test_a_truncated_file_is_refused(saved: Path, mmap: bool) -> None:
    file = saved / "index.faiss"
    os.truncate(file, file.stat().st_size - 1)
    with pytest.raises(VectorIndexError, match=r"is damaged .*bytes, the manifest says"):
        VectorIndex.load(saved, mmap=mmap)
    with pytest.raises(VectorIndexError, match="is damaged"):
        verify(saved)


def test_any_flipped_byte_of_the_manifest_is_refused(saved: Path) -> None:
    file = saved / "manifest.json"
    content = file.read_bytes()
    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 0x11
        file.write_bytes(changed)
        with pytest.raises(VectorIndexError, match=r"manifest\.json"):
            VectorIndex.load(saved)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"format": 1}', '{"format": 1, "n": 3}', "[" * 100_000]
)
def test_a_manifest_that_says_nothing_is_refused(saved: Path, text: str) -> None:
    (saved / "manifest.json").write_text(text)
    with pytest.raises(VectorIndexError, match=r"manifest\.json is damaged .*: rebuild the index"):
        VectorIndex.load(saved)


def test_an_unknown_format_is_named(saved: Path) -> None:
    content = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps({**content, "format": 2}))
    with pytest.raises(VectorIndexError, match="has format 2 and this program reads format 1"):
        VectorIndex.load(saved)


@pytest.mark.parametrize("factory", ["Flat", "HNSW32", "IVF16,SQ8", "SQ8,RFlat"])
def test_any_flipped_byte_of_the_index_is_refused_or_found_by_verify(tmp_path: Path, factory: str) -> None:
    vectors = np.random.default_rng(0).standard_normal((700, 6)).astype(np.float32)
    path = tmp_path / "index"
    VectorIndex.build(vectors, spec=IndexSpec(factory)).save(path, version_digest="v")
    content = (path / "index.faiss").read_bytes()
    for place in [*range(0, 160, 3), len(content) // 2, len(content) - 1]:
        changed = bytearray(content)
        changed[place] ^= 0x40
        (path / "index.faiss").write_bytes(changed)
        for check in (verify, VectorIndex.load):
            with pytest.raises(VectorIndexError, match="SHA-256 differs"):
                check(path)
        try:
            VectorIndex.load(path, mmap=True)  # sees the structure, not the vectors
        except VectorIndexError as error:
            assert "rebuild the index" in str(error)  # noqa: PT017


def test_a_file_of_another_index_is_refused_even_when_mapped(
    saved: Path, tmp_path: Path, world: World
) -> None:
    other = tmp_path / "other"
    VectorIndex.build(world.vectors, world.bias, IndexSpec("SQ8")).save(other, version_digest=DIGEST)
    content = json.loads((saved / "manifest.json").read_text())
    shutil.copy(other / "index.faiss", saved / "index.faiss")
    with pytest.raises(VectorIndexError, match=r"index\.faiss is damaged"):
        VectorIndex.load(saved, mmap=True)
    with (saved / "index.faiss").open("ab") as stream:
        stream.truncate(content["file_size"])
    with pytest.raises(VectorIndexError, match="rebuild the index"):
        VectorIndex.load(saved, mmap=True)
