"""Small sequence data with something to learn."""

from __future__ import annotations

import numpy as np
import pytest

from guided_store.catalogue import Sequences, Split, Targets


def make_sequences(users: int = 120, items: int = 30, seed: int = 0) -> Sequences:
    """Walks around a ring: item c is mostly followed by c + 1."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 18, users)
    rows = []
    for length in lengths:
        steps = np.where(rng.random(length) < 0.85, 1, rng.integers(2, items, length))
        rows.append((rng.integers(items) + np.cumsum(steps)) % items)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Sequences(
        tuple(f"u{number}" for number in range(users)),
        tuple(f"i{number:02d}" for number in range(items)),
        indptr,
        np.concatenate(rows).astype(np.int32),
    )


def make_split(sequences: Sequences) -> Split:
    """Leave-one-out by hand."""
    users = np.arange(sequences.n_users)
    ends = sequences.lengths
    return Split("leave-one-out", sequences, ends - 2, Targets(users, ends - 2), Targets(users, ends - 1))


@pytest.fixture(scope="session")
def split() -> Split:
    return make_split(make_sequences())
