"""The measures beyond accuracy: their names, units, and which way is good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Good = Literal["high", "low", "near 0", "depends"]


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: stable, for programs; title: for people, with the unit where there is one.
        good: which way is better; "depends" where that is for whoever runs the catalogue to say.
        reads: what the figure is, in one line.
    """

    name: str
    title: str
    good: Good
    reads: str


MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("coverage", "coverage", "high", "share of all items that some list shows"),
        Measure("gini", "Gini index", "low", "0: all items are shown alike; 1: a few fill all lists"),
        Measure("personalisation", "personalisation", "high", "1 less the mean overlap of two users' lists"),
        Measure("novelty", "novelty", "depends", "in bits; 1 more: items half as well known"),
        Measure("popularity", "popularity", "depends", "share of training users who have an item"),
        Measure("popularity_lift", "popularity lift", "near 0", "+0.5: half as popular again as histories"),
        Measure("unexpectedness", "unexpectedness", "depends", "share of items a popularity list lacks"),
        Measure("serendipity", "serendipity", "high", "share of cases hit where a popularity list misses"),
        Measure("diversity", "diversity", "depends", "distance of items in deviations; at random 1.4"),
        Measure("miscalibration", "miscalibration", "low", "attributes off the history's, in deviations"),
        Measure("divergence", "divergence", "low", "categories off the history's, in nats (KL)"),
    )
}
"""By name, in the order they are shown."""
