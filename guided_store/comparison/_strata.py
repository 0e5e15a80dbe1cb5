"""Where a difference comes from: popular and rare answers, short and long histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from guided_store.comparison._resampling import PerCase, apart, draw, interval
from guided_store.evaluation import Cases, Interval, length_strata, popularity_bounds, popularity_strata

SHARES = (0.2, 0.5)
"""Head and head with torso, as shares of the items that were trained on."""


@dataclass(frozen=True)
class StratumChange:
    """The main metric of one part of the cases.

    Attributes:
        name: "head", "torso", "tail" by the popularity of the answer, "short", "long" by the user's history.
        meaning: where the part begins or ends, in words.
        cases, users: how many are in it.
        levels: label -> mean, with its interval.
        differences: label -> difference from the reference, with its interval; not the reference's own.
    """

    name: str
    meaning: str
    cases: int
    users: int
    levels: dict[str, tuple[float, Interval]]
    differences: dict[str, tuple[float, Interval]]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            **vars(self),
            "levels": {name: _pair(pair) for name, pair in self.levels.items()},
            "differences": {name: _pair(pair) for name, pair in self.differences.items()},
        }


def strata_of(
    cases: Cases, systems: Mapping[str, Sequence[PerCase]], metric: str, replicates: int, seed: int
) -> tuple[StratumChange, ...]:
    """One metric by the popularity of the answer, and by the length of the user's history.

    Args:
        cases: what was judged.
        systems: label -> metric -> value of each case and seed; the first label is the reference.
        metric: which of them.
        replicates: resamples of each stratum's users; `seed`: of the draws.

    Returns:
        the strata that have cases; none where nothing was trained on.
    """
    if not cases.train_counts.any():
        return ()
    bounds = popularity_bounds(cases.train_counts, SHARES)
    lengths = cases.split.train_ends[cases.users]
    middle = float(np.median(lengths))
    parts = popularity_strata(cases.train_counts[cases.wanted], bounds) | length_strata(lengths)
    meanings = {
        "head": f"answers with {bounds[0]:,} training events or more",
        "torso": f"answers with {bounds[1]:,} to {bounds[0] - 1:,}",
        "tail": f"answers with fewer than {bounds[1]:,}",
        "short": f"users with up to {middle:,g} training events",
        "long": f"users with more than {middle:,g}",
    }
    found = []
    for name, inside in parts.items():
        if not inside.any():
            continue
        users = cases.users[inside]
        within = {label: [{metric: run[metric][inside]} for run in runs] for label, runs in systems.items()}
        draws = draw(users, within, replicates=replicates, seed=seed)
        reference, *others = draws
        levels, differences = {}, {}
        for label, drawn in draws.items():
            low, high = interval(drawn)
            levels[label] = float(drawn.value[0]), (float(low[0]), float(high[0]))
        for label in others:
            far = apart(draws[label], draws[reference])
            differences[label] = float(far.difference[0]), (float(far.low[0]), float(far.high[0]))
        found.append(
            StratumChange(name, meanings[name], int(inside.sum()), len(np.unique(users)), levels, differences)
        )
    return tuple(found)


def _pair(pair: tuple[float, Interval]) -> dict[str, object]:
    return {"value": pair[0], "interval": list(pair[1])}
