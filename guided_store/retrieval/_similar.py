"""Nearest items of one embedding version; needs no encoder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from guided_store.errors import UsageError
from guided_store.retrieval._breakdown import Breakdown, explained
from guided_store.retrieval._preferences import check_length
from guided_store.retrieval._results import Recommendations
from guided_store.versions import Embedding


def similar_items(
    embedding: Embedding, item: str, k: int = 10, *, titles: Mapping[str, str] | None = None
) -> Recommendations:
    """The k items nearest to one item by cosine, which is a sum over dimensions too.

    Any version will do: a base version gives one latent term, a guided one attribute terms alone.

    Args:
        embedding: the version.
        item: id of the item; it is not in its own list.
        k: how many.
        titles: title of each item id; what is absent has none.

    Raises:
        UsageError: an item the version does not hold, k below 1.
    """
    check_length(k)
    known = dict(titles or {})
    row = row_of(embedding, item, known)
    vectors = embedding.vectors
    norms = np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
    query = vectors[row] / norms[row]
    cosine = (vectors @ query) / norms
    cosine[row] = -np.inf
    count = min(k, len(cosine) - 1)
    best = np.lexsort((np.arange(len(cosine)), -cosine))[:count]
    width = len(embedding.attributes)
    products = vectors[best] * query / norms[best, None]
    latent = products[:, width:].sum(axis=1, dtype=np.float64).astype(np.float32)
    breakdown = Breakdown(products[:, :width], latent, np.zeros(count, np.float32))
    chosen = explained(embedding, breakdown, breakdown.scores, best, known, np.arange(count))
    return Recommendations(chosen, "similar", "", (), str(embedding.ref), (item,))


def row_of(embedding: Embedding, item: str, titles: Mapping[str, str]) -> int:
    """Row of an item id; UsageError where the version lacks it, saying whether the catalogue has it."""
    row = embedding.item_index.get(item)
    if row is None:
        why = "is in the catalogue but not in" if item in titles else "is unknown to"
        raise UsageError(f"item {item!r} {why} {embedding.ref}")
    return row
