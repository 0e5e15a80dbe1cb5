"""Ranks within several catalogues from one pass of scoring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Targets
from guided_store.coldstart._cases import Cases
from guided_store.errors import EncoderError
from guided_store.evaluation import Rows, Scorer
from guided_store.progress import SILENT, Progress

BATCH_BYTES = 16 * 2**20
"""Memory of one batch of scores."""


def recent(
    sequences: Sequences, targets: Targets, rows: Rows, last: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The `last` newest events of each history (all by default): place of the case, and item code."""
    users, ends = targets.users[rows], targets.ends[rows]
    lengths = ends if last is None else np.minimum(ends, last)
    stops = np.cumsum(lengths)
    case = np.repeat(np.arange(len(users)), lengths)
    age = np.repeat(stops, lengths) - np.arange(len(case))
    place = np.repeat(sequences.indptr[users] + ends, lengths) - age
    return case, sequences.items[place].astype(np.int64)


def score_batches(
    scorer: Scorer, cases: Cases, progress: Progress = SILENT
) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.float32]]]:
    """Cases by batches: which, their scores (m, V) with the history at -inf, their targets' scores (m, 1).

    Raises:
        EncoderError: a score is not a number.
    """
    sequences, targets = cases.split.sequences, cases.split.test
    wanted = cases.targets.astype(np.int64)
    step = max(1, BATCH_BYTES // (4 * sequences.n_items))
    with progress.task(f"ranking with {scorer.name}", len(cases)) as task:
        for start in range(0, len(cases), step):
            rows = slice(start, min(start + step, len(cases)))
            scores = np.array(scorer.score(sequences, targets, rows), np.float32, order="C")
            if np.isnan(scores).any():
                raise EncoderError(f"{scorer.name} gave a score that is not a number")
            scores[recent(sequences, targets, rows)] = -np.inf
            yield rows, scores, np.take_along_axis(scores, wanted[rows, None], axis=1)
            task.advance(rows.stop - start)


def ranks_among(
    scorer: Scorer,
    cases: Cases,
    catalogues: Sequence[NDArray[np.bool_]],
    progress: Progress = SILENT,
) -> list[NDArray[np.float64]]:
    """Rank of each target in each catalogue, its history excluded.

    As `evaluation.target_ranks`: ties go to the lower item code, and a target that scores -inf or stands
    outside the catalogue has rank inf.

    Args:
        catalogues: bool (V,) each, the items that can be recommended.

    Returns:
        float64 (C,) for each catalogue.
    """
    wanted = cases.targets.astype(np.int64)
    codes = np.arange(cases.split.sequences.n_items)
    found = [np.full(len(cases), np.inf) for _ in catalogues]
    for rows, scores, own in score_batches(scorer, cases, progress):
        target = wanted[rows]
        ahead = scores > own
        ahead |= (scores == own) & (codes < target[:, None])
        for catalogue, ranks in zip(catalogues, found, strict=True):
            ranked = catalogue[target] & ~np.isneginf(own[:, 0])
            place = 1.0 + np.count_nonzero(ahead[:, catalogue], axis=1)
            ranks[rows] = np.where(ranked, place, np.inf)
    return found
