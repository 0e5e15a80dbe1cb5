"""Small splits, and judgements made from lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.evaluation import Cases, Judgement, Repeats
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref

CasesMaker = Callable[..., Cases]
JudgementMaker = Callable[..., Judgement]


def build_cases(
    histories: Sequence[Sequence[int]], n_items: int, tests: int = 1, repeats: Repeats = "exclude"
) -> Cases:
    """The last `tests` events of each user are cases of the test part, everything before trains."""
    lengths = np.array([len(history) for history in histories], np.int64)
    sequences = Sequences(
        tuple(f"u{row}" for row in range(len(histories))),
        tuple(f"i{code}" for code in range(n_items)),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.array([item for history in histories for item in history], np.int32),
    )
    users = np.repeat(np.arange(len(histories)), tests)
    ends = (lengths[:, None] - tests + np.arange(tests)).ravel()
    none = Targets(users[:0], ends[:0])
    split = Split("leave-one-out", sequences, lengths - tests, none, Targets(users, ends))
    return Cases(split, "test", repeats)


def build_judgement(lists: Sequence[Sequence[int]], name: str = "model") -> Judgement:
    """Lists of a model; what else a judgement has does not matter here."""
    items = np.array(lists, np.int32)
    return Judgement(name, np.ones(len(items)), items, np.zeros(items.shape, np.float32))


def build_table(raw: Sequence[Sequence[float]]) -> AttributeTable:
    values = np.array(raw, np.float32)
    names = tuple(f"a{column}" for column in range(values.shape[1]))
    return AttributeTable(parse_ref("guided/scores"), names, values)


@pytest.fixture(scope="session")
def make_cases() -> CasesMaker:
    return build_cases


@pytest.fixture(scope="session")
def make_judgement() -> JudgementMaker:
    return build_judgement


@pytest.fixture(scope="session")
def make_table() -> Callable[[Sequence[Sequence[float]]], AttributeTable]:
    return build_table
