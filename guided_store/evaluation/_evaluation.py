"""A whole evaluation: the same cases ranked by every system, baselines in the same table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Split
from guided_store.errors import UsageError
from guided_store.evaluation._ease import EASE
from guided_store.evaluation._histories import part_of
from guided_store.evaluation._intervals import bootstrap_intervals
from guided_store.evaluation._item_knn import ItemKNN
from guided_store.evaluation._metrics import KS, ndcg_at, per_case, summarise
from guided_store.evaluation._popularity import Popularity, RecentPopularity
from guided_store.evaluation._ranking import Part, Repeats, repeated_targets, target_ranks
from guided_store.evaluation._scorer import Scorer
from guided_store.progress import SILENT, Progress

_BASELINES: dict[str, Callable[[Split, Progress], Scorer]] = {
    "popularity": lambda split, progress: Popularity.fit(split, progress=progress),
    "recent-popularity": lambda split, progress: RecentPopularity.fit(split, progress=progress),
    "item-knn": lambda split, progress: ItemKNN.fit(split, progress=progress),
    "ease": lambda split, progress: EASE.fit(split, progress=progress),
}

BASELINES = tuple(_BASELINES)
"""Names of all baselines."""

EASE_BY_DEFAULT = 6_000
"""Catalogues up to this many items get EASE unasked (some seconds); beyond, ItemKNN stands alone."""


def default_baselines(split: Split) -> tuple[str, ...]:
    """The baselines of this split: recent popularity only with times, EASE only for moderate catalogues."""
    unfit = set()
    if split.sequences.times is None:
        unfit.add("recent-popularity")
    if split.sequences.n_items > EASE_BY_DEFAULT:
        unfit.add("ease")
    return tuple(name for name in BASELINES if name not in unfit)


def fit_baselines(
    split: Split, names: Iterable[str] | None = None, progress: Progress = SILENT
) -> list[Scorer]:
    """Fit baselines on the training events of `split`, parameters chosen on its validation cases.

    Args:
        names: of `BASELINES`; None for `default_baselines(split)`.

    Raises:
        UsageError: an unknown name, recent popularity without times, EASE for a large catalogue.
    """
    wanted = default_baselines(split) if names is None else tuple(names)
    for name in wanted:
        if name not in _BASELINES:
            raise UsageError(f"unknown baseline {name!r}: there are {', '.join(BASELINES)}")
    return [_BASELINES[name](split, progress) for name in wanted]


@dataclass(frozen=True)
class Row:
    """One system on the cases of an evaluation.

    Attributes:
        name: of the system.
        metrics: means, keyed as in `summarise`.
        intervals: 95 % bootstrap interval over users of each metric.
        cases: how many cases; unranked: of how many the target had no rank (counted as missed).
        seconds: wall time of scoring and ranking.
        trained: whether it is held against the baselines.
        parameters: what a baseline chose on validation; the facts about a list from another system.
        notes: sentences to print beside this row.
        ranks: float64 (cases,), one per case, in the order of the split's part; not in `to_dict`.
    """

    name: str
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    cases: int
    unranked: int
    seconds: float
    trained: bool
    parameters: dict[str, object]
    notes: tuple[str, ...]
    ranks: NDArray[np.float64] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, object]:
        """Everything but the ranks, JSON-serialisable."""
        return {
            "name": self.name,
            "metrics": self.metrics,
            "intervals": {name: list(interval) for name, interval in self.intervals.items()},
            "cases": self.cases,
            "unranked": self.unranked,
            "seconds": self.seconds,
            "trained": self.trained,
            "parameters": self.parameters,
            "notes": list(self.notes),
        }


def make_row(
    name: str,
    ranks: NDArray[np.float64],
    users: NDArray[np.int64],
    ks: Sequence[int] = KS,
    *,
    seconds: float = 0.0,
    trained: bool = False,
    parameters: dict[str, object] | None = None,
    notes: tuple[str, ...] = (),
) -> Row:
    """A row from ranks float64 (C,) and the user of each case int64 (C,), intervals included."""
    return Row(
        name=name,
        metrics=summarise(ranks, ks),
        intervals=bootstrap_intervals(users, per_case(ranks, ks)),
        cases=len(ranks),
        unranked=int(np.isinf(ranks).sum()),
        seconds=seconds,
        trained=trained,
        parameters=parameters or {},
        notes=notes,
        ranks=ranks,
    )


@dataclass(frozen=True)
class Evaluation:
    """Several systems on the same cases.

    Attributes:
        split_kind, split_digest, split_parameters: which split; equal digests mean equal cases.
        part: "test" or "validation"; repeats: "exclude" or "allow"; ks: cut-offs.
        cases: number of cases; repeated_targets: how many targets stand in their own history.
        notes: sentences to print beside the figures (leakage, users too short).
        users: user row of each case, int64 (cases,).
        rows: name -> `Row`, in the order given, baselines last.
    """

    split_kind: str
    split_digest: str
    split_parameters: dict[str, object]
    part: Part
    repeats: Repeats
    ks: tuple[int, ...]
    cases: int
    repeated_targets: int
    notes: tuple[str, ...]
    users: NDArray[np.int64] = field(repr=False, compare=False)
    rows: dict[str, Row]

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the table must not miss, one sentence each."""
        found = []
        if self.repeats == "exclude" and self.repeated_targets:
            found.append(
                f"{self.repeated_targets:,} of {self.cases:,} targets stand in their own history and count "
                "as missed, since repeats are excluded: allow repeats if this domain has them"
            )
        baselines = [row for row in self.rows.values() if row.name in BASELINES]
        for row in self.rows.values():
            if row.trained and baselines:
                best = max(baselines, key=_ndcg)
                if _ndcg(row) < _ndcg(best):
                    found.append(self._loss(row, best))
        return tuple(found)

    def _loss(self, row: Row, best: Row) -> str:
        difference = ndcg_at(row.ranks, 10) - ndcg_at(best.ranks, 10)
        low, high = bootstrap_intervals(self.users, {"ndcg@10": difference})["ndcg@10"]
        noise = " (0 is within the interval, so this may be noise)" if high >= 0 else ""
        return (
            f"the trained encoder {row.name} loses to {best.name} on NDCG@10 ({_ndcg(row):.4f} < "
            f"{_ndcg(best):.4f}, difference {difference.mean():+.4f}, 95 % interval {low:+.4f} to "
            f"{high:+.4f}){noise}: train it longer or with more dropout, or serve the simpler model"
        )

    def with_row(self, row: Row) -> Evaluation:
        """The same evaluation with one more row, for lists of another system; UsageError for a taken name."""
        if row.name in self.rows:
            raise UsageError(f"two systems are called {row.name!r}: every row needs its own name")
        if row.cases != self.cases:
            raise UsageError(f"{row.name!r} has {row.cases:,} cases where this evaluation has {self.cases:,}")
        return replace(self, rows={**self.rows, row.name: row})

    def to_dict(self) -> dict[str, object]:
        """Everything but per-case arrays, JSON-serialisable."""
        return {
            "split": {
                "kind": self.split_kind,
                "digest": self.split_digest,
                "parameters": self.split_parameters,
            },
            "part": self.part,
            "repeats": self.repeats,
            "ks": list(self.ks),
            "cases": self.cases,
            "repeated_targets": self.repeated_targets,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "rows": [row.to_dict() for row in self.rows.values()],
        }


