"""Small splits to evaluate on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from guided_store.catalogue import Sequences, Split, Targets

SplitMaker = Callable[..., Split]


def build_split(
    histories: Sequence[Sequence[int]],
    n_items: int,
    times: Sequence[Sequence[int]] | None = None,
    kind: str = "leave-one-out",
    notes: tuple[str, ...] = (),
) -> Split:
    """Leave-one-out by hand: last event of 3 or more tests, the one before validates, the rest trains."""
    lengths = np.array([len(history) for history in histories], np.int64)
    sequences = Sequences(
        user_ids=tuple(f"u{row}" for row in range(len(histories))),
        item_ids=tuple(f"i{code}" for code in range(n_items)),
        indptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=np.array([item for history in histories for item in history], np.int32),
        times=None if times is None else np.array([t for row in times for t in row], np.int64),
    )
    users = np.flatnonzero(lengths >= 3)
    train_ends = np.where(lengths >= 3, lengths - 2, lengths)
    validation = Targets(users, lengths[users] - 2)
    test = Targets(users, lengths[users] - 1)
    return Split(kind, sequences, train_ends, validation, test, {"min_history": 1}, notes)


@pytest.fixture(scope="session")
def make_split() -> SplitMaker:
    return build_split


@pytest.fixture(scope="session")
def chains() -> Split:
    """200 users who walk rings of 6 items among 60: the latest item tells what follows."""
    random = np.random.default_rng(5)
    histories, times = [], []
    for user in range(200):
        ring = 6 * int(random.integers(10))
        start = int(random.integers(6))
        history = [ring + (start + step) % 6 for step in range(5)]
        histories.append([int(random.integers(60)), *history] if user % 3 == 0 else history)
        times.append([user * 1000 + 100 * step for step in range(len(histories[-1]))])
    return build_split(histories, 60, times)
