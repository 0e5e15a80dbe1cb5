"""Choice of a baseline's few parameters on validation cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from guided_store.catalogue import Split, Targets
from guided_store.evaluation._metrics import ndcg_at
from guided_store.evaluation._ranking import target_ranks
from guided_store.evaluation._scorer import Scorer
from guided_store.progress import SILENT, Progress

S = TypeVar("S", bound=Scorer)

MOST_CASES = 1000
"""Validation cases looked at; more would make the choice slow, hardly better."""


def validation_sample(split: Split, most: int = MOST_CASES, seed: int = 0) -> Split:
    """The split with at most `most` of its validation cases, drawn with `seed`."""
    cases = len(split.validation)
    if cases <= most:
        return split
    drawn = np.sort(np.random.default_rng(seed).choice(cases, most, replace=False))
    return replace(split, validation=Targets(split.validation.users[drawn], split.validation.ends[drawn]))


def best_on_validation(split: Split, candidates: Sequence[S], fallback: S, progress: Progress = SILENT) -> S:
    """The candidate of the highest NDCG@10 on (a sample of) the validation cases, the first among equals.

    Without validation cases, `fallback`.
    """
    if not len(split.validation):
        return fallback
    sample = validation_sample(split)
    reached: list[float] = []
    with progress.task(f"choosing {fallback.name}", len(candidates)) as task:
        for candidate in candidates:
            ranks = target_ranks(candidate, sample, "validation")
            reached.append(float(ndcg_at(ranks, 10).mean()))
            task.advance()
    return candidates[int(np.argmax(reached))]
