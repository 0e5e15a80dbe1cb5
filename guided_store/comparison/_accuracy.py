"""Accuracy of candidates beside each other: levels, differences, significance, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.comparison._candidates import Question, question_of
from guided_store.comparison._movers import ItemMove, Outcome, UserMove, item_moves, outcome, user_moves
from guided_store.comparison._resampling import Draws, PerCase, apart, draw, interval
from guided_store.comparison._strata import StratumChange, strata_of
from guided_store.comparison._words import main_metric
from guided_store.errors import UsageError
from guided_store.evaluation import (
    KS,
    LEVEL,
    REPLICATES,
    Cases,
    Interval,
    Judgement,
    Paired,
    compare_many,
    holm,
    per_case,
)

SURE = 0.05
"""A winner needs an adjusted p below this, and an interval without 0."""


@dataclass(frozen=True)
class Level:
    """One metric of one candidate.

    Attributes:
        value: mean over cases and seeds; interval: of users, for a recipe of users and seeds.
        seeds: the mean of each seed, in the order given.
    """

    value: float
    interval: Interval
    seeds: tuple[float, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {"value": self.value, "interval": list(self.interval), "seeds": list(self.seeds)}


@dataclass(frozen=True)
class Accuracy:
    """How accurate candidates are, and how they differ from the first of them.

    Attributes:
        question: "models" (each label is one trained model; other users might change the figures) or
            "recipes" (each is several seeds of one recipe; other users and other seeds might).
        labels: in the order asked for; the first is the reference.
        metrics: `mrr`, then `recall@K` and `ndcg@K`.
        main: the metric of strata, wins and movers.
        cases, users: how many were judged.
        levels: label -> metric -> `Level`.
        pairs: label -> metric -> `Paired`, for all but the reference.
        strata: empty where the training part has no event.
        outcomes: label -> wins, ties and losses over users, by the main metric and by MRR.
        user_moves, item_moves: label -> who and what changed most.
    """

    question: Question
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    main: str
    cases: int
    users: int
    levels: dict[str, dict[str, Level]]
    pairs: dict[str, dict[str, Paired]]
    strata: tuple[StratumChange, ...]
    outcomes: dict[str, tuple[Outcome, ...]]
    user_moves: dict[str, tuple[UserMove, ...]]
    item_moves: dict[str, tuple[ItemMove, ...]]

    @property
    def reference(self) -> str:
        return self.labels[0]

    def winner(self, label: str, metric: str | None = None) -> str | None:
        """Which of `label` and the reference is surely better by a metric (the main one); None: neither."""
        one = self.pairs[label][metric or self.main]
        if one.adjusted >= SURE or one.interval[0] <= 0 <= one.interval[1]:
            return None
        return label if one.difference > 0 else self.reference

    def to_dict(self) -> dict[str, object]:
        """All fields and the winners, JSON-serialisable, always the same keys."""
        return {
            "question": self.question,
            "reference": self.reference,
            "labels": list(self.labels),
            "metrics": list(self.metrics),
            "main": self.main,
            "cases": self.cases,
            "users": self.users,
            "levels": {
                label: {metric: level.to_dict() for metric, level in of.items()}
                for label, of in self.levels.items()
            },
            "pairs": {
                label: {
                    metric: {**pair.to_dict(), "winner": self.winner(label, metric)}
                    for metric, pair in of.items()
                }
                for label, of in self.pairs.items()
            },
            "strata": [stratum.to_dict() for stratum in self.strata],
            "outcomes": {label: [one.to_dict() for one in of] for label, of in self.outcomes.items()},
            "user_moves": {label: [one.to_dict() for one in of] for label, of in self.user_moves.items()},
            "item_moves": {label: [one.to_dict() for one in of] for label, of in self.item_moves.items()},
        }


def compare_accuracy(
    judged: Mapping[str, Sequence[Judgement]],
    cases: Cases,
    ks: Sequence[int] = KS,
    *,
    titles: Mapping[str, str] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Accuracy:
    """Hold candidates against the first of them, case by case.

    One judgement per label: trained models are compared. Intervals and tests are those of `compare_many`,
    with the signed-rank test beside the randomisation test. Two or more per label: recipes are compared.
    Intervals are of seeds and users (`guided_store.comparison._resampling` says how), p is the larger of that
    of seeds and users and that of the randomisation test over users alone, so that seeds can only make a
    difference less sure. Holm's correction goes over the metrics of each pair in both.

    Strata have intervals, no tests. What moved most is the extreme of many: it would move less on other data.

    Args:
        judged: label -> one judgement per seed, all on `cases`.
        cases: what was judged.
        ks: cut-offs of Recall and NDCG.
        titles: by item id.
        replicates: resamples; `seed`: of all draws.

    Raises:
        UsageError: fewer than two labels, single models beside recipes, or judgements of other cases.
    """
    question = _question(judged, cases)
    systems = {label: [_metrics(one, ks) for one in runs] for label, runs in judged.items()}
    averaged = {label: _mean(runs) for label, runs in systems.items()}
    labels = tuple(judged)
    reference, others = labels[0], labels[1:]
    metrics = tuple(averaged[reference])
    main = main_metric(metrics)
    draws = draw(cases.users, systems, replicates=replicates, seed=seed)
    found = compare_many(
        cases.users,
        averaged,
        [(label, reference) for label in others],
        replicates=replicates,
        seed=seed,
        wilcoxon=question == "models",
    )
    pairs = {label: found[label, reference] for label in others}
    if question == "recipes":
        pairs = {label: _of_recipes(pairs[label], draws[label], draws[reference]) for label in others}
    changes = {
        label: {metric: averaged[label][metric] - averaged[reference][metric] for metric in metrics}
        for label in others
    }
    ranks = {label: _typical_ranks(runs) for label, runs in judged.items()}
    titles = titles or {}
    return Accuracy(
        question=question,
        labels=labels,
        metrics=metrics,
        main=main,
        cases=len(cases),
        users=len(np.unique(cases.users)),
        levels={label: _levels(metrics, draws[label]) for label in labels},
        pairs=pairs,
        strata=strata_of(cases, systems, main, replicates, seed),
        outcomes={
            label: tuple(outcome(cases, name, changes[label][name]) for name in dict.fromkeys((main, "mrr")))
            for label in others
        },
        user_moves={
            label: user_moves(cases, changes[label][main], ranks[reference], ranks[label], titles)
            for label in others
        },
        item_moves={
            label: item_moves(cases, averaged[reference][main], averaged[label][main], titles)
            for label in others
        },
    )


def _question(judged: Mapping[str, Sequence[Judgement]], cases: Cases) -> Question:
    if len(judged) < 2:
        raise UsageError("a comparison needs two candidates or more")
    for label, runs in judged.items():
        if not runs:
            raise UsageError(f"{label} has no judgement")
        if any(len(one.ranks) != len(cases) for one in runs):
            raise UsageError(f"{label} was judged on other cases than are compared here")
    return question_of({label: len(runs) for label, runs in judged.items()})


def _metrics(one: Judgement, ks: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    # MRR@10 says what MRR and NDCG@10 say, and would cost the correction one more metric.
    return {name: values for name, values in per_case(one.ranks, ks).items() if not name.startswith("mrr@")}


def _mean(runs: Sequence[PerCase]) -> dict[str, NDArray[np.float64]]:
    return {name: np.mean([run[name] for run in runs], axis=0) for name in runs[0]}


def _typical_ranks(runs: Sequence[Judgement]) -> NDArray[np.float64]:
    """Geometric mean over seeds, float64 (C,); inf where a seed leaves the target unranked."""
    found: NDArray[np.float64] = np.exp(np.mean([np.log(one.ranks) for one in runs], axis=0))
    return found


def _levels(metrics: Sequence[str], draws: Draws) -> dict[str, Level]:
    low, high = interval(draws)
    return {
        metric: Level(
            float(draws.value[at]),
            (float(low[at]), float(high[at])),
            tuple(float(value) for value in draws.means[:, at]),
        )
        for at, metric in enumerate(metrics)
    }


def _of_recipes(pairs: Mapping[str, Paired], one: Draws, reference: Draws) -> dict[str, Paired]:
    """The pairs of seed-averaged values, judged by seeds as well as by users."""
    found = apart(one, reference, LEVEL)
    assert found.p is not None
    ps = np.maximum(found.p, [pair.p for pair in pairs.values()])
    adjusted = holm(ps)
    return {
        metric: replace(
            pair,
            interval=(float(found.low[at]), float(found.high[at])),
            relative_interval=_said(found.relative_low[at], found.relative_high[at]),
            p=float(ps[at]),
            adjusted=float(adjusted[at]),
        )
        for at, (metric, pair) in enumerate(pairs.items())
    }


def _said(low: float, high: float) -> Interval | None:
    return None if np.isnan(low) else (float(low), float(high))
