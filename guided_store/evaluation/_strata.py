"""Where a total comes from: cases by how popular the target is, and by how long the user's history is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError

HEAD_SHARE = 0.2
"""Share of the items that are the head, the usual 80/20 reading of a popularity curve."""

_NAMES = {1: ("head", "tail"), 2: ("head", "torso", "tail")}


@dataclass(frozen=True)
class Stratum:
    """Some of the cases, with their metrics.

    Attributes:
        name: of the stratum; cases: how many; share: of all cases.
        metrics: mean of each metric over these cases; None in place of a mean of no case.
    """

    name: str
    cases: int
    share: float
    metrics: dict[str, float | None]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return dict(vars(self))


def popularity_bounds(counts: NDArray[np.int64], shares: Sequence[float] = (HEAD_SHARE,)) -> tuple[int, ...]:
    """The least training counts that put an item into the head, and into the torso if two shares are given.

    Items with at least one training event are sorted by their count; the head begins at the count of the item
    at `share` of them (rounded up), so that items of equal count always fall together and the head may be a
    little larger than its share. Everything below the last bound is tail, items never seen in training too.

    Args:
        counts: training events of every item of the catalogue, int64 (V,).
        shares: one or two growing shares of the items, within (0, 1): `(0.2,)` for head and tail,
            `(0.2, 0.5)` for head, torso and tail.

    Returns:
        One bound per share, falling, each at least 1.

    Raises:
        UsageError: no item has an event, or the shares are not as said.
    """
    if len(shares) not in _NAMES or not all(
        0 < low < high for low, high in zip(shares, (*shares[1:], 1.0), strict=True)
    ):
        raise UsageError(f"shares of items must be one or two growing numbers within 0 and 1, not {shares}")
    seen = np.sort(counts[counts > 0])[::-1]
    if not len(seen):
        raise UsageError("no item has a training event, so there is no head and no tail")
    # Without the small allowance 0.2 * 15 would round up to 4.
    return tuple(int(seen[int(np.ceil(share * len(seen) - 1e-9)) - 1]) for share in shares)


def popularity_strata(
    target_counts: NDArray[np.int64], bounds: Sequence[int]
) -> dict[str, NDArray[np.bool_]]:
    """Cases by the training count of their target: name -> bool (C,), every case in exactly one.

    Args:
        target_counts: training events of each case's target item, int64 (C,).
        bounds: of `popularity_bounds`, on the same split.
    """
    if len(bounds) not in _NAMES:
        raise UsageError(f"there are one or two bounds of popularity, not {len(bounds)}")
    place = (target_counts[:, None] < np.asarray(bounds)).sum(axis=1)
    return {name: place == number for number, name in enumerate(_NAMES[len(bounds)])}


def length_strata(lengths: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Cases by the user's number of training events: "short" up to the median over cases, "long" above it.

    Where many users share the median, "short" holds more than half of the cases; the counts say so.

    Args:
        lengths: training events of each case's user, int64 (C,), at least one case.
    """
    if not len(lengths):
        raise UsageError("there is no case to divide by length of history")
    short = lengths <= np.median(lengths)
    return {"short": short, "long": ~short}


def per_stratum(
    values: Mapping[str, NDArray[np.float64]], strata: Mapping[str, NDArray[np.bool_]]
) -> dict[str, Stratum]:
    """Means of per-case values within each stratum.

    Args:
        values: metric -> float64 (C,), see `per_case` and `average_seeds`.
        strata: name -> bool (C,).

    Raises:
        UsageError: values and strata are of different cases.
    """
    found = {}
    for name, inside in strata.items():
        if any(len(column) != len(inside) for column in values.values()):
            raise UsageError(f"the stratum {name!r} is of {len(inside)} cases, the metrics are not")
        cases = int(inside.sum())
        metrics = {
            metric: float(column[inside].mean()) if cases else None for metric, column in values.items()
        }
        found[name] = Stratum(name, cases, cases / len(inside) if len(inside) else 0.0, metrics)
    return found
