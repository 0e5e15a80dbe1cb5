"""Gates held against figures: each is decided by the bound of an interval, never by the point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from guided_store.beyond import BeyondAccuracy, Categories, beyond_accuracy
from guided_store.evaluation import (
    LEVEL,
    REPLICATES,
    Cases,
    Interval,
    Judgement,
    mrr_at,
    per_case,
    resampled_sums,
    user_totals,
)
from guided_store.promotion._gates import Gate
from guided_store.scoring import AttributeTable


@dataclass(frozen=True)
class Verdict:
    """One gate and what it was decided by.

    Attributes:
        gate: which.
        held: whether it holds.
        value: the version's figure.
        side: what it is held against, None where a number is asked; `reference`: that one's figure.
        judged: what the interval is of: the figure itself, its difference to the reference, or that
            difference as a share of the reference (`Gate.relative`); `interval`: of that.
        bound: the end of the interval that decides, the lower one for > and >=.
        needed: what the bound has to reach.
        note: why it could not be decided, "" where it was; then it does not hold.
    """

    gate: Gate
    held: bool
    value: float | None
    side: str | None
    reference: float | None
    judged: float | None
    interval: Interval | None
    bound: float | None
    needed: float
    note: str = ""

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable, always the same keys."""
        gate = self.gate
        return {
            "gate": gate.text,
            "metric": gate.metric,
            "k": gate.k,
            "comparison": gate.comparison,
            "held": self.held,
            "value": self.value,
            "side": self.side,
            "reference": self.reference,
            "relative": gate.relative,
            "judged": self.judged,
            "interval": None if self.interval is None else list(self.interval),
            "bound": self.bound,
            "needed": self.needed,
            "note": self.note,
        }


@dataclass(frozen=True)
class _Figures:
    value: float
    reference: float | None
    judged: float
    interval: Interval | None


