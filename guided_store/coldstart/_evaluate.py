"""Cold and warm figures of several systems on one half of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from guided_store.coldstart._protocol import Protocol
from guided_store.coldstart._ranking import ranks_among
from guided_store.coldstart._ratio import Ratio, ratio_of_means
from guided_store.coldstart._sets import Half
from guided_store.errors import UsageError
from guided_store.evaluation import Paired, Scorer, bootstrap_intervals, compare, per_case
from guided_store.progress import SILENT, Progress

KS = (10, 20)

_Values = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Figures:
    """Metrics of one system on some cases.

    Attributes:
        cases, users: how many.
        metrics: name -> mean, as `evaluation.per_case` at 10 and 20.
        intervals: name -> 95 % bootstrap interval over users.
        ranks: float64 (cases,); not in `to_dict`.
    """

    cases: int
    users: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    ranks: NDArray[np.float64] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, object]:
        """Everything but the ranks, JSON-serialisable."""
        intervals = {name: list(interval) for name, interval in self.intervals.items()}
        return {"cases": self.cases, "users": self.users, "metrics": self.metrics, "intervals": intervals}


@dataclass(frozen=True)
class ColdRow:
    """One system on cold and on warm targets.

    Attributes:
        name: of the system; parameters: what was chosen for it on the tuning set.
        among_cold: cold targets ranked among the cold items of their set.
        among_all: cold targets ranked among all items.
        warm: warm targets ranked among all items, cold ones included; warm_alone: among trained items only.
        tail, tail_alone: the same of targets in the less popular half of the trained items.
        cost: metric -> `warm` against `warm_alone` on the same cases.
        to_tail: Recall@20 of cold targets over that of the less popular half, both among all items.
    """

    name: str
    parameters: dict[str, object]
    among_cold: Figures
    among_all: Figures
    warm: Figures
    warm_alone: Figures
    tail: Figures
    tail_alone: Figures
    cost: dict[str, Paired]
    to_tail: Ratio

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable."""
        parts = ("among_cold", "among_all", "warm", "warm_alone", "tail", "tail_alone")
        return {
            "name": self.name,
            "parameters": self.parameters,
            **{part: getattr(self, part).to_dict() for part in parts},
            "cost": {metric: pair.to_dict() for metric, pair in self.cost.items()},
            "to_tail_recall@20": self.to_tail.to_dict(),
        }


def figures(ranks: NDArray[np.float64], users: NDArray[np.int64]) -> Figures:
    """Metrics and intervals of ranks (C,) and the user of each case (C,); UsageError without cases."""
    if not len(ranks):
        raise UsageError("there is no case to average")
    values = _values(ranks)
    return Figures(
        cases=len(ranks),
        users=len(np.unique(users)),
        metrics={name: float(value.mean()) for name, value in values.items()},
        intervals=bootstrap_intervals(users, values),
        ranks=ranks,
    )


def evaluate_cold(
    protocol: Protocol,
    scorers: Sequence[Scorer],
    half: Half = "test",
    *,
    every_item: bool = False,
    progress: Progress = SILENT,
) -> list[ColdRow]:
    """Rank the cold and the warm cases of one half with every system.

    Args:
        scorers: score the whole vocabulary; `parameters`, where one has them, are recorded.
        half: "tune" or "test".
        every_item: the other cold set stands in the catalogue too, so that a fifth of the items are cold.
        progress: where to report.

    Raises:
        UsageError: a half without cases, or no warm target in the less popular half.
        EncoderError: a scorer gives NaN.
    """
    cold, warm = protocol.cold_cases(half), protocol.warm_cases(half)
    catalogue = np.ones_like(protocol.trained) if every_item else protocol.catalogue(half)
    in_tail = protocol.tail[warm.targets]
    rows = []
    for scorer in scorers:
        alone, among = ranks_among(scorer, cold, [protocol.cold(half), catalogue], progress)
        inside, apart = ranks_among(scorer, warm, [catalogue, protocol.trained & catalogue], progress)
        among_all, tail = figures(among, cold.users), figures(inside[in_tail], warm.users[in_tail])
        at20 = "recall@20"
        to_tail = ratio_of_means(
            cold.users, _values(among)[at20], warm.users[in_tail], _values(tail.ranks)[at20]
        )
        rows.append(
            ColdRow(
                name=scorer.name,
                parameters=dict(getattr(scorer, "parameters", {})),
                among_cold=figures(alone, cold.users),
                among_all=among_all,
                warm=figures(inside, warm.users),
                warm_alone=figures(apart, warm.users),
                tail=tail,
                tail_alone=figures(apart[in_tail], warm.users[in_tail]),
                cost=compare(warm.users, _values(inside), _values(apart)),
                to_tail=to_tail,
            )
        )
    return rows


def _values(ranks: NDArray[np.float64]) -> _Values:
    return per_case(ranks, KS)
