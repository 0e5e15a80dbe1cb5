"""What `beyond_accuracy` finds, as values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from guided_store.beyond._measures import Measure
from guided_store.evaluation import Interval


@dataclass(frozen=True)
class Estimate:
    """A figure and how sure it is.

    Attributes:
        value: the figure, or the difference of two.
        interval: its confidence interval.
        seeds: of a figure, the one of each seed, of which it is the mean; of a difference, ().
    """

    value: float
    interval: Interval
    seeds: tuple[float, ...] = ()

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 0; asked of a difference."""
        return not self.interval[0] <= 0 <= self.interval[1]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable."""
        return {"value": self.value, "interval": list(self.interval), "seeds": list(self.seeds)}


@dataclass(frozen=True)
class Measured:
    """One measure of every label.

    Attributes:
        measure: which.
        cases: how many it is defined for, the same ones for every label.
        values: label -> figure.
        differences: label -> figure minus the reference's; of all labels but the reference, the first.
    """

    measure: Measure
    cases: int
    values: dict[str, Estimate]
    differences: dict[str, Estimate]

    def verdict(self, label: str) -> str:
        """A label against the reference, in a word.

        "better" or "worse"; "higher" or "lower" where neither way is good in itself; "closer" or "further"
        where near 0 is good, but "higher" or "lower" if 0 lies between the two; "not sure" if the interval
        of the difference holds 0.
        """
        change, good = self.differences[label], self.measure.good
        if not change.sure:
            return "not sure"
        up = change.value > 0
        value = self.values[label].value
        reference = value - change.value
        if good in ("high", "low"):
            return "better" if up == (good == "high") else "worse"
        if good == "near 0" and value * reference >= 0:
            return "closer" if abs(value) < abs(reference) else "further"
        return "higher" if up else "lower"

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, and the verdicts."""
        return {
            **asdict(self.measure),
            "cases": self.cases,
            "values": {label: value.to_dict() for label, value in self.values.items()},
            "differences": {
                label: {**change.to_dict(), "verdict": self.verdict(label)}
                for label, change in self.differences.items()
            },
        }


@dataclass(frozen=True)
class BeyondAccuracy:
    """Versions beyond accuracy.

    Attributes:
        k: length of the lists; level: coverage of the intervals.
        labels: what was compared, the reference first; seeds: label -> models averaged.
        users, cases: how many; catalogue: items of the split's vocabulary.
        measures: name -> figures, in the order of `MEASURES`; those that could not be taken are missing.
        profile: attribute -> mean of the list minus mean of the history, in deviations; empty without scores.
        attributes: the version whose scores were read, None without; categories: the column, None without.
        notes: what could not be measured, and why.
    """

    k: int
    level: float
    labels: tuple[str, ...]
    seeds: dict[str, int]
    users: int
    cases: int
    catalogue: int
    measures: dict[str, Measured]
    profile: dict[str, Measured] = field(default_factory=dict)
    attributes: str | None = None
    categories: str | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            **vars(self),
            "labels": list(self.labels),
            "measures": {name: found.to_dict() for name, found in self.measures.items()},
            "profile": {name: found.to_dict() for name, found in self.profile.items()},
            "notes": list(self.notes),
        }
