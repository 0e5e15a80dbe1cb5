"""What the differences between scores are made of: attribute terms, latent part, bias.

Within one user's ranking the score is a sum of parts, s_i = sum_p x_p(i), so its variance over the items is

    Var(s) = sum_p Cov(x_p, s)

and Cov(x_p, s) / Var(s) are shares that add to one (the covariance decomposition of a sum; Fields 2003,
"Accounting for income inequality and its change", eq. 5). A share is negative where a part pulls against the
sum. Constants of one user (the query's own level) play no part, as they play none in the ranking. Parts
overlap: Var(x_p) / Var(s), the variance a part would have alone, is given beside it and does not add up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Estimate, bootstrap_ratios
from guided_store.interpretation._subject import Reading, Subject, batches, best_places

PARTS = ("attributes", "latent", "bias")

CANDIDATES = 100
"""Best items of a user among which ranking is decided, as many as are scored exactly in retrieval."""


@dataclass(frozen=True)
class VarianceShares:
    """Covariance shares, pooled over users: sum over users of Cov(part, score) / sum of Var(score).

    Attributes:
        among: "all items" or "best N", the items of each user's ranking that were looked at.
        users, items: how many cases, and items per case on average.
        parts: "attributes" (all of them together), "latent", "bias" -> share; they add to 1.
        alone: the same parts -> Var(part) / Var(score); they do not add up.
        attributes: attribute -> share, in schema order; they add to `parts["attributes"]`.
        quartiles: of the attributes' share over single users; None without any.
    """

    among: str
    users: int
    items: float
    parts: dict[str, Estimate]
    alone: dict[str, Estimate]
    attributes: dict[str, Estimate]
    quartiles: tuple[float, float, float] | None

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            "among": self.among,
            "users": self.users,
            "items": self.items,
            "parts": {name: share.to_dict() for name, share in self.parts.items()},
            "alone": {name: share.to_dict() for name, share in self.alone.items()},
            "attributes": {name: share.to_dict() for name, share in self.attributes.items()},
            "quartiles": None if self.quartiles is None else list(self.quartiles),
        }


def variance_shares(subject: Subject, reading: Reading, best: int | None = None) -> VarianceShares:
    """Shares among all items that a user's list may hold, or among the `best` of them."""
    found = []
    for which in batches(len(reading), len(subject.rows)):
        allowed = reading.allowed(which, len(subject.rows))
        queries = reading.queries[which]
        if best is None:
            found.append(_among_all(subject, queries, allowed))
        else:
            places, there = best_places(subject.scores(queries), allowed, best)
            found.append(_among(subject, queries, places, there))
    covariances, alone, whole, counts = (np.concatenate(part) for part in zip(*found, strict=True))
    width = len(subject.attributes)
    attributes = covariances[:, :width]
    parts = np.concatenate([attributes.sum(axis=1, keepdims=True), covariances[:, width:]], axis=1)
    columns = np.concatenate([parts, alone, attributes], axis=1)
    shares = bootstrap_ratios(reading.users, columns, whole[:, None])
    several = whole > 0
    quartiles = None
    if width and several.any():
        low, middle, high = np.quantile(parts[several, 0] / whole[several], [0.25, 0.5, 0.75])
        quartiles = float(low), float(middle), float(high)
    return VarianceShares(
        "all items" if best is None else f"best {best}",
        len(reading),
        float(counts.mean()),
        dict(zip(PARTS, shares[:3], strict=True)),
        dict(zip(PARTS, shares[3:6], strict=True)),
        dict(zip(subject.attributes, shares[6:], strict=True)),
        quartiles,
    )


_Sums = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
"""Per case: Cov(part, score) (m, A + 2), Var of the three parts (m, 3), Var(score) (m,), items (m,)."""


def _among_all(subject: Subject, queries: NDArray[np.float32], allowed: NDArray[np.bool_]) -> _Sums:
    """Without a term for each pair: Cov(q_c x_c, s) = q_c Cov(x_c, s), and Cov(., s) is one product."""
    width = len(subject.attributes)
    q, vectors = queries.astype(np.float64), subject.vectors.astype(np.float64)
    bias = subject.bias.astype(np.float64)
    counts = allowed.sum(axis=1)
    n = np.maximum(counts, 1)[:, None]

    def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        apart: NDArray[np.float64] = values - np.where(allowed, values, 0).sum(axis=1, keepdims=True) / n
        apart[~allowed] = 0
        return apart

    scores = centred(q @ vectors.T + bias)
    columns = q * (scores @ vectors)
    covariances = np.concatenate(
        [columns[:, :width], columns[:, width:].sum(axis=1, keepdims=True), (scores @ bias)[:, None]], axis=1
    )
    own = (
        q[:, :width] @ vectors[:, :width].T,
        q[:, width:] @ vectors[:, width:].T,
        np.broadcast_to(bias, scores.shape),
    )
    alone = np.stack([np.square(centred(part)).sum(axis=1) for part in own], axis=1)
    return covariances / n, alone / n, np.square(scores).sum(axis=1) / n[:, 0], counts


def _among(
    subject: Subject, queries: NDArray[np.float32], places: NDArray[np.int64], there: NDArray[np.bool_]
) -> _Sums:
    """Among some places (m, k) of each case, those that exist."""
    width = len(subject.attributes)
    products = subject.vectors[places].astype(np.float64) * queries[:, None, :]
    latent, bias = products[..., width:].sum(axis=2), subject.bias[places].astype(np.float64)
    parts = np.concatenate([products[..., :width], latent[..., None], bias[..., None]], axis=2)
    counts = there.sum(axis=1)
    n = np.maximum(counts, 1)[:, None]
    parts = np.where(there[..., None], parts, 0)
    parts -= np.where(there[..., None], (parts.sum(axis=1) / n)[:, None, :], 0)
    scores = parts.sum(axis=2)
    covariances = np.einsum("mkp,mk->mp", parts, scores) / n
    alone = np.stack(
        [
            np.square(parts[..., :width].sum(axis=2)).sum(axis=1),
            np.square(parts[..., width]).sum(axis=1),
            np.square(parts[..., width + 1]).sum(axis=1),
        ],
        axis=1,
    )
    return covariances, alone / n, np.square(scores).sum(axis=1) / n[:, 0], counts
