"""Building the FAISS index: the same vectors, spec and seed give the same bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from indexes._errors import IndexRequestError, VectorIndexError, faiss_reason
from indexes._faiss import faiss
from indexes._spec import Factory, IndexSpec

_ADDED_AT_ONCE = 4096
_POINTS_PER_LIST = 39  # what FAISS asks of k-means before it warns
_FLOAT16_LARGEST = 65504.0


class Task(Protocol):
    """One running piece of work."""

    def advance(self, steps: float = 1) -> None:
        """Add finished steps."""


class Progress(Protocol):
    """What `build` reports to: the part of guided_store's `Progress` that it uses."""

    def task(self, title: str, total: float | None) -> AbstractContextManager[Task]:
        """Open a task of `total` steps."""
        ...

    def log(self, text: str) -> None:
        """Say one line that stays."""


def build_engine(
    matrix: NDArray[np.float32], spec: IndexSpec, threads: int, progress: Progress | None
) -> tuple[Any, tuple[str, ...]]:
    """Train and fill a FAISS index over the rows of `matrix` (n, width); also remarks on what it was given.

    Raises:
        IndexRequestError: too few vectors to train on, a width the codes do not divide, values the codes
            cannot hold.
        VectorIndexError: FAISS gives up for another reason.
    """
    parts = spec.parts
    notes = _check_size(matrix, spec.factory, parts)
    if progress is not None:
        for note in notes:
            progress.log(note)
    engine = new_engine(spec.factory, matrix.shape[1])
    _set_parameters(engine, spec)
    shown = (
        contextlib.nullcontext() if progress is None else progress.task(f"index {spec.factory}", len(matrix))
    )
    try:
        with faiss_threads(threads), shown as task:
            # K-means and product quantizers draw a seeded sample themselves (256 rows a centroid); scalar
            # quantizers need the range of all rows, or the longest vectors would be clipped.
            engine.train(matrix)
            for start in range(0, len(matrix), _ADDED_AT_ONCE):
                block = matrix[start : start + _ADDED_AT_ONCE]
                engine.add(block)
                if task is not None:
                    task.advance(len(block))
    except (RuntimeError, MemoryError) as error:
        raise VectorIndexError(f"FAISS could not build {spec.factory}: {faiss_reason(error)}") from error
    return engine, notes


def new_engine(factory: str, width: int) -> Any:
    """An empty FAISS index for inner products of `width` columns."""
    try:
        return faiss.index_factory(width, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        raise VectorIndexError(
            f"FAISS cannot make {factory} for vectors of {width} columns: {faiss_reason(error)}"
        ) from error


@contextlib.contextmanager
def faiss_threads(threads: int) -> Iterator[None]:
    """Let FAISS calls of this thread use `threads` threads, and put the setting back."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _check_size(matrix: NDArray[np.float32], factory: str, parts: Factory) -> tuple[str, ...]:
    n, width = matrix.shape
    if n < parts.lists:
        advice = f"use at most IVF{n // _POINTS_PER_LIST}" if n >= _POINTS_PER_LIST else "use Flat"
        raise IndexRequestError(f"{n} vectors cannot train the {parts.lists} lists of {factory}: {advice}")
    if parts.subquantizers and width % parts.subquantizers:
        raise IndexRequestError(
            f"{factory} cuts vectors into {parts.subquantizers} parts, which does not divide their {width} "
            "columns (a bias counts as one): choose a divisor"
        )
    if parts.subquantizers and n < 2**parts.bits:
        raise IndexRequestError(
            f"{n} vectors cannot train the {2**parts.bits} codes of each part of {factory}: use SQ8 or Flat"
        )
    if parts.codes == "SQfp16" and float(np.abs(matrix).max()) > _FLOAT16_LARGEST:
        raise IndexRequestError(
            f"{factory}: values above 65504 do not fit float16: scale the vectors or use SQbf16"
        )
    if n < _POINTS_PER_LIST * parts.lists:
        return (
            f"{n} vectors for {parts.lists} lists are few: {_POINTS_PER_LIST} a list are advised, "
            f"so IVF{max(1, n // _POINTS_PER_LIST)} may find more",
        )
    return ()


def _set_parameters(engine: Any, spec: IndexSpec) -> None:
    if isinstance(engine, faiss.IndexRefineFlat):
        engine = faiss.downcast_index(engine.base_index)
    if isinstance(engine, faiss.IndexIVF):
        engine.cp.seed = spec.seed
        engine.cp.min_points_per_centroid = 1  # we say so ourselves, and not on standard error
    if isinstance(engine, faiss.IndexHNSW):
        engine.hnsw.efConstruction = spec.build_parameters()["efConstruction"]
        engine.hnsw.rng = faiss.RandomGenerator(spec.seed)
    quantizer = _product_quantizer(engine)
    if quantizer is not None:
        quantizer.cp.seed = spec.seed
        quantizer.cp.min_points_per_centroid = 1


def _product_quantizer(engine: Any) -> Any:
    if isinstance(engine, faiss.IndexIVFPQ):
        return engine.pq
    if isinstance(engine, faiss.IndexHNSWPQ):
        return faiss.downcast_index(engine.storage).pq
    return None
