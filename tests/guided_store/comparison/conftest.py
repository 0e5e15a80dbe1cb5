"""Cases without a model: a small split, and judgements made of ranks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.evaluation import Cases, Judgement

ITEMS = 40


def build_cases(users: int, *, per_user: int = 1, seed: int = 0) -> Cases:
    """Users with histories of 3 to 12 items of falling popularity, and `per_user` test cases each."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, 13, users) + per_user
    chance = 1 / np.arange(1, ITEMS + 1)
    items = random.choice(ITEMS, lengths.sum(), p=chance / chance.sum())
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    sequences = Sequences(
        tuple(f"u{row}" for row in range(users)),
        tuple(f"i{code}" for code in range(ITEMS)),
        indptr,
        items.astype(np.int32),
    )
    ends = (lengths - per_user).astype(np.int64)
    rows = np.repeat(np.arange(users), per_user)
    at = ends[rows] + np.tile(np.arange(per_user), users)
    return Cases(Split("made", sequences, ends, Targets(rows[:0], ends[:0]), Targets(rows, at)))


def build_judgement(ranks: NDArray[np.float64], name: str = "made") -> Judgement:
    """A judgement of which only the ranks are looked at."""
    lists = np.full((len(ranks), 5), -1, np.int32)
    return Judgement(name, np.asarray(ranks, np.float64), lists, np.zeros(lists.shape, np.float32))


@pytest.fixture(scope="session")
def make_cases() -> Callable[..., Cases]:
    return build_cases


@pytest.fixture(scope="session")
def make_judgement() -> Callable[..., Judgement]:
    return build_judgement
