"""User and item ids: growing dictionaries from string to code, and the one order ids are listed in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Vocabulary:
    """Ids seen so far; an id's code is its place in `ids`."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def ids(self) -> list[str]:
        """All ids, in the order of their codes."""
        return list(self._codes)

    def encode(self, ids: Sequence[str]) -> NDArray[np.int32]:
        """Codes of `ids`, int32; ids not seen before get the next ones."""
        codes = self._codes
        return np.fromiter((codes.setdefault(name, len(codes)) for name in ids), np.int32, len(ids))


def id_order(ids: Sequence[str]) -> NDArray[np.int64]:
    """The permutation that sorts ids: whole numbers by value first, then all others by code point.

    It depends on the set of ids only, not on the order they were met in.
    """
    names = pa.array(ids, pa.string())
    numeric = pc.match_substring_regex(names, "^[0-9]+$")
    digits = pc.utf8_ltrim(names, "0")
    keys = pa.table(
        {
            "text": pc.invert(numeric),
            "length": pc.if_else(numeric, pc.utf8_length(digits), 0),
            "digits": pc.if_else(numeric, digits, ""),
            "name": names,
        }
    )
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
    permutation: NDArray[np.int64] = order.to_numpy().astype(np.int64)
    return permutation


def inverse(permutation: NDArray[np.int64]) -> NDArray[np.int32]:
    """Rank of each element: `inverse(p)[p[r]] == r`, int32."""
    ranks = np.empty(len(permutation), np.int32)
    ranks[permutation] = np.arange(len(permutation), dtype=np.int32)
    return ranks