def _ndcg(row: Row) -> float:
    return float(ndcg_at(row.ranks, 10).mean())


def evaluate(
    split: Split,
    scorers: Sequence[Scorer],
    part: Part = "test",
    ks: Sequence[int] = KS,
    repeats: Repeats = "exclude",
    baselines: bool | Sequence[str] = True,
    *,
    lists: Sequence[Row] = (),
    batch_size: int | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Rank the cases of one part of a split with every scorer and the baselines.

    Args:
        scorers: the systems to judge; those with `trained = True` are held against the baselines.
        ks: cut-offs of Recall and NDCG.
        baselines: True for `default_baselines(split)`, False for none, or names of `BASELINES`.
        lists: rows of other systems on the same cases (`evaluate_recs`), put last; alone they are enough.

    Raises:
        UsageError: nothing to evaluate, two systems of one name, an unknown baseline or argument.
        EncoderError: a scorer gives NaN or a wrong shape.
    """
    targets = part_of(split, part)
    fitted: list[Scorer] = []
    if baselines is not False:
        names = None if baselines is True else baselines
        fitted = fit_baselines(split, names, progress)
    systems = [*scorers, *fitted]
    if not systems and not lists:
        raise UsageError("there is nothing to evaluate: give a model or lists, or leave the baselines on")
    named = [system.name for system in systems]
    for name in named:
        if named.count(name) > 1:
            raise UsageError(f"two systems are called {name!r}: every row needs its own name")
    rows: dict[str, Row] = {}
    for system in systems:
        started = time.perf_counter()
        ranks = target_ranks(system, split, part, repeats, batch_size=batch_size, progress=progress)
        rows[system.name] = make_row(
            system.name,
            ranks,
            targets.users,
            ks,
            seconds=time.perf_counter() - started,
            trained=bool(getattr(system, "trained", False)),
            parameters=dict(getattr(system, "parameters", {})),
        )
    notes = split.notes
    if part == "validation" and any(rows[system.name].parameters for system in fitted):
        notes = (
            *notes,
            "the baselines chose their parameters on validation cases, so these figures flatter them",
        )
    evaluation = Evaluation(
        split_kind=split.kind,
        split_digest=split.digest,
        split_parameters=split.parameters,
        part=part,
        repeats=repeats,
        ks=tuple(ks),
        cases=len(targets),
        repeated_targets=int(repeated_targets(split, part).sum()),
        notes=notes,
        users=targets.users,
        rows=rows,
    )
    for row in lists:
        evaluation = evaluation.with_row(row)
    return evaluation
