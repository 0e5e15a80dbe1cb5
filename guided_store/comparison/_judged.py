"""Every version scored once: what all sections of a comparison are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guided_store.comparison._candidates import Candidate
from guided_store.encoders import load_scorer
from guided_store.evaluation import LIST, Cases, Judgement, judge
from guided_store.progress import SILENT, Progress
from guided_store.store import Store


@dataclass(frozen=True)
class Judged:
    """What versions make of the cases.

    Attributes:
        versions: label -> one `Judgement` per seed; the first label is the reference.
        warnings: why figures may flatter a version.
    """

    versions: dict[str, tuple[Judgement, ...]]
    warnings: tuple[str, ...]


def judge_versions(
    store: Store,
    candidates: Sequence[Candidate],
    cases: Cases,
    *,
    k: int = LIST,
    progress: Progress = SILENT,
) -> Judged:
    """Score all cases by every version, one version in memory at a time.

    Args:
        store: where the versions are.
        candidates: of `parse_candidates`.
        cases: what is asked.
        k: length of the lists that are kept.
        progress: where to report.

    Raises:
        UsageError: a version without an encoder, with the sentence how to make one.
        VersionError, EncoderError: as `load_scorer`.
    """
    found: dict[str, tuple[Judgement, ...]] = {}
    warnings: list[str] = []
    for candidate in candidates:
        judged = []
        for ref in candidate.refs:
            scorer, said = load_scorer(store, ref, cases.split)
            warnings += said
            judged.append(judge(scorer, cases, k, progress=progress))
        found[candidate.label] = tuple(judged)
    return Judged(found, tuple(dict.fromkeys(warnings)))
