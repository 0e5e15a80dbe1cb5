"""Scoring of recommendation lists from another system, on the same cases as everything else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import DataError
from guided_store.evaluation._evaluation import Row, make_row
from guided_store.evaluation._histories import flatten_histories, part_of
from guided_store.evaluation._lists import Lists, read_lists
from guided_store.evaluation._metrics import KS
from guided_store.evaluation._ranking import Part, Repeats, repeated_targets


def evaluate_recs(
    path: str | Path,
    split: Split,
    part: Part = "test",
    ks: Sequence[int] = KS,
    repeats: Repeats = "exclude",
    *,
    name: str | None = None,
) -> Row:
    """Score lists of another system as one more row of an evaluation.

    The file has `user_id`, `item_id`, and `rank` or `score` (`read_lists`). A target's rank is its place in
    the user's list as the user would see it: items that the split does not know, or that the history holds,
    keep their place and are counted in `parameters`. Equal scores go by item code, as in `target_ranks`. A
    user without a list, or whose list lacks the target, is missed (rank `inf`). With `repeats="exclude"` a
    target that stands in the history is missed too, as it is for every other row.

    Lists end, so the MRR is truncated to their depth; a note says to which.

    Args:
        name: of the row; the file's name without ending by default.

    Returns:
        A `Row` whose `parameters` hold: depth (the longest list), users_with_list, users_missing (of the
        cases), users_not_evaluated (in the file, not in this part), unknown_items, in_history (entries).

    Raises:
        DataError: as `read_lists`; an item twice, or a rank twice, for one user; no user or no item of the
            file known to the split.
        UsageError: the split has no such part.
    """
    started = time.perf_counter()
    targets = part_of(split, part)
    sequences = split.sequences
    lists = read_lists(Path(path))
    users, items = _codes(lists, sequences)
    _refuse_duplicates(lists)
    places = lists.values if lists.ranked else _places(users, items, lists)
    depth = int(places.max())

    # Known entries by one sorted key, looked up by the key of each case.
    known = (users >= 0) & (items >= 0)
    key = users[known] * sequences.n_items + items[known]
    order = np.argsort(key)
    key, place = key[order], places[known][order]
    ranks = _look_up(key, place, targets.users * sequences.n_items + targets.items(sequences))
    notes: tuple[str, ...] = (f"MRR is truncated to the lists' depth of {depth}",)
    if depth < max(ks):
        notes = (*notes, f"Recall and NDCG beyond {depth} are those at {depth}, where the lists end")
    if np.isinf(ranks).all():
        notes = (
            *notes,
            "no list holds the target of its user: lists made from whole histories leave out the very events "
            "that are judged here; make them from the histories of this split",
        )
    if repeats == "exclude":
        ranks[repeated_targets(split, part)] = np.inf

    listed = np.zeros(sequences.n_users, np.bool_)
    listed[users[users >= 0]] = True
    evaluated = np.zeros(sequences.n_users, np.bool_)
    evaluated[targets.users] = True
    file_users = pc.count_distinct(lists.users).as_py()
    facts: dict[str, object] = {
        "depth": depth,
        "users_with_list": int((listed & evaluated).sum()),
        "users_missing": int((evaluated & ~listed).sum()),
        "users_not_evaluated": file_users - int((listed & evaluated).sum()),
        "unknown_items": int((items < 0).sum()),
        "in_history": _in_history(sequences, targets, key),
    }
    return make_row(
        name or Path(path).stem,
        ranks,
        targets.users,
        ks,
        seconds=time.perf_counter() - started,
        parameters=facts,
        notes=notes,
    )


def _codes(lists: Lists, sequences: Sequences) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """User row and item code of each entry, -1 where the split does not know it."""
    found = []
    for column, ids, what in (
        (lists.users, sequences.user_ids, "user"),
        (lists.items, sequences.item_ids, "item"),
    ):
        index = pc.index_in(column, value_set=pa.array(ids, pa.large_string()))
        codes = np.asarray(pc.fill_null(index, -1)).astype(np.int64)
        if (codes < 0).all():
            raise DataError(
                f"{lists.path}: none of its {what}s is in the store, for example {column[0].as_py()!r} "
                f"(the store has {what}s like {ids[0]!r})"
            )
        found.append(codes)
    return found[0], found[1]


def _refuse_duplicates(lists: Lists) -> None:
    """DataError for an item, or a rank, that one user has twice; unknown ids count like any."""
    user = np.asarray(lists.users.combine_chunks().dictionary_encode().indices).astype(np.int64)
    item = np.asarray(lists.items.combine_chunks().dictionary_encode().indices).astype(np.int64)
    lists.refuse(
        _seen_before(user, item),
        lambda entry: f"user {lists.users[entry].as_py()!r} has item {lists.items[entry].as_py()!r} twice",
    )
    if lists.ranked:
        lists.refuse(
            _seen_before(user, lists.values.astype(np.int64)),
            lambda entry: f"user {lists.users[entry].as_py()!r} has rank {lists.values[entry]:g} twice",
        )


def _seen_before(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Entries whose pair stood at an earlier entry already, bool (N,)."""
    order = np.lexsort((second, first))  # stable, so equal pairs stay in file order
    same = (np.diff(first[order]) == 0) & (np.diff(second[order]) == 0)
    repeated = np.zeros(len(first), np.bool_)
    repeated[order[1:][same]] = True
    return repeated


def _places(users: NDArray[np.int64], items: NDArray[np.int64], lists: Lists) -> NDArray[np.float64]:
    """1-based place of each entry in its user's list by (-score, item code), unknown items first in ties.

    Entries of unknown users are placed among themselves; nobody asks for them.
    """
    order = np.lexsort((items, -lists.values, users))
    owner = users[order]
    begins = np.flatnonzero(np.diff(owner, prepend=owner[0] - 1))
    sizes = np.diff(begins, append=len(owner))
    places = np.empty(len(owner), np.float64)
    places[order] = np.arange(len(owner)) - np.repeat(begins, sizes) + 1
    return places


def _look_up(
    key: NDArray[np.int64], place: NDArray[np.float64], wanted: NDArray[np.int64]
) -> NDArray[np.float64]:
    """`place` of each wanted key, inf where it is not among the sorted `key`."""
    if not len(key):
        return np.full(len(wanted), np.inf)
    at = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where(key[at] == wanted, place[at], np.inf)


def _in_history(sequences: Sequences, targets: Targets, key: NDArray[np.int64]) -> int:
    """How many listed (user, item) pairs stand in the history of one of the user's cases."""
    case, item, _ = flatten_histories(sequences, targets, slice(None))
    seen = np.unique(targets.users[case] * sequences.n_items + item)
    return int(np.isin(key, seen, assume_unique=True).sum())
