"""Guided vectors: attribute scores, each attribute brought to mean 0 and deviation 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError


@dataclass(frozen=True)
class Standardised:
    """Standardised scores, and what is needed to read them back: `raw = mean + deviation * values`.

    Attributes:
        values: float64 (n, A); 0 where a score was missing or the attribute does not vary.
        mean: float64 (A,) over the scored items; 0 for an attribute without any score.
        deviation: float64 (A,), population standard deviation over the scored items; 0 for an attribute that
            does not vary.
        imputed: bool (n, A), True where the score was missing, so that its mean stands in for it.
    """

    values: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    imputed: NDArray[np.bool_]

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Attributes that do not vary, bool (A,)."""
        return np.equal(self.deviation, 0)


def standardise(raw: NDArray[np.floating]) -> Standardised:
    """The guided embedding `g_i` of arXiv 2504.11658: per-attribute standard scores of the LLM's scores.

    `g_i[a] = (raw_i[a] - mean_a) / deviation_a` over the items that have a score; a missing score becomes the
    attribute's mean, which is 0.

    Args:
        raw: (n, A) scores on any scale, NaN where missing.

    Raises:
        UsageError: `raw` is not a matrix, or holds an infinity.
    """
    scores = np.asarray(raw, np.float64)
    if scores.ndim != 2:
        raise UsageError(f"scores must be a matrix (items, attributes), got shape {scores.shape}")
    if np.isinf(scores).any():
        raise UsageError("scores must be finite; use NaN where one is missing")
    imputed = np.isnan(scores)
    counts = (~imputed).sum(axis=0)
    known = np.maximum(counts, 1)
    mean = np.where(imputed, 0, scores).sum(axis=0) / known
    centred = np.where(imputed, 0, scores - mean)
    deviation = np.sqrt((centred**2).sum(axis=0) / known)
    # Rounding gives a constant column a tiny deviation; equality of the extremes does not round.
    low = np.min(scores, axis=0, initial=np.inf, where=~imputed)
    high = np.max(scores, axis=0, initial=-np.inf, where=~imputed)
    varies = (low < high) & (deviation > 0)
    deviation = np.where(varies, deviation, 0)
    values = np.where(varies, centred / np.where(varies, deviation, 1), 0)
    return Standardised(values, mean, deviation, imputed)
