"""Attribute drift: how far two scorings of the same items differ, attribute by attribute and item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import REPLICATES, Estimate, Interval, bootstrap_means
from guided_store.geometry._means import mean_known
from guided_store.geometry._named import NamedItem, named, number
from guided_store.geometry._shape import pearson, spearman
from guided_store.scoring import AttributeTable, icc_a1

POINTS = 2.0
"""A difference on the scale of 0 to 10 from which on an item counts as moved."""


@dataclass(frozen=True)
class AttributeDrift:
    """One attribute in two scorings, over the items that both scored; None where a figure is undefined.

    Attributes:
        attribute: its name; items: how many both scored.
        before, after: mean score in `a`, and in `b`.
        shift, interval: mean of `after - before`, and its interval over resampled items.
        difference: mean absolute difference.
        pearson, spearman: correlation of scores, and of ranks.
        icc: ICC(A,1), agreement in absolute terms, see `icc_a1`; a shift lowers it, and not the correlations.
        moved: share of the items that differ by `points` or more.
        distance: Wasserstein distance of the two distributions of scores, whichever item has which: the mean
            difference of the sorted scores.
    """

    attribute: str
    items: int
    before: float | None
    after: float | None
    shift: float | None
    interval: Interval | None
    difference: float | None
    pearson: float | None
    spearman: float | None
    icc: float | None
    moved: float | None
    distance: float | None


@dataclass(frozen=True)
class ItemDrift:
    """One item whose scores moved.

    Attributes:
        item: which.
        difference: mean absolute difference over the attributes scored in both.
        attribute: the one that moved most; before, after: its scores.
    """

    item: NamedItem
    difference: float
    attribute: str
    before: float
    after: float


@dataclass(frozen=True)
class Drift:
    """What `drift` found.

    Attributes:
        before, after: the two sources, as "guided/NAME".
        items: items with at least one attribute scored in both.
        points: from what difference on an item counts as moved.
        attributes: one per attribute of both, the one that differs most first.
        difference, moved, pearson: means over the attributes where these are defined.
        changed: the items whose scores moved most, most first.
        notes: what could not be compared.
    """

    before: str
    after: str
    items: int
    points: float
    attributes: tuple[AttributeDrift, ...]
    difference: float | None
    moved: float | None
    pearson: float | None
    changed: tuple[ItemDrift, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self)


def drift(
    a: AttributeTable,
    b: AttributeTable,
    *,
    item_ids: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
    points: float = POINTS,
    changed: int = 10,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Drift:
    """How the raw scores of `b` differ from those of `a`.

    Attributes are matched by name. Agreement among more than two scorings, and of scorings that no guided
    version was built of, is `scoring.agreement`.

    Args:
        a, b: tables of the same items in the same order (`load_attributes` with the same ids).
        item_ids: of their rows; None names no items.
        titles: by item id.
        points: see `Drift`.
        changed: how many items to name.
        replicates, seed: of the bootstrap over items.

    Raises:
        UsageError: tables of different items, no attribute or no scored item in common, `points` or `changed`
            below 0, or ids that do not fit.
    """
    if len(a.raw) != len(b.raw) or (item_ids is not None and len(item_ids) != len(a.raw)):
        raise UsageError("drift compares scores of the same items: load both tables for one list of ids")
    if points <= 0 or changed < 0:
        raise UsageError(
            f"an item moves by more than 0 points, not {points:g}, and 0 or more items are named"
        )
    names = [name for name in a.names if name in b.names]
    if not names:
        raise UsageError(
            f"{a.source} and {b.source} have no attribute in common, so nothing can have drifted"
        )
    before, after = (
        table.raw[:, [table.names.index(name) for name in names]].astype(np.float64) for table in (a, b)
    )
    apart = after - before  # (V, A), NaN where one side has no score
    scored = ~np.isnan(apart).all(axis=1)
    if not scored.any():
        raise UsageError(f"{a.source} and {b.source} scored no item in common, so nothing can have drifted")
    shifts = bootstrap_means(np.arange(int(scored.sum())), apart[scored], replicates=replicates, seed=seed)
    rows = [
        _attribute(name, before[:, at], after[:, at], shifts[at], points) for at, name in enumerate(names)
    ]
    rows.sort(key=lambda row: -(row.difference or 0.0))
    return Drift(
        before=str(a.source),
        after=str(b.source),
        items=int(scored.sum()),
        points=points,
        attributes=tuple(rows),
        difference=_overall([row.difference for row in rows]),
        moved=_overall([row.moved for row in rows]),
        pearson=_overall([row.pearson for row in rows]),
        changed=() if item_ids is None else _changed(names, before, after, item_ids, titles, changed),
        notes=_notes(a, b),
    )


def _attribute(
    name: str,
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    shift: Estimate,
    points: float,
) -> AttributeDrift:
    both = ~(np.isnan(before) | np.isnan(after))
    x, y = before[both], after[both]
    if not len(x):
        return AttributeDrift(name, 0, *[None] * 10)
    apart = np.abs(y - x)
    return AttributeDrift(
        attribute=name,
        items=len(x),
        before=float(x.mean()),
        after=float(y.mean()),
        shift=shift.value,
        interval=shift.interval,
        difference=float(apart.mean()),
        pearson=number(pearson(x, y)),
        spearman=number(spearman(x, y)),
        icc=number(icc_a1(np.stack([x, y], axis=1))),
        # Float32 scores two points apart may differ by a hair less than two.
        moved=float((apart >= points - 1e-6).mean()),
        distance=float(np.abs(np.sort(y) - np.sort(x)).mean()),
    )


def _changed(
    names: Sequence[str],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    item_ids: Sequence[str],
    titles: Mapping[str, str] | None,
    most: int,
) -> tuple[ItemDrift, ...]:
    apart = np.abs(after - before)
    known = ~np.isnan(apart)
    filled = np.where(known, apart, 0)
    mean = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    found = []
    for row in np.argsort(-mean, kind="stable")[:most].tolist():
        if mean[row] > 0:
            column = int(filled[row].argmax())
            (item,) = named([item_ids[row]], titles)
            values = float(before[row, column]), float(after[row, column])
            found.append(ItemDrift(item, float(mean[row]), names[column], *values))
    return tuple(found)


def _overall(values: Sequence[float | None]) -> float | None:
    known = np.array([np.nan if value is None else value for value in values])
    return number(float(mean_known(known)))


def _notes(a: AttributeTable, b: AttributeTable) -> tuple[str, ...]:
    """Attributes that one side lacks."""
    pairs = ((a, b), (b, a))
    return tuple(
        f"only {one.source} has {', '.join(alone)}"
        for one, other in pairs
        if (alone := [name for name in one.names if name not in other.names])
    )
