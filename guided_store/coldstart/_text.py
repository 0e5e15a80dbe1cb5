"""What the texts of items give without any model: TF-IDF, and its reduction (LSA)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from guided_store.embeddings import lsa, tfidf
from guided_store.ledger import choose_fields, iter_texts
from guided_store.store import Store

LSA_DIM = 128
"""Columns of the reduction at most."""


def item_texts(
    store: Store, item_ids: Sequence[str], fields: Sequence[str] | None = None
) -> list[tuple[str, ...]]:
    """The fields of each item that hold something; none for items without text, or unknown.

    Args:
        fields: columns of the items table; by default title and text, where they hold something.

    Raises:
        UsageError: no items, an unknown column, or nothing to read.
    """
    chosen = choose_fields(store, fields)
    known = {item.item_id: tuple(item.data.values()) for item in iter_texts(store, chosen)}
    return [known.get(item, ()) for item in item_ids]


def text_features(
    texts: Sequence[Sequence[str]], dim: int = LSA_DIM
) -> tuple[sparse.csr_array[np.float32], NDArray[np.float32]]:
    """TF-IDF rows float32 (n, terms) of length 1 or 0, and their `dim` first singular directions.

    The directions, float32 (n, dim') with dim' at most what the texts allow, keep their unequal spreads: they
    go into ridge regressions and cosines, where one that few texts share should be heard less. `build base
    --text` is made from the same two, and evens them out.

    Raises:
        UsageError: scikit-learn is not installed, no words, or too few texts.
    """
    words = tfidf(texts)
    return sparse.csr_array(words.astype(np.float32)), lsa(words, dim).values.astype(np.float32)
