"""Histories of a batch of cases as flat arrays: what masking and the baselines work on."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import UsageError

Rows: TypeAlias = "slice | NDArray[np.int64]"
"""Which cases of a `Targets`: a slice, or case numbers int64 (m,)."""


def part_of(split: Split, part: str) -> Targets:
    """The cases of one part of a split; UsageError for an unknown part or one without cases."""
    if part not in ("test", "validation"):
        raise UsageError(f"unknown part {part!r} of a split: it is 'test' or 'validation'")
    targets = split.test if part == "test" else split.validation
    if not len(targets):
        raise UsageError(f"the {split.kind} split has no {part} cases to evaluate")
    return targets


def flatten_histories(
    sequences: Sequences, targets: Targets, rows: Rows, longest: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Histories of `rows` end to end.

    Args:
        longest: keep only this many latest events of each case.

    Returns:
        case: int64 (n,), place of the case within the batch, ascending.
        item: int32 (n,), item codes, oldest first within a case.
        age: int64 (n,), 0 for the latest event of a case, 1 for the one before, and so on.
    """
    users, ends = targets.users[rows], targets.ends[rows]
    lengths = ends if longest is None else np.minimum(ends, longest)
    stops = np.cumsum(lengths)
    total = int(stops[-1]) if len(stops) else 0
    case = np.repeat(np.arange(len(users)), lengths)
    age = np.repeat(stops, lengths) - 1 - np.arange(total)
    position = np.repeat(sequences.indptr[users] + ends, lengths) - 1 - age
    return case, sequences.items[position], age


def decayed_histories(
    sequences: Sequences, targets: Targets, rows: Rows, half_life: float
) -> sparse.csr_array[np.float32]:
    """Histories as sparse rows float32 (m, n_items) of weights `2 ** (-age / half_life)`.

    `half_life` is counted in events; inf weighs all alike. Events below a weight of 0.001 are left out. A
    repeated item's weights add up.
    """
    longest = None if np.isinf(half_life) else int(np.ceil(10 * half_life))
    case, item, age = flatten_histories(sequences, targets, rows, longest)
    weight = np.exp2(-age / half_life).astype(np.float32)
    shape = (len(targets.users[rows]), sequences.n_items)
    return sparse.csr_array(sparse.coo_array((weight, (case, item)), shape=shape))


def binary_matrix(sequences: Sequences, longest: int) -> sparse.csr_array[np.float32]:
    """Users by items, float32 (U, V), 1 where one of the user's `longest` latest events is the item."""
    everyone = Targets(np.arange(sequences.n_users), sequences.lengths)
    case, item, _ = flatten_histories(sequences, everyone, slice(None), longest)
    shape = (sequences.n_users, sequences.n_items)
    matrix = sparse.csr_array(sparse.coo_array((np.ones(len(item), np.float32), (case, item)), shape=shape))
    matrix.data[:] = 1.0
    return matrix
