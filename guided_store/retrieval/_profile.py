"""A history read in attributes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.retrieval._results import AttributeTaste, Profile
from guided_store.versions import Embedding


def profile_of(
    embedding: Embedding,
    rows: NDArray[np.int32],
    query: NDArray[np.float32],
    history: tuple[str, ...],
    skipped: tuple[str, ...],
) -> Profile:
    """Means over the history beside those of the catalogue, and the query's pull per standard deviation.

    Raises:
        UsageError: the version has no attributes.
    """
    if not embedding.attributes:
        raise UsageError(f"{embedding.ref} has no attributes to read a profile in; use a refined version")
    width = len(embedding.attributes)
    guided = embedding.vectors[:, :width]
    deviation = np.maximum(guided.std(axis=0), 1e-12)
    lift = (guided[rows].mean(axis=0) - guided.mean(axis=0)) / deviation
    pull = query[:width] * deviation
    raw = embedding.raw
    tastes = []
    for column, name in enumerate(embedding.attributes):
        history_mean, catalogue_mean = None, float("nan")
        if raw is not None:
            own = raw[rows, column]
            own = own[np.isfinite(own)]
            history_mean = float(own.mean()) if len(own) else None
            catalogue_mean = float(np.nanmean(raw[:, column]))
        tastes.append(
            AttributeTaste(name, history_mean, catalogue_mean, float(lift[column]), float(pull[column]))
        )
    return Profile(str(embedding.ref), history, skipped, tuple(tastes))
