"""Groups of users or of items: who is counted where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError

MOST = 25
"""Groups that a column is divided into at most; the smaller ones are counted together."""

FEW = 12
"""A column of numbers with at most so many different ones is taken as it is, not in bands."""

OTHER = "(other)"


@dataclass(frozen=True)
class Grouping:
    """One way to divide users or items.

    Attributes:
        name: of the column or the property.
        labels: names of the G groups.
        member: bool (n, G). A row without any True has no known group; one with several (a film of three
            genres) is counted in each.
    """

    name: str
    labels: tuple[str, ...]
    member: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.member.ndim != 2 or self.member.shape[1] != len(self.labels):
            raise UsageError(
                f"the groups of {self.name!r} are {len(self.labels)} names and an array {self.member.shape}"
            )

    def of(self, rows: NDArray[np.integer]) -> Grouping:
        """The same groups of other rows: of cases by their users, of targets by their items."""
        return Grouping(self.name, self.labels, self.member[rows])


Labels: TypeAlias = "Grouping | Sequence[str | None] | NDArray[np.generic]"
"""Groups of all rows: made ones, a label for each row (None: not known), or numbers, which are banded."""


def make_grouping(
    name: str, values: Labels, *, edges: Sequence[float] | None = None, separator: str | None = None
) -> Grouping:
    """Divide rows by a label or a number of each.

    Args:
        name: of the grouping.
        values: labels, None where a row has none; or an array of numbers, NaN where it has none.
        edges: where bands of numbers begin, growing: `(25, 45)` makes "below 25", "25 to below 45" and "45
            and more". Without any, up to 12 different numbers are groups of their own, and more of them are
            divided into quarters of the rows.
        separator: what parts several labels of one row ("Comedy|Drama"); None leaves labels whole.

    Raises:
        UsageError: edges that do not grow, or edges for what is no number.
    """
    if isinstance(values, Grouping):
        return values
    array = np.asarray(values)
    if edges is not None:
        return _by_edges(name, _as_numbers(name, values), edges)
    if array.dtype.kind in "iuf":
        numbers = array.astype(np.float64)
        different = np.unique(numbers[~np.isnan(numbers)])
        if len(different) > FEW:
            return by_quantiles(name, numbers, 4)
        labels = tuple(f"{value:g}" for value in different)
        return Grouping(name, labels, numbers[:, None] == different)
    return _by_labels(name, [None if value is None else str(value) for value in values], separator)


def by_quantiles(
    name: str, values: NDArray[np.float64], parts: int, names: Sequence[str] | None = None
) -> Grouping:
    """Bands of about equally many rows, each named by its least and largest value.

    Rows of one value are never parted, so that fewer and unequal bands come out where many share one.

    Args:
        name: of the grouping.
        values: float64 (n,), NaN where not known.
        parts: how many bands.
        names: words before the values, one per band; left out where fewer bands come out.
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return Grouping(name, (), np.zeros((len(values), 0), np.bool_))
    cuts = np.unique(np.quantile(known, np.arange(1, parts) / parts))
    place = np.searchsorted(cuts, values, side="left")  # the value of a cut belongs below it
    place[np.isnan(values)] = -1
    used = [number for number in range(len(cuts) + 1) if (place == number).any()]
    words = names if names is not None and len(used) == parts else None
    labels = []
    for order, number in enumerate(used):
        inside = values[place == number]
        low, high = _number(inside.min()), _number(inside.max())
        span = low if low == high else f"{low} to {high}"
        labels.append(f"{words[order]}, {span}" if words else span)
    if len(set(labels)) < len(labels):  # neighbours that look alike once rounded
        labels = [f"{label} ({order})" for order, label in enumerate(labels, start=1)]
    return Grouping(name, tuple(labels), place[:, None] == np.array(used))


def _by_edges(name: str, values: NDArray[np.float64], edges: Sequence[float]) -> Grouping:
    bounds = np.asarray(edges, np.float64)
    if not len(bounds) or not (np.diff(bounds) > 0).all() or not np.isfinite(bounds).all():
        raise UsageError(f"the bands of {name!r} must begin at growing numbers, not {list(edges)}")
    place = np.searchsorted(bounds, values, side="right")
    place[np.isnan(values)] = -1
    shown = [_number(bound) for bound in bounds]
    between = [f"{low} to below {high}" for low, high in pairwise(shown)]
    labels = (f"below {shown[0]}", *between, f"{shown[-1]} and more")
    return Grouping(name, labels, place[:, None] == np.arange(len(labels)))


def _as_numbers(name: str, values: Sequence[str | None] | NDArray[np.generic]) -> NDArray[np.float64]:
    try:
        return np.array([np.nan if value is None else float(str(value)) for value in values])
    except ValueError as error:
        raise UsageError(f"{name!r} holds other things than numbers, so it has no bands: {error}") from None


def _by_labels(name: str, values: Sequence[str | None], separator: str | None) -> Grouping:
    pairs = [
        (row, label.strip())
        for row, value in enumerate(values)
        if value is not None
        for label in (value.split(separator) if separator else (value,))
    ]
    rows = np.array([row for row, label in pairs if label], np.int64)
    labels, code, counts = np.unique(
        np.array([label for _, label in pairs if label], object).astype(str),
        return_inverse=True,
        return_counts=True,
    )
    kept = np.arange(len(labels))
    if len(labels) > MOST:
        kept = np.sort(np.argsort(-counts, kind="stable")[: MOST - 1])
    order = sorted(kept.tolist(), key=lambda place: _reading_order(str(labels[place])))
    column = np.full(len(labels), len(order), np.int64)
    column[order] = np.arange(len(order))
    member = np.zeros((len(values), len(order) + (len(kept) < len(labels))), np.bool_)
    member[rows, column[code]] = True
    names = [str(labels[place]) for place in order]
    return Grouping(name, (*names, OTHER)[: member.shape[1]], member)


def _reading_order(label: str) -> tuple[int, float, str]:
    """Numbers by value, then words by the alphabet."""
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label.casefold()


def _number(value: float) -> str:
    """A number as a label: whole ones whole, others to three digits."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"
