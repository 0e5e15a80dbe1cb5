"""The score as a sum, and its summands.

    score(u, i) = sum_a q_u[a] g_i[a]  +  <q_u[A:], b'_i>  +  bias_i

(`docs/method.md`; arXiv 2504.11658 has the refined embedding, the additive reading is ours.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.retrieval._results import Recommendation, Term
from guided_store.versions import Embedding


@dataclass(frozen=True)
class Breakdown:
    """Summands of the scores of some items.

    Attributes:
        attributes: float32 (m, A), one column per attribute.
        latent: float32 (m,).
        bias: float32 (m,).
    """

    attributes: NDArray[np.float32]
    latent: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def scores(self) -> NDArray[np.float32]:
        """float32 (m,), the terms added up in float64 and rounded once."""
        total = self.attributes.sum(axis=1, dtype=np.float64) + self.latent + self.bias
        scores: NDArray[np.float32] = total.astype(np.float32)
        return scores


def break_down(embedding: Embedding, query: NDArray[np.float32], rows: NDArray[np.int64]) -> Breakdown:
    """Exact summands of the scores of `rows` for one query (d,), from the stored vectors."""
    width = len(embedding.attributes)
    products = embedding.vectors[rows] * query
    latent = products[:, width:].sum(axis=1, dtype=np.float64).astype(np.float32)
    bias = np.zeros(len(rows), np.float32) if embedding.bias is None else embedding.bias[rows]
    return Breakdown(products[:, :width], latent, bias)


def terms_of(embedding: Embedding, breakdown: Breakdown, place: int, row: int) -> tuple[Term, ...]:
    """The attribute terms of one item of a breakdown."""
    raw, imputed = embedding.raw, embedding.imputed
    return tuple(
        Term(
            name,
            float(breakdown.attributes[place, column]),
            None if raw is None or np.isnan(raw[row, column]) else float(raw[row, column]),
            bool(imputed is not None and imputed[row, column]),
        )
        for column, name in enumerate(embedding.attributes)
    )


def explained(
    embedding: Embedding,
    breakdown: Breakdown,
    scores: NDArray[np.float32],
    rows: NDArray[np.int64],
    titles: dict[str, str],
    places: NDArray[np.intp],
) -> tuple[Recommendation, ...]:
    """Recommendations of the chosen `places` of a breakdown, ranked in that order."""
    return tuple(
        Recommendation(
            rank=rank,
            item_id=embedding.item_ids[rows[place]],
            title=titles.get(embedding.item_ids[rows[place]], ""),
            score=float(scores[place]),
            terms=terms_of(embedding, breakdown, int(place), int(rows[place])),
            latent=float(breakdown.latent[place]),
            bias=float(breakdown.bias[place]),
        )
        for rank, place in enumerate(places, start=1)
    )
