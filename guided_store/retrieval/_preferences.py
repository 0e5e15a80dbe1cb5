"""What a user asks for on top of the history: weights on attributes, limits on raw scores."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.versions import Embedding

LARGEST = 1_000_000.0
"""Bound of a weight and of a limit: beyond it float32 scores lose what the other attributes add."""


def check_length(k: int) -> int:
    """The length of a list, or UsageError where it is below 1."""
    if k < 1:
        raise UsageError(f"k must be at least 1, got {k}")
    return k


@dataclass(frozen=True)
class Preferences:
    """Weights and limits by attribute name.

    Attributes:
        weights: factors on the query's attribute values before the search: 1 changes nothing, 0 takes the
            attribute out, 2 doubles it, -1 turns it round.
        minimum, maximum: limits on raw scores; an item that was never scored on a limited attribute is left
            out, since nobody knows whether it keeps the limit.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    minimum: Mapping[str, float] = field(default_factory=dict)
    maximum: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def checked(
        cls,
        embedding: Embedding,
        weights: Mapping[str, float] | None = None,
        minimum: Mapping[str, float] | None = None,
        maximum: Mapping[str, float] | None = None,
    ) -> Self:
        """Preferences that fit a version; errors as in `check`."""
        made = cls(weights or {}, minimum or {}, maximum or {})
        made.check(embedding)
        return made

    def check(self, embedding: Embedding) -> None:
        """Raise UsageError for an attribute the version lacks or a value that is not within +-1,000,000."""
        groups = (("weight", self.weights), ("minimum", self.minimum), ("maximum", self.maximum))
        named = [(what, name, value) for what, group in groups for name, value in group.items()]
        if named and not embedding.attributes:
            raise UsageError(f"{embedding.ref} has no attributes to weigh or limit; use a refined version")
        for what, name, value in named:
            if name not in embedding.attributes:
                close = difflib.get_close_matches(name, embedding.attributes, n=1)
                hint = (
                    f"did you mean {close[0]!r}?" if close else f"there are {', '.join(embedding.attributes)}"
                )
                raise UsageError(f"{embedding.ref} has no attribute {name!r}; {hint}")
            if not abs(value) <= LARGEST:  # NaN too
                raise UsageError(
                    f"the {what} of {name} must be a finite number between -{LARGEST:,.0f} and "
                    f"{LARGEST:,.0f}, got {value:g}"
                )
        if (self.minimum or self.maximum) and embedding.raw is None:
            raise UsageError(f"{embedding.ref} keeps no raw scores, so limits cannot be applied")

    def weigh(self, embedding: Embedding, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries float32 (m, d) with their attribute columns multiplied by the weights."""
        if not self.weights:
            return queries
        factors = np.ones(queries.shape[1], np.float32)
        for name, weight in self.weights.items():
            factors[embedding.attributes.index(name)] = weight
        return queries * factors

    def allowed(self, embedding: Embedding) -> NDArray[np.bool_] | None:
        """bool (n,), items within all limits, or None where no limit is given."""
        if not self.minimum and not self.maximum:
            return None
        assert embedding.raw is not None
        allow = np.ones(len(embedding.item_ids), bool)
        with np.errstate(invalid="ignore"):  # NaN compares false: never scored, not allowed
            for name, limit in self.minimum.items():
                allow &= embedding.raw[:, embedding.attributes.index(name)] >= limit
            for name, limit in self.maximum.items():
                allow &= embedding.raw[:, embedding.attributes.index(name)] <= limit
        return allow
