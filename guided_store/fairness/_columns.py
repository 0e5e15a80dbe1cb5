"""Columns of the store's tables as groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from guided_store.catalogue import load_items
from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.fairness._groups import OTHER, Grouping, make_grouping
from guided_store.store import Store

_SEPARATOR = "|"
"""What parts genres and categories in item files, as MovieLens has it."""

_TEXTS = ("item_id", "title", "text")
_TELLING = 0.5
"""A column that was not asked for is used if its named groups hold so many of the rows that have a value."""


def user_columns(store: Store, cases: Cases, columns: Sequence[str] | None = None) -> dict[str, Grouping]:
    """Groups of users from the columns of the `users` table.

    Args:
        store: an open store.
        cases: whose users; the groups have their rows.
        columns: which, each by name, or with the beginnings of bands: "age:25:45". By default every column
            that divides the users: at least two groups, and at most half of the users outside the 25 largest
            (so no postal codes).

    Returns:
        name -> groups over `cases.sequences.user_ids`; empty where nothing was asked for and there is no
        table.

    Raises:
        UsageError: a column that is not there, or no `users` table where columns were asked for.
    """
    if not store.has_table("users"):
        if columns:
            raise UsageError(
                f"the store has no users table to take {columns[0]!r} from; add one with "
                "`guided-store ingest users FILE`"
            )
        return {}
    table = store.read("users")
    return _columns(table, "user_id", cases.sequences.user_ids, columns, "users", None)


def item_columns(store: Store, cases: Cases, columns: Sequence[str] | None = None) -> dict[str, Grouping]:
    """Groups of items from the columns of the `items` table, as `user_columns`.

    A cell such as "Comedy|Drama", or a list, counts in each of its groups. Titles, texts and identifiers are
    never taken unasked.
    """
    table = load_items(store).columns
    return _columns(table, "item_id", cases.sequences.item_ids, columns, "items", _SEPARATOR)


def _columns(
    table: pa.Table,
    key: str,
    ids: Sequence[str],
    columns: Sequence[str] | None,
    what: str,
    separator: str | None,
) -> dict[str, Grouping]:
    at = {name: row for row, name in enumerate(table.column(key).to_pylist())}
    rows = pa.array([at.get(name) for name in ids], pa.int64())
    usable = [name for name in table.column_names if name not in _TEXTS and name != key]
    found: dict[str, Grouping] = {}
    for wanted in usable if columns is None else columns:
        name, *numbers = wanted.split(":")
        if name not in table.column_names or name == key:
            there = ", ".join(usable) or "none"
            raise UsageError(f"the {what} have no column {name!r}; there are: {there}")
        edges = [_edge(wanted, number) for number in numbers] or None
        made = _grouping(name, table.column(name).take(rows), edges, separator)
        if columns is not None or _divides(made):
            found[name] = made
    return found


def _grouping(
    name: str, column: pa.ChunkedArray, edges: Sequence[float] | None, separator: str | None
) -> Grouping:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return make_grouping(name, np.asarray(numbers, np.float64), edges=edges)
    values = column.to_pylist()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        separator = separator or _SEPARATOR
        values = [None if value is None else separator.join(map(str, value)) for value in values]
    return make_grouping(name, values, edges=edges, separator=separator)


def _divides(grouping: Grouping) -> bool:
    """Whether groups say something of most rows: two or more, and few rows in what is left over."""
    known = int(grouping.member.any(axis=1).sum())
    named = [place for place, label in enumerate(grouping.labels) if label != OTHER]
    covered = int(grouping.member[:, named].any(axis=1).sum())
    return len(named) > 1 and covered > _TELLING * known


def _edge(wanted: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise UsageError(
            f"{wanted!r}: {number!r} is no number; write a column with the beginnings of its bands as "
            "NAME:25:45"
        ) from None
