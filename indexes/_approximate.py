"""Search through a FAISS index that does not compare every vector."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexes._errors import VectorIndexError, faiss_reason
from indexes._exact import canonical_scores, place_best
from indexes._faiss import faiss
from indexes._hidden import Hidden
from indexes._vectors import Vectors


def approximate_search(
    engine: Any,
    vectors: Vectors,
    queries: NDArray[np.float32],
    k: int,
    hidden: Hidden,
    parameters: dict[str, int],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k best visible items that the index finds, scored from `vectors`; rows may come out short.

    What is hidden from all queries is filtered inside FAISS by a bitmap. What is hidden from one query only
    is asked for in addition and dropped: that needs no filter per query, so whole batches run in one call.

    Returns:
        scores float32 (m, k) and ids int64 (m, k), by (-score, id), padded with -inf and -1.
    """
    scores = np.full((len(queries), k), -np.inf, np.float32)
    ids = np.full((len(queries), k), -1, np.int64)
    # Queries with about as many own hidden ids go together: the count is rounded up to a power of two.
    extra = hidden.own
    extra[extra > 0] = 2 ** np.ceil(np.log2(extra[extra > 0])).astype(np.int64)
    for more in np.unique(extra):
        group = np.flatnonzero(extra == more)
        fetch = min(hidden.n, k * parameters["k_factor"] + int(more))
        found = _ask(engine, np.ascontiguousarray(queries[group]), fetch, hidden.shared, parameters)
        own = hidden.take(group)
        rows = np.repeat(np.arange(len(group)), fetch)
        candidates = found.ravel()
        keep = candidates >= 0
        keep[keep] = ~own.covers(rows[keep], candidates[keep])
        rows, candidates = rows[keep], candidates[keep]
        values = canonical_scores(vectors, queries[group], rows, candidates)
        part_scores, part_ids = scores[group], ids[group]
        place_best(part_scores, part_ids, rows, candidates, values)
        scores[group], ids[group] = part_scores, part_ids
    return scores, ids


def _ask(
    engine: Any,
    queries: NDArray[np.float32],
    fetch: int,
    hidden: NDArray[np.bool_] | None,
    parameters: dict[str, int],
) -> NDArray[np.int64]:
    """Ids int64 (m, fetch) straight from FAISS; -1 where it found too few."""
    if isinstance(engine, faiss.IndexRefineFlat):
        engine = faiss.downcast_index(engine.base_index)
    options: dict[str, Any] = {}
    if hidden is not None:
        # FAISS holds bare pointers: `bits` and `selector` must live until the search returns.
        bits = np.packbits(~hidden, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)
        options["sel"] = selector
    if isinstance(engine, faiss.IndexIVF):
        asked = faiss.SearchParametersIVF(nprobe=parameters["nprobe"], **options)
    elif isinstance(engine, faiss.IndexHNSW):
        # The queue stays bounded: FAISS ignores the selector otherwise.
        asked = faiss.SearchParametersHNSW(efSearch=max(parameters["efSearch"], fetch), **options)
    else:
        asked = faiss.SearchParameters(**options)
    try:
        _, ids = engine.search(queries, fetch, params=asked)
    except (RuntimeError, MemoryError) as error:
        raise VectorIndexError(
            f"FAISS could not search this index, so rebuild it: {faiss_reason(error)}"
        ) from error
    found: NDArray[np.int64] = ids
    return found
