"""A history read in attributes, and the user's attribute vector taken apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from guided_store.encoders import Encoder
from guided_store.errors import UsageError
from guided_store.retrieval._results import AttributeTaste, Mover, Profile, UserAttribute, UserVector
from guided_store.versions import Embedding

PRIOR_EVENTS = 1.0
"""Events that a prior counts for where no encoder has learned it."""


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
    deviation = _deviation(guided)
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


def take_apart(
    embedding: Embedding,
    encoder: Encoder,
    rows: NDArray[np.int32],
    query: NDArray[np.float32],
    titles: Mapping[str, str],
    *,
    movers: int,
    prior: NDArray[np.float32] | None = None,
    prior_name: str = "",
) -> UserVector:
    """The user's attribute vector as the encoder reads it: which events and which prior it is made of.

    Where the encoder reads none, all events count alike and the prior as `PRIOR_EVENTS` of them.

    Args:
        embedding: a version with attributes.
        encoder: its encoder.
        rows: the history as row numbers, oldest first, not empty.
        query: what the encoder asks for after it.
        titles: by item id.
        movers: how many items to name for each attribute.
        prior: float32 (A,) on the scale of the version's attribute columns, or None.
        prior_name: where it comes from.
    """
    width = len(embedding.attributes)
    guided = embedding.vectors[:, :width]
    deviation = _deviation(guided)
    read = rows[-encoder.config.max_length :]
    shares, prior_share, memory = _shares(encoder, len(read), width, given=prior is not None)
    added = shares * (guided[read] / deviation)  # (n, A)
    from_prior = prior_share * (np.zeros(width) if prior is None else prior / deviation)
    items, place = np.unique(read, return_inverse=True)
    by_item = np.zeros((len(items), width))
    np.add.at(by_item, place, added)
    order = np.argsort(-np.abs(by_item), axis=0, kind="stable")[:movers]
    asked = query[:width] * deviation
    ids = [embedding.item_ids[row] for row in items]
    attributes = tuple(
        UserAttribute(
            name,
            float(added[:, column].sum()),
            float(from_prior[column]),
            float(prior_share[column]),
            None if memory is None else float(memory[column]),
            float(asked[column]),
            tuple(
                Mover(ids[one], titles.get(ids[one], ""), float(by_item[one, column]))
                for one in order[:, column]
            ),
        )
        for column, name in enumerate(embedding.attributes)
    )
    return UserVector(memory is not None, len(read), prior_name, attributes)


def _shares(
    encoder: Encoder, events: int, width: int, *, given: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Share of each event (n, A) and of the prior (A,), and the memory in events (A,) of a learned vector."""
    condition = encoder.model.user
    if condition is None:
        whole = events + PRIOR_EVENTS * given
        return np.full((events, width), 1 / whole), np.full(width, PRIOR_EVENTS * given / whole), None
    with torch.no_grad():
        shares, prior = condition.shares(events)
        memory = 1 / (1 - condition.rho)
    return (
        shares.double().cpu().numpy(),
        prior.double().cpu().numpy(),
        memory.double().cpu().numpy(),
    )


def _deviation(guided: NDArray[np.float32]) -> NDArray[np.float32]:
    deviation: NDArray[np.float32] = np.maximum(guided.std(axis=0), 1e-12)
    return deviation
