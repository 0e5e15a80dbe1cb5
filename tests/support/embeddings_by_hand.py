"""Embedding versions made by hand, of no store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from guided_store.versions import Embedding, VersionInfo, parse_ref


def build_embedding(
    vectors: Sequence[Sequence[float]] | np.ndarray,
    ref: str = "base/a",
    item_ids: Sequence[str] | None = None,
) -> Embedding:
    """A version of items i0, i1, ... or of `item_ids`."""
    matrix = np.ascontiguousarray(vectors, np.float32)
    ids = tuple(f"i{row}" for row in range(len(matrix))) if item_ids is None else tuple(item_ids)
    info = VersionInfo(parse_ref(ref), 1, matrix.shape[1], len(matrix), (), {}, "0" * 64, datetime.now(UTC))
    return Embedding(info, ids, matrix)
