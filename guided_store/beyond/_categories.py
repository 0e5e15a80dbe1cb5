"""Items in categories, such as genres, and how far a list's mix of them is from the history's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store.beyond._catalogue import Lists
from guided_store.catalogue import load_items
from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.store import Store

COLUMNS = ("genres", "genre", "categories", "category")
"""Columns of the items table that are taken for categories where none is named."""

SMOOTHING = 0.01
"""Part of the history's mix that is blended into the list's, so that the divergence is finite."""

_CELLS = 2_000_000
"""Cases times categories of one batch (16 MB an array)."""


Divergence = NDArray[np.float64]
"""Of each case, (C,)."""


@dataclass(frozen=True)
class Categories:
    """Which categories each item is in.

    Attributes:
        column: where they come from.
        names: of the G categories, sorted.
        indptr: int64 (V + 1,); item `i` is in `codes[indptr[i]:indptr[i + 1]]`, int32, each once.
    """

    column: str
    names: tuple[str, ...]
    indptr: NDArray[np.int64]
    codes: NDArray[np.int32]


def make_categories(column: str, values: Sequence[str | Sequence[str | None] | None]) -> Categories:
    """Categories of each item: a text with several parted by `|`, or a list of names; None and "" are none.

    Raises:
        UsageError: no item is in any.
    """
    parts = [sorted(_names(value)) for value in values]
    names = sorted({name for found in parts for name in found})
    if not names:
        raise UsageError(f"the items' column {column!r} is empty: no item is in any category")
    code = {name: number for number, name in enumerate(names)}
    lengths = np.fromiter(map(len, parts), np.int64, len(parts))
    codes = np.fromiter((code[name] for found in parts for name in found), np.int32, int(lengths.sum()))
    return Categories(column, tuple(names), np.concatenate([[0], np.cumsum(lengths)]), codes)


def load_categories(store: Store, item_ids: Sequence[str], column: str | None = None) -> Categories | None:
    """The categories of items by a column of the items table, row by row of `item_ids`.

    Args:
        store: an open store.
        item_ids: of the split's vocabulary.
        column: its name; by default the first of `COLUMNS` that has categories, and None without one.

    Raises:
        UsageError: the column named is not there, is not of texts or lists of texts, or is empty.
    """
    items = load_items(store)
    table = items.columns
    asked = column is not None
    if column is None:
        there = (name for name in COLUMNS if name in table.column_names)
        column = next((name for name in there if _is_text(table.schema.field(name).type)), None)
        if column is None:
            return None
    elif column not in table.column_names:
        raise UsageError(f"the items have no column {column!r}; there are: {', '.join(table.column_names)}")
    elif not _is_text(table.schema.field(column).type):
        raise UsageError(f"the items' column {column!r} is not of texts, so it has no categories")
    known = dict(zip(items.ids, table.column(column).to_pylist(), strict=True))
    values = [known.get(item) for item in item_ids]
    return make_categories(column, values) if asked or any(map(_names, values)) else None


def _names(value: str | Sequence[str | None] | None) -> set[str]:
    parts = value.split("|") if isinstance(value, str) else value or ()
    return {part.strip() for part in parts if part and part.strip()}


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def category_divergence(cases: Cases, lists: Sequence[Lists], categories: Categories) -> list[Divergence]:
    """Kullback-Leibler divergence of each list's mix of categories from the history's, in nats.

    `KL(p || q') = sum_g p(g) log(p(g) / q'(g))`, `q' = (1 - a) q + a p`, a = 0.01. `p` and `q` are the means
    of `p(g | item)` over the history's events and over the list; an item spreads evenly over its categories,
    an item of none is left out. 0 where the mixes agree, at most log(1 / a) = 4.6. NaN where the history or
    the list has no item with a category. Source: Steck, "Calibrated recommendations" (RecSys 2018),
    equations 2 to 7 with equal weights.

    Args:
        cases: whose histories.
        lists: of several models, each (C, k): histories are gone through once for all.
        categories: of the items of the split's vocabulary.

    Returns:
        for each of `lists`, float64 (C,).
    """
    found = [np.empty(len(cases)) for _ in lists]
    width = len(categories.names)
    mean = float(cases.history_lengths.mean())
    step = max(1, int(min(_CELLS // width, 2 * _CELLS // max(1.0, mean))))
    for start in range(0, len(cases), step):
        rows = slice(start, min(start + step, len(cases)))
        size = rows.stop - rows.start
        own = _mix(*cases.histories(rows), size, categories)
        for one, divergence in zip(lists, found, strict=True):
            case, place = np.nonzero(one[rows] >= 0)
            listed = _mix(case, one[rows][case, place], size, categories)
            blended = (1 - SMOOTHING) * listed + SMOOTHING * own
            ratio = np.divide(own, blended, out=np.ones_like(own), where=own > 0)
            # Equal mixes may differ in their last bits.
            divergence[rows] = np.maximum((own * np.log(ratio)).sum(axis=1), 0)
    return found


def _mix(
    case: NDArray[np.int64], item: NDArray[np.int32], size: int, categories: Categories
) -> NDArray[np.float64]:
    """Mean of `p(g | item)` over the items of each case that have a category, (size, G); NaN without any."""
    lengths = np.diff(categories.indptr)
    case, item = case[lengths[item] > 0], item[lengths[item] > 0]
    each = lengths[item]
    offset = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    codes = categories.codes[np.repeat(categories.indptr[item], each) + offset]
    width = len(categories.names)
    weights = np.repeat(1 / each, each)
    sums = np.bincount(np.repeat(case, each) * width + codes, weights=weights, minlength=size * width)
    count = np.bincount(case, minlength=size)[:, None]
    found = np.full((size, width), np.nan)
    np.divide(sums.reshape(size, width), count, out=found, where=count > 0)
    return found
