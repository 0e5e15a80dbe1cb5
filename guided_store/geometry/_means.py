"""Means over pairs of runs, undefined values left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

One = TypeVar("One")
Values = NDArray[np.float64]


def between(a: Sequence[One], b: Sequence[One], measure: Callable[[One, One], Values | float]) -> Values:
    """Mean of `measure` over the pairs of a run of `a` and a run of `b`; undefined values (NaN) left out."""
    return mean_known([measure(x, y) for x, y in product(a, b)])


def within(sides: Sequence[Sequence[One]], measure: Callable[[One, One], Values | float]) -> Values | None:
    """The same over the pairs of runs of one side, mean over the sides that have several; None without."""
    found = [mean_known([measure(x, y) for x, y in combinations(side, 2)]) for side in sides if len(side) > 1]
    return mean_known(found) if found else None


def mean_known(values: Sequence[Values | float] | Values) -> Values:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    stacked = np.asarray(values, np.float64)
    known = ~np.isnan(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0).sum(axis=0)
    mean: Values = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
