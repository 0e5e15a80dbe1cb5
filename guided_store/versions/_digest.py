"""The content digest of an embedding version."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def embedding_digest(
    item_ids: Sequence[str],
    vectors: NDArray[np.float32],
    bias: NDArray[np.float32] | None = None,
    raw: NDArray[np.float32] | None = None,
    std: NDArray[np.float32] | None = None,
) -> str:
    """SHA-256 (hex) over ids and little-endian float32 bytes in row order.

    Shapes and the presence of each part are hashed too, so that no two different contents share a byte
    string.

    Args:
        item_ids: n ids.
        vectors: float32 (n, d).
        bias: float32 (n,) or None.
        raw, std: float32 (n, A) or None, as in a guided version.
    """
    sha = hashlib.sha256(b"guided-store embedding 1\0")
    encoded = [item.encode() for item in item_ids]
    sha.update(np.array([len(item) for item in encoded], "<i8").tobytes())
    sha.update(b"".join(encoded))
    for label, part in (("vectors", vectors), ("bias", bias), ("raw", raw), ("std", std)):
        if part is None:
            continue
        sha.update(f"\0{label} {part.shape}\0".encode())
        same = np.where(np.isnan(part), np.float32(np.nan), part)  # one bit pattern for every NaN
        sha.update(np.ascontiguousarray(same, "<f4").data)
    return sha.hexdigest()
