"""Where exact search and re-scoring take their float32 vectors from."""

from __future__ import annotations

import threading
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes._arrays import longest_norm
from indexes._errors import VectorIndexError
from indexes._faiss import faiss


class Vectors(Protocol):
    """Row access to the vectors of an index, in the width the index searches (bias column included).

    Attributes:
        original: whether these are the vectors given to `build`, not ones decoded from compressed codes.
    """

    original: bool

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of `ids`, float32 (len(ids), width)."""

    def matrix(self) -> tuple[NDArray[np.float32], float]:
        """All vectors, float32 C-contiguous (n, width), and the largest of their norms."""


class InMemory:
    """Vectors that are an array already: given by the caller, or a view of the index's own memory."""

    original = True

    def __init__(self, matrix: NDArray[np.float32], longest: float, owner: Any = None) -> None:
        self._matrix = matrix
        self._longest = longest
        self._owner = owner  # keeps the memory behind a view alive

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        taken: NDArray[np.float32] = self._matrix[ids]
        return taken

    def matrix(self) -> tuple[NDArray[np.float32], float]:
        return self._matrix, self._longest


class Reconstructed:
    """Vectors read out of a FAISS index that stores them otherwise; the matrix is made when first needed.

    `rows` decodes a few; `matrix` takes n x width x 4 bytes and keeps them.
    """

    def __init__(self, engine: Any, original: bool) -> None:
        self.original = original
        self._engine = engine
        self._lock = threading.Lock()
        self._whole: tuple[NDArray[np.float32], float] | None = None
        self._ready = not isinstance(engine, faiss.IndexIVF)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        if self._whole is not None:
            taken: NDArray[np.float32] = self._whole[0][ids]
            return taken
        with self._lock:
            self._prepare()
        decoded: NDArray[np.float32] = self._engine.reconstruct_batch(ids)
        return decoded

    def matrix(self) -> tuple[NDArray[np.float32], float]:
        with self._lock:
            if self._whole is None:
                self._prepare()
                try:
                    matrix = self._engine.reconstruct_n(0, self._engine.ntotal)
                except (RuntimeError, MemoryError) as error:
                    raise VectorIndexError(
                        "this index cannot give its vectors back, which exact search needs: "
                        "call attach_vectors with the vectors it was built from"
                    ) from error
                self._whole = (matrix, longest_norm(matrix))
            return self._whole

    def _prepare(self) -> None:
        """Let an IVF index find a vector by its id; searching does not use that map, so others may go on."""
        if not self._ready:
            self._engine.make_direct_map()
            self._ready = True


def stored_vectors(engine: Any, longest: float) -> Vectors:
    """The vectors a FAISS index holds itself: a view without a copy where it keeps them as float32."""
    if isinstance(engine, faiss.IndexRefineFlat):
        return InMemory(_view(faiss.downcast_index(engine.refine_index)), longest, engine)
    if isinstance(engine, faiss.IndexFlat):
        return InMemory(_view(engine), longest, engine)
    if isinstance(engine, faiss.IndexHNSWFlat):
        return InMemory(_view(faiss.downcast_index(engine.storage)), longest, engine)
    return Reconstructed(engine, original=isinstance(engine, faiss.IndexIVFFlat))


def _view(flat: Any) -> NDArray[np.float32]:
    view: NDArray[np.float32] = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d)
    return view.reshape(flat.ntotal, flat.d)
