"""What one or several runs say of the catalogue: their mean, how far they spread, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import choose_run, mean_known, read_answers, spread_known
from guided_store.store import Store

MINIMUM_COVERAGE = 0.8
"""Share of the items that must be scored, unless missing scores are allowed."""


@dataclass(frozen=True)
class Averaged:
    """Scores of n items averaged over runs, each run one vote.

    Attributes:
        mean: float64 (n, A): mean over the runs of each run's mean over its samples; NaN where no run gives a
            score.
        spread: float64 (n, A): population standard deviation, between the runs' means where there are
            several runs, between samples where there is one. NaN where fewer than two are known, None where
            that is so everywhere.
        spread_of: what spreads: "runs", "samples", or None.
        runs: one entry a run for a recipe: run, provider, model, samples, items (that have a score), stale
            (items whose answers are about an older text).
        source_digests: imported files that scores came from, sorted.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64] | None
    spread_of: str | None
    runs: list[dict[str, object]]
    source_digests: list[str]

    @property
    def what(self) -> str:
        """The runs as the subject of a sentence, singular."""
        names = [repr(entry["run"]) for entry in self.runs]
        if len(names) == 1:
            return f"run {names[0]}"
        return f"the mean of runs {', '.join(names[:-1])} and {names[-1]}"

    @property
    def scored(self) -> int:
        """Items with at least one score."""
        return int(np.any(~np.isnan(self.mean), axis=1).sum())


def average_runs(
    store: Store, schema: AttributeSchema, runs: Sequence[str] | None, item_ids: Sequence[str]
) -> Averaged:
    """Average runs on a list of items.

    Args:
        store: with a ledger of scores.
        schema: what was scored.
        runs: which runs, each once; None takes the only one on this schema.
        item_ids: rows of the result.

    Raises:
        UsageError: no such run, a run named twice, or none named where there are several.
        DataError: damaged rows in the ledger.
    """
    if runs is not None:
        if not runs:
            raise UsageError("no run was named; name at least one")
        for run in runs:
            if list(runs).count(run) > 1:
                raise UsageError(f"run {run!r} is named twice; each run has one vote")
    means: list[NDArray[np.float64]] = []
    entries: list[dict[str, object]] = []
    digests: set[str] = set()
    spread = None
    for named in [None] if runs is None else runs:
        chosen = choose_run(store, named, schema.digest, schema.name)
        answers = read_answers(store, chosen.run, schema, item_ids)
        mean = answers.mean
        means.append(mean)
        spread = answers.spread
        digests.update(answers.source_digests)
        entries.append(
            {
                "run": chosen.run,
                "provider": chosen.provider,
                "model": chosen.model,
                "samples": len(answers.samples),
                "items": int(np.any(~np.isnan(mean), axis=1).sum()),
                "stale": answers.stale,
            }
        )
    if len(means) == 1:
        return Averaged(means[0], spread, None if spread is None else "samples", entries, sorted(digests))
    stacked = np.stack(means)
    spread = spread_known(stacked)
    return Averaged(mean_known(stacked), spread, None if spread is None else "runs", entries, sorted(digests))


def check_coverage(scored: int, items: int, allow_missing: bool, what: str, new: str = "") -> None:
    """Raise UsageError where too little of the items is scored.

    Args:
        scored, items: how many items have a score, of how many.
        allow_missing: accept less than 80 %, but not none.
        what: who scored, as the subject of a sentence.
        new: "new " where the items are the catalogue's new ones only.
    """
    if items == 0:
        raise UsageError("the store has no items yet; ingest a catalogue first")
    if scored == 0:
        way = "score them first" if new else "check how they are joined"
        raise UsageError(f"{what} scores none of the {items:,} {new}items in the catalogue; {way}")
    if scored / items < MINIMUM_COVERAGE and not allow_missing:
        raise UsageError(
            f"{what} scores {scored:,} of {items:,} {new}items in the catalogue ({scored / items:.1%}), less "
            f"than {MINIMUM_COVERAGE:.0%}; with --allow-missing the others get each attribute's mean, marked "
            "as imputed"
        )
