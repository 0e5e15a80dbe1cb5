"""`VectorIndex`: build, search, save and load."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from indexes._approximate import approximate_search
from indexes._arrays import check_bias, check_matrix, longest_norm
from indexes._artifact import read_index, write_index
from indexes._augment import append_column
from indexes._build import Progress, build_engine, new_engine
from indexes._errors import IndexMismatchError, VectorIndexError
from indexes._exact import exact_search
from indexes._faiss import faiss
from indexes._hidden import Exclude, Hidden, hide
from indexes._manifest import Manifest, Recall, read_manifest
from indexes._spec import IndexSpec
from indexes._vectors import InMemory, Vectors, stored_vectors

EXACT_ABOVE = 0.03
"""Share of the items hidden from a query above which it is answered by exact search. Filtered graphs give
wrong lists, not short ones: HNSW32 on 3,416 items agreed with the exact list by 0.83 with 1,000 hidden."""

OWN_HIDDEN_MOST = 1024
"""Items hidden from one query alone above which it is answered by exact search, since the index has to fetch
as many candidates in addition. On one core, k = 100: HNSW32 on 50,000 x 65 took 0.9 ms with 512 and 2.3 ms
with 1,024 of them, exact search 0.6 ms; IVF1024,Flat on 200,000 x 65 1.3 ms with 1,024, exact 4.1 ms."""


class VectorIndex:
    """An index over `n` vectors with ids 0 to n - 1, searched by inner product (plus a bias per item).

    Made by `build` or `load`; what it holds does not change. Searching is safe from many threads at once.
    A single query runs on one thread; batches use FAISS's and numpy's thread pools, so a server that searches
    from its own threads should set OMP_NUM_THREADS=1 (and OPENBLAS_NUM_THREADS=1) for its process, and a
    batch job leave them alone. No setting of this process is changed here, except for the length of `build`.

    Attributes:
        n: number of vectors.
        dim: columns of the vectors and queries (the bias is not counted).
        has_bias: whether each score has an item bias added.
        spec: what was built.
        notes: remarks of the build, such as few vectors for the lists.
        manifest: what is recorded on disk; None for an index that was built and not saved.
    """

    def __init__(
        self,
        engine: Any,
        spec: IndexSpec,
        *,
        has_bias: bool,
        longest: float,
        vectors: Vectors,
        notes: tuple[str, ...] = (),
        manifest: Manifest | None = None,
    ) -> None:
        """Not for callers: use `build` or `load`."""
        self.n: int = engine.ntotal
        self.dim: int = engine.d - has_bias
        self.has_bias = has_bias
        self.spec = spec
        self.notes = notes
        self.manifest = manifest
        self._engine = engine
        self._longest = longest
        self._vectors = vectors

    @classmethod
    def build(
        cls,
        vectors: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        spec: IndexSpec | None = None,
        *,
        progress: Progress | None = None,
        threads: int = 1,
    ) -> Self:
        """Build an index.

        Args:
            vectors: float32 (n, dim), n at least 1, finite.
            bias: float32 (n,), added to each score; None for no bias.
            spec: what to build; None means IndexSpec(), exact search.
            progress: shown a task of n steps; remarks are logged to it, and kept in `notes`.
            threads: threads of the build. One gives the same index each time; more build a graph faster, and
                differently each time.

        Raises:
            IndexRequestError: too few vectors to train on, codes that do not fit.
            VectorIndexError: arrays that do not fit.
        """
        spec = IndexSpec() if spec is None else spec
        matrix = _widen(vectors, bias)
        if len(matrix) == 0 or matrix.shape[1] == 0:
            raise VectorIndexError(f"vectors of shape {matrix.shape} hold nothing to index")
        if threads < 1:
            raise VectorIndexError(f"threads must be at least 1, not {threads}")
        engine, notes = build_engine(matrix, spec, threads, progress)
        longest = longest_norm(matrix)
        stored = stored_vectors(engine, longest)
        if not isinstance(stored, InMemory):
            stored = InMemory(_own(matrix, vectors), longest)
        return cls(engine, spec, has_bias=bias is not None, longest=longest, vectors=stored, notes=notes)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, version_digest: str | None = None, mmap: bool = False
    ) -> Self:
        """Open a saved index; what is damaged or belongs to other vectors is refused.

        A file that is read whole is checked to the last byte (SHA-256, over 1 GB/s). A mapped one has its
        manifest, size and version digest checked, since hashing would read it whole; `verify` does the rest.
        An index of compressed codes without ",RFlat" scores by these codes until `attach_vectors`.

        Args:
            path: directory that `save` wrote.
            version_digest: of the vectors at hand; None accepts any.
            mmap: map the file instead of reading it: opens at once, and processes share the memory.

        Raises:
            IndexMismatchError: the index was built from a version with another digest.
            VectorIndexError: missing, damaged or of an unknown format.
        """
        path = Path(path)
        manifest = read_manifest(path)
        if version_digest is not None and version_digest != manifest.version_digest:
            raise IndexMismatchError(
                f"index {path} was built from vectors with digest {manifest.version_digest[:12]}, not from "
                f"the ones at hand ({version_digest[:12]}): rebuild the index from this embedding version"
            )
        engine = read_index(path, manifest, mmap)
        expected = new_engine(manifest.factory, manifest.dim + manifest.has_bias)
        if not isinstance(engine, type(expected)) or (engine.d, engine.ntotal) != (expected.d, manifest.n):
            raise VectorIndexError(f"{path} holds another index than its manifest says: rebuild the index")
        return cls(
            engine,
            manifest.spec,
            has_bias=manifest.has_bias,
            longest=manifest.longest,
            vectors=stored_vectors(engine, manifest.longest),
            notes=manifest.notes,
            manifest=manifest,
        )

    @property
    def is_exact(self) -> bool:
        """Whether every search compares all vectors at full precision (factory "Flat")."""
        return self.spec.factory == "Flat"

    @property
    def has_originals(self) -> bool:
        """Whether scores come from the vectors given to `build`, not from compressed codes."""
        return self._vectors.original

    def attach_vectors(self, vectors: NDArray[np.float32], bias: NDArray[np.float32] | None = None) -> None:
        """Give a loaded index of compressed codes the vectors it was built from, for exact scores and search.

        They must be those of the version whose digest `load` checked; only shapes can be checked here. A copy
        is kept, n x (dim + 1) x 4 bytes. An index that holds its vectors already ignores them. Attach before
        searching from several threads.

        Raises:
            VectorIndexError: shapes that are not the index's, or a bias missing or too many.
        """
        if (bias is not None) != self.has_bias:
            raise VectorIndexError(
                f"this index was built {'with' if self.has_bias else 'without'} a bias: attach the same"
            )
        if np.shape(vectors) != (self.n, self.dim):
            raise VectorIndexError(
                f"vectors of shape {np.shape(vectors)} do not fit an index of {self.n} vectors with "
                f"{self.dim} columns: attach those it was built from"
            )
        if not self._vectors.original:
            matrix = _widen(vectors, bias)
            self._vectors = InMemory(_own(matrix, vectors), longest_norm(matrix))

    def with_search(self, **parameters: int) -> VectorIndex:
        """The same index (sharing its memory) with other search parameters, as `nprobe=32`; others stay."""
        spec = IndexSpec(
            self.spec.factory, {**self.spec.search, **parameters}, self.spec.seed, self.spec.build
        )
        return VectorIndex(
            self._engine,
            spec,
            has_bias=self.has_bias,
            longest=self._longest,
            vectors=self._vectors,
            notes=self.notes,
        )

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        exclude: Exclude = None,
        allow: NDArray[np.bool_] | None = None,
        exact: bool = False,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k best items of each query: never one that is hidden, never fewer than there are.

        Exact search answers where the index is "Flat", where more than `EXACT_ABOVE` of the items are hidden
        from a query, where the index found too few, and on request. It is exact in ties too: equal scores are
        ranked by id, also at the end of the list. Scores are summed in float64 and rounded once.

        Args:
            queries: float32 (m, dim), or (dim,) for one; without the bias column.
            k: list length, at least 1.
            exclude: ids not to return: one integer array for all queries, or a list with one (or None) for
                each.
            allow: bool (n,), True where an item may be returned; None allows all.
            exact: compare all vectors whatever the index. Over compressed codes without the original vectors
                (see `attach_vectors`), "exact" refers to the decoded codes.

        Returns:
            scores float32 (m, k') and ids int64 (m, k'), k' = min(k, n), each row by (-score, id); where
            fewer than k' items may be returned, rows end in score -inf and id -1.

        Raises:
            VectorIndexError: arrays, ids or k that do not fit.
        """
        asked = self._check_queries(queries)
        if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 1:
            raise VectorIndexError(f"k must be a whole number of at least 1, not {k!r}")
        k = min(int(k), self.n)
        hidden = hide(len(asked), self.n, exclude, allow)
        if exact or self.is_exact:
            return exact_search(self._vectors, asked, k, hidden)
        return self._search_both(asked, k, hidden)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        version_digest: str,
        extra: Mapping[str, Any] | None = None,
        recall: Recall | None = None,
        overwrite: bool = False,
    ) -> Manifest:
        """Write the index into the directory `path`, whole or not at all, and return what was recorded.

        The files (`index.faiss`, `manifest.json`) are written aside, synced to the disk and put in place by
        one rename. With `overwrite`, an index already at `path` is swapped out in one step on Linux, and kept
        aside until the new one is in place elsewhere.

        Args:
            path: a name not taken yet, or an empty folder.
            version_digest: of the embedding version, checked by `load`.
            extra: JSON-serialisable remarks for the manifest.
            recall: what was measured (see `measure_recall`).
            overwrite: replace an index at `path`; anything else there is refused all the same.

        Raises:
            VectorIndexError: `path` is taken, `extra` is not JSON, or the disk refuses.
        """

        def manifest_of(size: int, sha256: str) -> Manifest:
            return Manifest(
                factory=self.spec.factory,
                search=self.spec.search_parameters(),
                build=self.spec.build_parameters(),
                seed=self.spec.seed,
                dim=self.dim,
                n=self.n,
                has_bias=self.has_bias,
                longest=self._longest,
                version_digest=version_digest,
                file_size=size,
                sha256=sha256,
                faiss_version=faiss.__version__,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                recall=recall,
                notes=self.notes,
                extra=dict(extra or {}),
            )

        return write_index(Path(path), self._engine, manifest_of, overwrite)

    def _check_queries(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        one = isinstance(queries, np.ndarray) and queries.ndim == 1
        checked = check_matrix("queries", queries[None] if one else queries, self.dim)
        return append_column(checked, 1.0) if self.has_bias else checked

    def _search_both(
        self, queries: NDArray[np.float32], k: int, hidden: Hidden
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores = np.full((len(queries), k), -np.inf, np.float32)
        ids = np.full((len(queries), k), -1, np.int64)
        gone = hidden.shared_count + hidden.own
        by_index = np.flatnonzero((gone <= EXACT_ABOVE * self.n) & (hidden.own <= OWN_HIDDEN_MOST))
        scores[by_index], ids[by_index] = approximate_search(
            self._engine,
            self._vectors,
            queries[by_index],
            k,
            hidden.take(by_index),
            self.spec.search_parameters(),
        )
        short = np.flatnonzero((ids >= 0).sum(axis=1) < np.minimum(k, self.n - gone))
        if len(short):
            scores[short], ids[short] = exact_search(self._vectors, queries[short], k, hidden.take(short))
        return scores, ids


def verify(path: str | os.PathLike[str]) -> Manifest:
    """Check a saved index to the last byte: manifest, SHA-256 of the file, and that FAISS reads it.

    Returns the manifest; raises VectorIndexError saying what is damaged.
    """
    manifest = read_manifest(path)
    VectorIndex.load(path, version_digest=manifest.version_digest)
    return manifest


def _widen(vectors: NDArray[np.float32], bias: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Checked vectors with the bias as last column; without a bias there is no column."""
    checked = check_matrix("vectors", vectors)
    column = check_bias(bias, len(checked))
    return checked if column is None else append_column(checked, column)


def _own(matrix: NDArray[np.float32], given: NDArray[np.float32]) -> NDArray[np.float32]:
    """`matrix`, copied where it is the caller's own memory, which may change later."""
    return matrix.copy() if np.may_share_memory(matrix, given) else matrix