def check_gates(
    gates: Sequence[tuple[Gate, str | None]],
    version: str,
    judged: Mapping[str, Judgement],
    cases: Cases,
    *,
    attributes: AttributeTable | None = None,
    categories: Categories | None = None,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[Verdict, ...]:
    """Decide every gate.

    `metric >= side - 0.5%` holds where the lower bound of the paired change `value / reference - 1` is at
    least -0.005: a test of non-inferiority at `(1 - level) / 2`, one-sided, with that margin (Walker and
    Nowacki, "Understanding equivalence and noninferiority testing", J. Gen. Intern. Med. 26, 2011). Without
    a per cent sign it is the difference that is judged, and against a number the figure itself; for < and <=
    it is the upper bound. Intervals are over users, each drawn with all their cases, both versions on the
    same draws. They speak of these two trained models, not of other seeds. Several gates are all to hold, so
    that none needs a correction for the others.

    A relative change of a measure of lists is its difference, interval and all, divided by the size of the
    reference's figure, which is taken as known: for the small margins of gates that is the same to the second
    digit.

    Args:
        gates: each with the label that its side stands for, None where it has none.
        version: the label of the version that is to pass.
        judged: label -> what that version makes of the cases; lists as long as the largest K of a measure.
        cases: what was judged.
        attributes, categories: for the measures that need them.
        replicates: resamples; level: coverage of the intervals; seed: of the resamples.

    Raises:
        UsageError: as `beyond_accuracy`.
    """
    found: dict[int, _Figures | str] = {}
    accuracy = [(place, gate, side) for place, (gate, side) in enumerate(gates) if not gate.measure]
    found.update(_accuracy(accuracy, version, judged, cases, replicates, level, seed))
    sections: dict[tuple[str | None, int], BeyondAccuracy] = {}
    for place, (gate, side) in enumerate(gates):
        if gate.measure:
            assert gate.k is not None
            key = (side, gate.k)
            if key not in sections:
                labels = dict.fromkeys([*([] if side is None else [side]), version])
                sections[key] = beyond_accuracy(
                    {label: [judged[label]] for label in labels},
                    cases,
                    attributes=attributes,
                    categories=categories,
                    k=gate.k,
                    replicates=replicates,
                    level=level,
                    seed=seed,
                )
            found[place] = _measured(gate, side, version, sections[key])
    return tuple(_decide(gate, side, found[place]) for place, (gate, side) in enumerate(gates))


def _accuracy(
    gates: Sequence[tuple[int, Gate, str | None]],
    version: str,
    judged: Mapping[str, Judgement],
    cases: Cases,
    replicates: int,
    level: float,
    seed: int,
) -> dict[int, _Figures | str]:
    """Figures of every gate on accuracy, all on the same draws of users."""
    if not gates:
        return {}
    ks = sorted({gate.k for _, gate, _ in gates if gate.k is not None}) or [10]
    wanted = list(dict.fromkeys((label, gate.metric) for _, gate, side in gates for label in (version, side)))
    values = {label: per_case(judged[label].ranks, ks) for label, _ in wanted if label is not None}
    for label, metrics in values.items():
        # `mrr@10` is always there; other cut-offs are not.
        for k in ks:
            metrics[f"mrr@{k}"] = mrr_at(judged[label].ranks, k)
    columns = [(label, metric) for label, metric in wanted if label is not None]
    cells = [values[label][metric] for label, metric in columns]
    totals = user_totals(cases.users, np.column_stack([*cells, np.ones(len(cases))]))
    sums = resampled_sums(totals, replicates, seed)
    means, drawn = totals[:, :-1].sum(axis=0) / len(cases), sums[:, :-1] / sums[:, -1:]
    place_of = {column: place for place, column in enumerate(columns)}
    tails = [(1 - level) / 2, (1 + level) / 2]
    found: dict[int, _Figures | str] = {}
    for number, gate, side in gates:
        own = place_of[version, gate.metric]
        value, resampled = float(means[own]), drawn[:, own]
        reference, judged_value = None, value
        if side is not None:
            other = place_of[side, gate.metric]
            reference = float(means[other])
            if gate.relative:
                if not drawn[:, other].all():
                    found[number] = f"too few cases of {side} are hit to say a share of its {gate.metric}"
                    continue
                judged_value, resampled = value / reference - 1, resampled / drawn[:, other] - 1
            else:
                judged_value, resampled = value - reference, resampled - drawn[:, other]
        low, high = np.quantile(resampled, tails)
        found[number] = _Figures(value, reference, judged_value, (float(low), float(high)))
    return found


def _measured(gate: Gate, side: str | None, version: str, section: BeyondAccuracy) -> _Figures | str:
    """Figures of a gate on a measure of lists, or why there are none."""
    one = section.measures.get(gate.metric)
    if one is None:
        return f"{gate.metric} could not be measured: " + (
            "; ".join(section.notes) or "the items have no categories"
        )
    value = one.values[version]
    if side is None:
        return _Figures(value.value, None, value.value, value.interval)
    reference = one.values[side].value
    if side == version:
        return _Figures(value.value, reference, 0.0, (0.0, 0.0))
    change = one.differences[version]
    if not gate.relative:
        return _Figures(value.value, reference, change.value, change.interval)
    if reference == 0:
        return f"the {gate.metric} of {side} is 0, of which no share can be said"
    size, (low, high) = abs(reference), change.interval
    return _Figures(value.value, reference, change.value / size, (low / size, high / size))


def _decide(gate: Gate, side: str | None, found: _Figures | str) -> Verdict:
    if isinstance(found, str):
        return Verdict(gate, False, None, side, None, None, None, None, gate.number, found)
    bound = None if found.interval is None else found.interval[0 if gate.above else 1]
    if bound is None or not np.isfinite(bound):
        note = f"{gate.metric} has no interval here: too few cases"
        return Verdict(gate, False, found.value, side, found.reference, None, None, None, gate.number, note)
    # The margin was written in decimals; half a billionth is not what decides.
    held = gate.holds(round(bound, 12), round(gate.number, 12))
    return Verdict(
        gate, held, found.value, side, found.reference, found.judged, found.interval, bound, gate.number
    )
