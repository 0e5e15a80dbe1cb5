"""Building: the same bytes each time, sizes that cannot train refused, remarks said and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from indexes import IndexSpec, VectorIndex, VectorIndexError

if TYPE_CHECKING:
    from tests.indexes.conftest import World


def test_builds_are_reproducible(world: World, tmp_path: Path, factory: str) -> None:
    spec = IndexSpec(factory, seed=5)
    first, second = (VectorIndex.build(world.vectors, world.bias, spec) for _ in range(2))
    one = first.save(tmp_path / "one", version_digest="v")
    two = second.save(tmp_path / "two", version_digest="v")
    assert one.sha256 == two.sha256


@pytest.mark.parametrize("factory", ["HNSW32", "IVF64,Flat", "IVF16,PQ4x4"])
def test_the_seed_is_used(world: World, tmp_path: Path, factory: str) -> None:
    digests = {
        VectorIndex.build(world.vectors, world.bias, IndexSpec(factory, seed=seed))
        .save(tmp_path / str(seed), version_digest="v")
        .sha256
        for seed in (1, 2)
    }
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("shape", "factory", "sentence"),
    [
        ((0, 4), "Flat", "hold nothing to index"),
        ((4, 0), "Flat", "hold nothing to index"),
        ((63, 4), "IVF64,Flat", "63 vectors cannot train the 64 lists of IVF64,Flat: use at most IVF1"),
        ((30, 4), "IVF64,Flat", "use Flat"),
        ((900, 10), "IVF4,PQ4", "4 parts, which does not divide their 10 columns"),
        ((200, 8), "IVF4,PQ4", "200 vectors cannot train the 256 codes"),
    ],
)
def test_what_cannot_be_built_is_refused(shape: tuple[int, int], factory: str, sentence: str) -> None:
    with pytest.raises(VectorIndexError, match=sentence):
        VectorIndex.build(np.zeros(shape, np.float32), spec=IndexSpec(factory))


def test_values_beyond_float16_are_refused() -> None:
    with pytest.raises(VectorIndexError, match="65504"):
        VectorIndex.build(np.full((4, 2), 70000, np.float32), spec=IndexSpec("SQfp16"))
    with pytest.raises(VectorIndexError, match="vectors: row 2 is not finite"):
        VectorIndex.build(np.array([[1], [2], [np.inf]], np.float32))
    with pytest.raises(VectorIndexError, match="threads must be"):
        VectorIndex.build(np.ones((2, 2), np.float32), threads=0)


class Recorder:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.total: float | None = None
        self.done = 0.0

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Any]:
        self.total = total
        yield self

    def advance(self, steps: float = 1) -> None:
        self.done += steps

    def log(self, text: str) -> None:
        self.lines.append(text)


def test_few_vectors_for_the_lists_are_said_once_and_kept(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vectors = np.random.default_rng(0).standard_normal((300, 6)).astype(np.float32)
    progress = Recorder()
    index = VectorIndex.build(vectors, spec=IndexSpec("IVF64,Flat"), progress=progress)
    assert progress.lines == list(index.notes)
    assert "300 vectors for 64 lists are few" in index.notes[0]
    assert (progress.total, progress.done) == (300, 300)
    assert capfd.readouterr() == ("", "")  # FAISS itself keeps quiet
    index.save(tmp_path / "index", version_digest="v")
    assert VectorIndex.load(tmp_path / "index").notes == index.notes


def test_thread_settings_of_the_process_stay(world: World) -> None:
    import faiss

    before = faiss.omp_get_max_threads()
    VectorIndex.build(world.vectors, spec=IndexSpec("HNSW32"), threads=2)
    assert faiss.omp_get_max_threads() == before


def test_what_was_given_is_not_changed_and_may_change_later() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((500, 8)).astype(np.float32)
    kept = vectors.copy()
    index = VectorIndex.build(vectors, spec=IndexSpec("SQ8"))
    np.testing.assert_array_equal(vectors, kept)
    wanted = index.search(kept[:5], 10)
    vectors[:] = 0
    np.testing.assert_array_equal(index.search(kept[:5], 10)[0], wanted[0])
