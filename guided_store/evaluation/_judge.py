"""One pass of a model over its cases: ranks and lists together, since scoring is what costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation._cases import Cases
from guided_store.evaluation._ranking import lists_of, ranks_of, score_batches
from guided_store.evaluation._scorer import Scorer
from guided_store.progress import SILENT, Progress

LIST = 50
"""Length of the lists that are kept of every case, enough for every measure of a list."""


@dataclass(frozen=True)
class Judgement:
    """What one model makes of every case.

    Attributes:
        name: of the model.
        ranks: float64 (C,), as `target_ranks`.
        items: int32 (C, K) item codes, best first, -1 where fewer can be recommended, as `top_k`.
        scores: float32 (C, K), -inf there.
    """

    name: str
    ranks: NDArray[np.float64]
    items: NDArray[np.int32]
    scores: NDArray[np.float32]


def judge(
    scorer: Scorer,
    cases: Cases,
    k: int = LIST,
    *,
    batch_size: int | None = None,
    progress: Progress = SILENT,
) -> Judgement:
    """Rank every case's target and keep its `k` best items, in one pass; order and ties as `target_ranks`.

    Raises:
        UsageError: `k` below 1.
        EncoderError: as `target_ranks`.
    """
    if k < 1:
        raise UsageError(f"a list needs 1 item or more, not {k}")
    width = min(k, cases.sequences.n_items)
    ranks = np.empty(len(cases), np.float64)
    items = np.empty((len(cases), width), np.int32)
    values = np.empty((len(cases), width), np.float32)
    batches = score_batches(scorer, cases.split, cases.targets, cases.repeats, batch_size, progress)
    for rows, scores in batches:
        ranks[rows] = ranks_of(scores, cases.wanted[rows])
        items[rows], values[rows] = lists_of(scores, width)
    return Judgement(scorer.name, ranks, items, values)
