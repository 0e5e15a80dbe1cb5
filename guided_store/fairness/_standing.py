"""The groups that every comparison has: by activity, by taste, by popularity, and by attribute."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Cases, popularity_bounds
from guided_store.fairness._groups import Grouping, by_quantiles
from guided_store.scoring import AttributeTable

LOW, HIGH = 3.0, 7.0
"""Raw scores up to 3 of 10 are low, from 7 on high."""

CROWD = 0.4
"""A single score that so large a share of the items has becomes a band of its own."""

_FULL = 0.9
"""A band that holds more of the items than this says nothing: thirds of them are taken instead."""


def activity(cases: Cases) -> Grouping:
    """Cases by the number of events before the target, in thirds."""
    lengths = cases.history_lengths.astype(np.float64)
    return by_quantiles("activity", lengths, 3, ("short", "middle", "long"))


def taste(cases: Cases) -> Grouping:
    """Cases by how popular the items of their history are on average, in thirds: niche to mainstream.

    The popularity of an item is its percentile (0 to 100) among all items by training events, items of equal
    counts at the middle of their ranks. Abdollahpouri, Mansoury, Burke and Mobasher, "The unfairness of
    popularity bias in recommendation" (RMSE workshop at RecSys 2019) divide users by the share of the most
    popular fifth of the items in their profile; the mean percentile needs no such bound.
    """
    counts = cases.train_counts
    _, place, tied = np.unique(counts, return_inverse=True, return_counts=True)
    percentile = 100 * (np.cumsum(tied) - tied / 2)[place] / len(counts)
    case, item = cases.histories()
    lengths = np.bincount(case, minlength=len(cases))
    total = np.bincount(case, weights=percentile[item], minlength=len(cases))
    return by_quantiles("taste", total / lengths, 3, ("niche", "middle", "mainstream"))


def popularity(cases: Cases) -> Grouping:
    """Items as head (the 20 % with most training events), torso (up to half of them) and tail."""
    bounds = popularity_bounds(cases.train_counts, (0.2, 0.5))
    place = (cases.train_counts[:, None] < np.asarray(bounds)).sum(axis=1)
    return Grouping("popularity", ("head", "torso", "tail"), place[:, None] == np.arange(3))


def attribute_bands(table: AttributeTable) -> list[Grouping]:
    """Items by each attribute: low (to 3), middle, high (from 7); unscored items in no band.

    A score that 40 % of the items have (0 where an attribute is mostly absent) is a band of its own, which
    the others leave out. Where one band would still hold nine tenths, there are thirds instead.
    """
    return [_bands(name, table.raw[:, place].astype(np.float64)) for place, name in enumerate(table.names)]


def _bands(name: str, raw: NDArray[np.float64]) -> Grouping:
    known = raw[~np.isnan(raw)]
    if not len(known):
        return Grouping(name, (), np.zeros((len(raw), 0), np.bool_))
    values, counts = np.unique(known, return_counts=True)
    most = int(np.argmax(counts))
    crowd = float(values[most]) if counts[most] >= CROWD * len(known) else None
    bands = {
        f"low, to {LOW:g}": raw <= LOW,
        "middle": (raw > LOW) & (raw < HIGH),
        f"high, from {HIGH:g}": raw >= HIGH,
    }
    if crowd is not None:
        bands = {
            f"{crowd:g}": raw == crowd,
            **{
                f"{key}, not {crowd:g}" if (inside & (raw == crowd)).any() else key: inside & (raw != crowd)
                for key, inside in bands.items()
            },
        }
    elif max(inside.sum() for inside in bands.values()) > _FULL * len(known):
        return by_quantiles(name, raw, 3, ("low", "middle", "high"))
    bands = {key: inside for key, inside in bands.items() if inside.any()}
    return Grouping(name, tuple(bands), np.stack(list(bands.values()), axis=1))
