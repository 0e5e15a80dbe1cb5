"""Which way lists lean: the attributes of what is recommended against those of what users had before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Cases, Interval
from guided_store.fairness._exposure import history_means
from guided_store.fairness._resampling import Resampling, interval
from guided_store.scoring import AttributeTable


@dataclass(frozen=True)
class AttributeLean:
    """One attribute in the lists of one version, in points of the schema's scale (0 to 10).

    Attributes:
        attribute, version: which; cases: those with scored items in their history and in every list.
        lists, history, catalogue: mean raw score of the listed items (each case counting alike), of the
            cases' histories, and of all items.
        to_history: `lists - history`; `history_interval`: of it. `to_catalogue`: `lists - catalogue`;
            `catalogue_interval`: of it, the catalogue being what it is.
        change: `lists` minus the reference's, None for the reference; `change_interval`: paired.
    """

    attribute: str
    version: str
    cases: int
    lists: float
    history: float
    catalogue: float
    to_history: float
    history_interval: Interval | None
    to_catalogue: float
    catalogue_interval: Interval | None
    change: float | None = None
    change_interval: Interval | None = None


def list_means(lists: NDArray[np.int32], raw: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean raw scores of each list's scored items, float64 (C, A); NaN where it has none."""
    scored = np.concatenate([~np.isnan(raw), np.zeros((1, raw.shape[1]), np.bool_)])  # the row -1 finds
    values = np.where(scored, np.concatenate([raw, raw[:1]]), 0).astype(np.float64)
    total = np.zeros((len(lists), raw.shape[1]))
    count = np.zeros_like(total)
    for column in lists.T:
        total += values[column]
        count += scored[column]
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def attribute_lean(
    table: AttributeTable,
    lists: Mapping[str, Sequence[NDArray[np.int32]]],
    cases: Cases,
    resampling: Resampling,
) -> list[AttributeLean]:
    """How far the lists of every version lean, by attribute; the largest changes first.

    Args:
        table: raw scores over the vocabulary.
        lists: version -> one int32 (C, k) per seed, the reference first.
        cases: what was asked.
        resampling: how intervals are drawn.

    Returns:
        rows by attribute and version; attributes without any scored case are left out.
    """
    scored = ~np.isnan(table.raw)
    filled = np.where(scored, table.raw, 0).astype(np.float64)
    width = len(table.names)
    read = history_means(cases, np.concatenate([filled, scored], axis=1))
    with np.errstate(invalid="ignore"):
        history = np.where(read[:, width:] > 0, read[:, :width] / read[:, width:], np.nan)
    shown = [np.mean([list_means(run, table.raw) for run in runs], axis=0) for runs in lists.values()]
    blocks = np.stack([*shown, history])  # (L + 1, C, A)
    whole = ~np.isnan(blocks).any(axis=0)
    columns = np.concatenate([*np.where(whole, blocks, 0), whole.astype(np.float64)], axis=1)
    shape = (len(blocks) + 1, width)
    sums, draws = resampling.sums(columns)
    sums, draws = sums.reshape(shape), draws.reshape(-1, *shape)
    with np.errstate(invalid="ignore"):
        means, drawn = sums[:-1] / sums[-1], draws[:, :-1] / draws[:, -1:]
        catalogue = np.where(
            scored.any(axis=0), filled.sum(axis=0) / np.maximum(scored.sum(axis=0), 1), np.nan
        )
    history_ends = resampling.bounds(drawn - drawn[:, -1:])
    catalogue_ends = resampling.bounds(drawn - catalogue)
    change_ends = resampling.bounds(drawn - drawn[:, :1])
    rows = {
        name: [
            AttributeLean(
                attribute=name,
                version=version,
                cases=int(whole[:, place].sum()),
                lists=float(means[number, place]),
                history=float(means[-1, place]),
                catalogue=float(catalogue[place]),
                to_history=float(means[number, place] - means[-1, place]),
                history_interval=interval(history_ends, number, place),
                to_catalogue=float(means[number, place] - catalogue[place]),
                catalogue_interval=interval(catalogue_ends, number, place),
                change=float(means[number, place] - means[0, place]) if number else None,
                change_interval=interval(change_ends, number, place) if number else None,
            )
            for number, version in enumerate(lists)
        ]
        for place, name in enumerate(table.names)
        if whole[:, place].any()
    }
    order = sorted(rows, key=lambda name: -max(abs(_size(row)) for row in rows[name]))
    return [row for name in order for row in rows[name]]


def _size(row: AttributeLean) -> float:
    """What attributes are sorted by: the change, or the lean of the only version."""
    return row.to_history if row.change is None else 1e6 * row.change
