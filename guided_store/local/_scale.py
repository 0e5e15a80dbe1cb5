"""From raw values to a schema's scale, by a line per attribute that is never moved again."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import StoreError, UsageError
from guided_store.ledger import ItemText

MINIMUM_TEXTS = 20
"""Different texts below which no scale is fitted: its ends would be accidents."""

SAMPLE = 4096
"""Texts a scale is fitted on at most; the share beyond a 1 % quantile of so many is known to 0.2 points."""

QUANTILE = 0.01
NARROW = 1e-5
"""Raw width under which a model does not tell items apart; rounding makes some 1e-7."""

RULE = (
    f"A line per attribute takes the {QUANTILE:.0%} quantile of the raw values of up to {SAMPLE} texts to "
    "the scale's low end and the opposite quantile to its high end; what lies beyond is put on the end."
)


@dataclass(frozen=True)
class FrozenScale:
    """Where each attribute's raw values meet the ends of the schema's scale.

    The scale is relative to the catalogue it was fitted on: 10 of 10 means "among the items nearest to the
    high end", in a catalogue of comedies for the funniest ones.

    Attributes:
        low, high: float64 (A,), raw values that become the lowest and the highest score. Where they are less
            than `NARROW` apart the model does not tell items from each other, and there is no score.
        texts: different texts the scale was fitted on.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    texts: int

    @classmethod
    def fit(cls, raw: NDArray[np.floating]) -> FrozenScale:
        """The scale of raw values (n, A).

        Raises:
            UsageError: fewer than `MINIMUM_TEXTS` rows.
        """
        if len(raw) < MINIMUM_TEXTS:
            raise UsageError(
                f"a scale needs {MINIMUM_TEXTS} items with different texts, and there are {len(raw)}; add "
                "items, or import their scores"
            )
        low, high = np.quantile(np.asarray(raw, np.float64), [QUANTILE, 1 - QUANTILE], axis=0)
        return cls(low, high, len(raw))

    @property
    def blind(self) -> NDArray[np.bool_]:
        """bool (A,), the attributes by which the model does not tell items apart."""
        return np.asarray(self.high - self.low < NARROW, bool)

    def apply(self, raw: NDArray[np.floating], ends: tuple[float, float]) -> NDArray[np.float32]:
        """Raw values (n, A) as scores within `ends`, float32 (n, A); NaN where blind; monotone in raw."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (np.asarray(raw, np.float64) - self.low) / (self.high - self.low)
        scores = ends[0] + np.clip(share, 0, 1) * (ends[1] - ends[0])
        scores[:, self.blind] = np.nan
        return scores.astype(np.float32)

    def beyond(self, raw: NDArray[np.floating]) -> int:
        """How many of the raw values (n, A) lie beyond the scale's ends; blind attributes have none."""
        outside = (raw < self.low) | (raw > self.high)
        return int(np.count_nonzero(outside[:, ~self.blind]))

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable and exact; `from_dict` reads it back."""
        return {"low": self.low.tolist(), "high": self.high.tolist(), "texts": self.texts}

    @classmethod
    def from_dict(cls, content: object, width: int, run: str) -> FrozenScale:
        """The scale that a run's record holds, for `width` attributes.

        Raises:
            StoreError: it is not there, or damaged.
        """
        damaged = (
            f"the record of run {run!r} does not hold a scale for {width} attributes; score anew with --again"
        )
        if not isinstance(content, Mapping):
            raise StoreError(damaged)
        try:
            low, high = (np.array(content[end], np.float64) for end in ("low", "high"))
            texts = int(content["texts"])
        except (KeyError, TypeError, ValueError):
            raise StoreError(damaged) from None
        if low.shape != (width,) or high.shape != (width,) or not np.isfinite([low, high]).all():
            raise StoreError(damaged)
        return cls(low, high, texts)


def sample_texts(texts: Iterable[ItemText]) -> list[ItemText]:
    """Up to `SAMPLE` items with different texts, the same whatever the order, in memory that does not grow.

    Those with the smallest hashes are taken: as good as drawn by lot, and repeatable.
    """
    kept: list[tuple[int, str, ItemText]] = []  # a heap, the largest hash in front
    held: set[str] = set()
    for text in texts:
        if not text.data or text.hash in held:
            continue
        entry = (-int(text.hash, 16), text.item_id, text)
        if len(kept) < SAMPLE:
            heapq.heappush(kept, entry)
        elif entry[0] > kept[0][0]:
            held.discard(heapq.heappushpop(kept, entry)[2].hash)
        else:
            continue
        held.add(text.hash)
    return [text for _, _, text in sorted(kept, key=lambda entry: entry[2].hash)]
