"""A trained encoder with its item vectors as arrays, and what a cold item's row is made of.

A row is [content ; learned] and a bias. An item without events has its content and nothing learned: what
stands in its learned columns and its bias is a choice, made here. Every choice leaves the score the sum
q . v + bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.encoders import load_encoder, priors_of
from guided_store.errors import EncoderError, UsageError
from guided_store.evaluation import EncodedScorer, HistoryEncoder, Priors
from guided_store.store import Store
from guided_store.versions import Ref, load_embedding

METHODS = ("stored", "neighbours", "ridge, text too", "neighbours, text too")
"""How a cold item's learned part can come about, see `fill_rows`; as many as a baseline has settings."""

RIDGES = (0.01, 0.1, 1.0, 10.0)
"""Strengths tried for a ridge, as multiples of the features' mean variance times the number of items."""

STRENGTH = 0.1
"""Of the ridge that fills rows."""

_SIMILARITIES = 8_000_000
"""Cosines held at a time (32 MB)."""

NEIGHBOURS = 10
"""Nearest trained items that a cold item learns from."""

NEIGHBOUR_COUNTS = (5, 10, 20, 50)
"""Numbers of neighbours tried for the text control."""


@dataclass(frozen=True)
class ColdModel:
    """What an experiment needs of a trained model.

    Attributes:
        name: shown in tables.
        encoder: gives queries from row numbers of `vectors`.
        item_ids: id of each row, n of them.
        vectors: float32 (n, d).
        bias: float32 (n,).
        fixed: how many leading columns are content.
        split: digest of the split that it was trained on, None where that is unknown.
        priors: what the encoder reads of users beside their histories, or None.
    """

    name: str
    encoder: HistoryEncoder
    item_ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    bias: NDArray[np.float32]
    fixed: int
    split: str | None = None
    priors: Priors | None = None

    def scorer(self) -> EncodedScorer:
        """For evaluation."""
        return EncodedScorer(
            self.name, self.encoder, self.item_ids, self.vectors, self.bias, priors=self.priors
        )

    def rows_of(self, items: Sequence[str]) -> NDArray[np.int64]:
        """Row of each id, int64; EncoderError for an item that the model has no row for."""
        index = {item: row for row, item in enumerate(self.item_ids)}
        missing = [item for item in items if item not in index]
        if missing:
            raise EncoderError(
                f"{self.name} has no row for {len(missing):,} items, {missing[0]!r} among them; train on a "
                "version that holds every item of the guided version"
            )
        return np.array([index[item] for item in items], np.int64)

    def covering(self, items: Sequence[str]) -> ColdModel:
        """The model with a row of zeros for each item that it lacks, behind its own rows."""
        known = set(self.item_ids)
        new = [item for item in items if item not in known]
        vectors = np.zeros((len(new), self.vectors.shape[1]), np.float32)
        return replace(
            self,
            item_ids=(*self.item_ids, *new),
            vectors=np.concatenate([self.vectors, vectors]),
            bias=np.concatenate([self.bias, np.zeros(len(new), np.float32)]),
        )

    def with_rows(
        self, rows: NDArray[np.int64], vectors: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> ColdModel:
        """The model with some rows replaced."""
        new_vectors, new_bias = self.vectors.copy(), self.bias.copy()
        new_vectors[rows], new_bias[rows] = vectors, bias
        return replace(self, vectors=new_vectors, bias=new_bias)

    def with_offset(self, rows: NDArray[np.int64], offset: float) -> ColdModel:
        """The model with a number added to the bias of some rows."""
        bias = self.bias.copy()
        bias[rows] += np.float32(offset)
        return replace(self, bias=bias)


def load_model(store: Store, ref: str | Ref, device: str = "cpu") -> ColdModel:
    """A stored version with its encoder.

    Raises:
        UsageError, VersionError, EncoderError: as `load_embedding` and `load_encoder`.
    """
    embedding = load_embedding(store, ref)
    encoder = load_encoder(store, embedding, device)
    bias = np.zeros(len(embedding.item_ids), np.float32) if embedding.bias is None else embedding.bias
    fixed = encoder.config.fixed or int(str(embedding.info.recipe.get("guided_columns", 0)))
    split = encoder.manifest.training.get("split")
    priors = priors_of(store, encoder, embedding)
    return ColdModel(str(ref), encoder, embedding.item_ids, embedding.vectors, bias, fixed, split, priors)


def ridge(
    known: NDArray[np.float32],
    values: NDArray[np.float32],
    asked: NDArray[np.float32],
    strength: float,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Values (m, k) that a ridge regression with intercept predicts from features.

    Args:
        known: (n, f), features of items with values; asked: (m, f), of items without.
        values: (n, k).
        strength: penalty, as a multiple of n times the mean variance of the features.
        weights: (n,), how much each item counts; by default all alike.

    Source: Hoerl and Kennard, "Ridge regression" (1970).
    """
    weight = np.ones(len(known)) if weights is None else weights / weights.mean()
    centre = np.average(known, axis=0, weights=weight)
    middle = np.average(values, axis=0, weights=weight)
    x, y = known.astype(np.float64) - centre, values - middle
    gram = (x * weight[:, None]).T @ x
    penalty = strength * max(float(np.trace(gram)) / len(gram), 1e-12)
    solved = np.linalg.solve(gram + penalty * np.eye(len(gram)), (x * weight[:, None]).T @ y)
    return ((asked - centre) @ solved + middle).astype(np.float32)


def neighbour_mean(
    known: NDArray[np.float32],
    values: NDArray[np.float32],
    asked: NDArray[np.float32],
    neighbours: int = NEIGHBOURS,
) -> NDArray[np.float32]:
    """Mean (m, k) of the values of the nearest items, weighted by squared cosine; arguments as in `ridge`.

    An item that is like no other (cosine 0 or below to all) gets the plain mean of those nearest.
    """
    found = np.empty((len(asked), values.shape[1]), np.float32)
    base, k = _unit(known), min(neighbours, len(known))
    step = max(1, _SIMILARITIES // len(known))
    for start in range(0, len(asked), step):
        near = _unit(asked[start : start + step]) @ base.T
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]
        closeness = np.maximum(np.take_along_axis(near, best, axis=1), 0.0) ** 2 + 1e-9
        share = closeness / closeness.sum(axis=1, keepdims=True)
        found[start : start + step] = np.einsum("mn,mnk->mk", share, values[best])
    return found


def fill_rows(
    model: ColdModel,
    method: str,
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
    text: NDArray[np.float32] | None = None,
) -> ColdModel:
    """The model with the learned columns and the bias of its cold rows filled in.

    Args:
        method: "stored" leaves them as training did; "neighbours" takes both from the trained
            items of the most alike content columns, "ridge" predicts both; with ", text too" text features
            stand beside the content, with equal weight. (By content alone, a ridge is what training stores
            in the plain form, and what the map of the residual form says.)
        rows: cold rows, int64.
        counts: training events of every row of the model, int64 (n,). For the ridge, trained items count by
            the square root of theirs, since what few events taught is noise.
        text: (n, f), text features, for the methods that read them.

    Raises:
        UsageError: an unknown method, or nothing to predict from.
    """
    if method not in METHODS:
        raise UsageError(f"unknown way to fill cold rows {method!r}; there are {', '.join(METHODS)}")
    if method == "stored":
        return model
    features = model.vectors[:, : model.fixed]
    if method.endswith("text too"):
        if text is None:
            raise UsageError("text features are needed to fill cold rows by likeness of text")
        features = np.concatenate([_even(features), _even(text)], axis=1)
    if not features.shape[1]:
        raise UsageError(f"{model.name} has no content columns to predict cold items from")
    warm = _warm(counts, rows)
    known, asked = features[warm], features[rows]
    values = np.concatenate([model.vectors[warm, model.fixed :], model.bias[warm, None]], axis=1)
    if method.startswith("ridge"):
        guess = ridge(known, values, asked, STRENGTH, np.sqrt(counts[warm]))
    else:
        guess = neighbour_mean(known, values, asked)
    learned = guess[:, :-1]
    vectors = np.concatenate([model.vectors[rows, : model.fixed], learned], axis=1)
    return model.with_rows(rows, vectors, guess[:, -1])


def from_text(
    model: ColdModel,
    rows: NDArray[np.int64],
    counts: NDArray[np.int64],
    text: NDArray[np.float32],
    name: str,
    *,
    strength: float | None = None,
    neighbours: int = NEIGHBOURS,
) -> ColdModel:
    """The text baseline: a cold item's whole vector and bias, content columns too, from its text alone.

    Args:
        text: (n, f), text features of every row of the model; other arguments as in `fill_rows`.
        strength: of a ridge; None takes the mean of the nearest `neighbours` items by text.
    """
    warm = _warm(counts, rows)
    values = np.concatenate([model.vectors[warm], model.bias[warm, None]], axis=1)
    if strength is None:
        guess = neighbour_mean(text[warm], values, text[rows], neighbours)
    else:
        guess = ridge(text[warm], values, text[rows], strength, np.sqrt(counts[warm]))
    return replace(model.with_rows(rows, guess[:, :-1], guess[:, -1]), name=name)


def _even(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features scaled to a mean squared row norm of 1."""
    rms = float(np.sqrt(np.square(features, dtype=np.float64).sum(axis=1).mean()))
    return np.asarray(features / max(rms, 1e-12), np.float32)


def _warm(counts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows to learn from: trained, and not asked about."""
    warm = counts > 0
    warm[rows] = False
    if not warm.any():
        raise UsageError("no trained item is left to predict cold ones from")
    return warm


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
