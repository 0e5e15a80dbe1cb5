"""Item vectors as they would be with another raw score, by the version's own recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from guided_store.encoders import Encoder, apply_calibration, load_encoder
from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import Embedding

_CLOSE = 1e-3
"""How far a column may be from what its raw score gives, in standard deviations: float32 and its way here."""


@dataclass(frozen=True)
class Columns:
    """How raw scores become the attribute columns of a version.

    A column is s_g (raw - mean) / deviation, through the monotone calibrations that training learned.

    Attributes:
        embedding: the version.
        raw: float64 (n, A), a score that is missing replaced by the mean, as the version has it.
        low, high: ends of the schema's scale.
        movable: attributes that vary, bool (A,); the columns of the others are 0 whatever the score.
    """

    embedding: Embedding
    raw: NDArray[np.float64]
    low: float
    high: float
    movable: NDArray[np.bool_]

    @classmethod
    def of(cls, embedding: Embedding) -> Columns:
        """Read the recipe, and hold it against the vectors.

        Raises:
            UsageError: a version without raw scores or recipe, or whose columns do not follow from them.
        """
        recipe: Mapping[str, Any] = embedding.info.recipe
        raw = embedding.raw
        missing = [name for name in ("mean", "deviation", "guided_scale", "schema") if name not in recipe]
        if raw is None or missing:
            what = "raw scores" if raw is None else ", ".join(missing)
            raise UsageError(f"{embedding.ref} keeps no {what}, so none of its scores can be changed")
        deviation = np.array(recipe["deviation"], np.float64)
        low, high = recipe["schema"]["scale"]
        filled = np.where(np.isnan(raw), np.array(recipe["mean"]), raw).astype(np.float64)
        columns = cls(embedding, filled, float(low), float(high), deviation > 0)
        rows, width = np.arange(len(raw)), raw.shape[1]
        for attribute in range(width):
            found = columns.values(filled[:, attribute], np.full(len(rows), attribute))
            apart = np.abs(found - embedding.vectors[:, attribute])
            worst = int(apart.argmax())
            if apart[worst] > _CLOSE * float(recipe["guided_scale"]):
                stored = embedding.vectors[worst, attribute]
                raise UsageError(
                    f"the column {embedding.attributes[attribute]} of {embedding.ref} does not follow from "
                    f"its raw scores (item {embedding.item_ids[worst]!r}: {stored:.4f} where its recipe "
                    f"gives {found[worst]:.4f}), so it cannot be said what another score would change; "
                    "build and train the version again"
                )
        return columns

    def values(self, raw: NDArray[np.float64], attribute: NDArray[np.int64]) -> NDArray[np.float32]:
        """The columns' entries of raw scores (n,) of attributes int64 (n,), float32 (n,)."""
        recipe: Mapping[str, Any] = self.embedding.info.recipe
        deviation = np.array(recipe["deviation"], np.float64)[attribute]
        apart = raw - np.array(recipe["mean"], np.float64)[attribute]
        standard = np.where(deviation > 0, apart / np.where(deviation > 0, deviation, 1), 0)
        value = float(recipe["guided_scale"]) * standard
        for step in recipe.get("calibration", ()):
            knots, slopes = np.array(step["knots"]), np.array(step["slopes"])
            value = apply_calibration(value[None], knots[attribute], slopes[attribute])[0]
        return value.astype(np.float32)

    def moved(
        self, rows: NDArray[np.int64], attribute: NDArray[np.int64], points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Vectors float32 (n, d) of items whose score of one attribute moves by so many points, within the
        scale, and by how many it did, float64 (n,)."""
        old = self.raw[rows, attribute]
        new = np.clip(old + points, self.low, self.high)
        vectors = self.embedding.vectors[rows]
        vectors[np.arange(len(rows)), attribute] = self.values(new, attribute)
        return vectors, new - old


def encoder_of(
    store: Store, embedding: Embedding, more: NDArray[np.float32], names: Sequence[str]
) -> Encoder:
    """The encoder of a version, reading further vectors (x, d) as rows n to n + x - 1.

    The version in the store stays as it is: only histories can hold the new rows.
    """
    bias = embedding.bias
    wider = replace(
        embedding,
        item_ids=(*embedding.item_ids, *names),
        vectors=np.concatenate([embedding.vectors, more]),
        bias=None if bias is None else np.concatenate([bias, np.zeros(len(more), np.float32)]),
        raw=None,
        imputed=None,
        std=None,
    )
    return load_encoder(store, wider)
