"""Recommendation lists of versions and seeds against each other."""

from __future__ import annotations

import json

import numpy as np
import pytest
from judged_by_hand import build_cases, judgement

from guided_store.catalogue import Targets
from guided_store.errors import UsageError
from guided_store.evaluation import Cases, Judgement
from guided_store.geometry import list_overlap

ITEMS, USERS, WIDTH = 60, 200, 20


@pytest.fixture(scope="module")
def cases() -> Cases:
    return build_cases([[user % ITEMS, *range(3 + user % 4)] for user in range(USERS)], ITEMS)


def ranked(scores: np.ndarray) -> Judgement:
    return judgement(np.ones(len(scores)), np.argsort(-scores, axis=1)[:, :WIDTH])


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(USERS, ITEMS))


def test_two_users_by_hand() -> None:
    cases = build_cases([[0, 1, 2], [0, 1, 2, 3]], 9)
    a, b = judgement([1, 1], [[1, 2, 3], [4, 5, 6]]), judgement([1, 1], [[1, 2, 3], [6, 7, 4]])
    found = list_overlap({"A": [a], "B": [b]}, cases, 3, persistence=0.5)
    (pair,) = found.pairs
    # The second user shares 0, 0, 2: (1 - p)/p (2/3 p^3) + 2/3 p^3 = 1/6 with p = 1/2.
    assert pair.rbo == pytest.approx((1 + 1 / 6) / 2)
    assert pair.overlap == pytest.approx((1 + 2 / 3) / 2)
    assert pair.order == pytest.approx((1 - 1) / 2)
    assert (pair.ordered, pair.models, pair.seeds, pair.beyond) == (1, 1, None, None)
    (user,) = found.changed
    assert (user.user_id, user.events, user.rbo) == ("u1", 3, pytest.approx(1 / 6))
    assert [item.item_id for item in user.before] == ["i4", "i5", "i6"]
    assert [item.item_id for item in user.after] == ["i6", "i7", "i4"]


def test_the_same_lists_agree_wholly(cases: Cases) -> None:
    one = ranked(noise(0))
    found = list_overlap({"A": [one], "B": [one]}, cases)
    (pair,) = found.pairs
    assert (pair.rbo, pair.overlap, pair.order) == (1, 1, 1)
    assert pair.rbo_interval == (1, 1)
    assert found.changed == ()


def test_lists_at_random_share_what_chance_gives(cases: Cases) -> None:
    found = list_overlap({"A": [ranked(noise(0))], "B": [ranked(noise(1))]}, cases, k=10)
    (pair,) = found.pairs
    assert pair.overlap == pytest.approx(10 / ITEMS, abs=0.02)
    assert pair.order == pytest.approx(0, abs=0.1)
    assert [user.rbo for user in found.changed] == sorted(user.rbo for user in found.changed)


def test_seeds_are_the_yardstick(cases: Cases) -> None:
    taste = noise(0)
    a = [ranked(taste + 0.5 * noise(seed)) for seed in (1, 2, 3)]
    b = [ranked(taste + 0.5 * noise(seed)) for seed in (4, 5)]
    found = list_overlap({"A": a, "B": b, "C": [ranked(noise(9))]}, cases)
    names = [(pair.label, pair.reference, pair.models) for pair in found.pairs]
    assert names == [("B", "A", 6), ("C", "A", 3), ("A", "A", 3), ("B", "B", 1)]
    same, other, *own = found.pairs
    assert same.seeds == pytest.approx(np.mean([pair.rbo for pair in own if pair.rbo is not None]))
    assert same.beyond_interval is not None
    assert same.beyond_interval[0] < 0 < same.beyond_interval[1]
    assert other.seeds == pytest.approx(own[0].rbo)
    assert other.beyond_interval is not None
    assert other.beyond_interval[1] < -0.2
    assert {user.label for user in found.changed} == {"B", "C"}


def test_seeds_of_one_recipe_alone(cases: Cases) -> None:
    found = list_overlap({"A": [ranked(noise(0)), ranked(noise(1))]}, cases)
    assert [pair.own_seeds for pair in found.pairs] == [True]
    assert found.changed == ()


def test_a_user_of_several_cases_is_named_once_and_drawn_whole() -> None:
    cases = build_cases([[0, 1, 2, 3], [0, 1, 2]], 9)
    twice = Targets(np.array([0, 0, 1]), np.array([2, 3, 2]))
    cases = Cases(type(cases.split)(**{**vars(cases.split), "test": twice}))
    a = judgement([1] * 3, [[1, 2], [1, 2], [1, 2]])
    b = judgement([1] * 3, [[3, 4], [3, 1], [2, 1]])
    found = list_overlap({"A": [a], "B": [b]}, cases)
    assert (found.users, found.cases) == (2, 3)
    assert [user.user_id for user in found.changed] == ["u0", "u1"]
    assert found.changed[0].rbo == 0


def test_lists_of_two_lengths_are_compared_at_the_shorter(cases: Cases) -> None:
    long, short = ranked(noise(0)), ranked(noise(0))
    short = judgement(short.ranks, short.items[:, :5])
    found = list_overlap({"A": [long], "B": [short]}, cases)
    assert (found.depth, found.k, found.pairs[0].overlap) == (5, 5, 1)


def test_empty_lists_have_no_figure_and_stop_nothing() -> None:
    cases = build_cases([[0, 1, 2]], 3)
    empty = judgement([np.inf], [[-1, -1]])
    (pair,) = list_overlap({"A": [empty, empty], "B": [empty]}, cases).pairs[:1]
    assert (pair.rbo, pair.rbo_interval, pair.order, pair.seeds, pair.beyond) == (None,) * 5


def test_what_cannot_be_compared(cases: Cases) -> None:
    one = ranked(noise(0))
    with pytest.raises(UsageError, match="nothing to agree with"):
        list_overlap({"A": [one]}, cases)
    with pytest.raises(UsageError, match="other cases"):
        list_overlap({"A": [one], "B": [judgement([1], [[1, 2]])]}, cases)
    with pytest.raises(UsageError, match="1 or more, not 0"):
        list_overlap({"A": [one], "B": [one]}, cases, 0)


def test_it_is_json(cases: Cases) -> None:
    found = list_overlap({"A": [ranked(noise(0))], "B": [ranked(noise(1))]}, cases, titles={"i1": "One"})
    told = json.loads(json.dumps(found.to_dict()))
    assert set(told["pairs"][0]) >= {"label", "reference", "rbo", "rbo_interval", "beyond"}
