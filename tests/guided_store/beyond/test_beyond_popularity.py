"""Novelty, popularity and surprise: by hand, against RecTools, and against the popularity baseline itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.beyond import (
    history_means,
    novelty,
    popular_places,
    popularity,
    popularity_lift,
    serendipity,
    train_users,
    unexpected,
    unexpectedness,
)
from guided_store.evaluation import Popularity, top_k

# What trains: u0 0 1 0, u1 0 2, u2 0 1 3; item 4 only tests.
HISTORIES = [[0, 1, 0, 4], [0, 2, 3], [0, 1, 3, 2]]


def test_users_are_counted_once_and_events_each_time(make_cases: Any) -> None:
    cases = make_cases(HISTORIES, 5)
    holders, n_users = train_users(cases)
    assert (holders.tolist(), n_users) == ([3, 2, 1, 1, 0], 3)
    assert cases.train_counts.tolist() == [4, 2, 1, 1, 0]


def test_novelty_and_popularity_by_hand(make_cases: Any) -> None:
    holders, n_users = train_users(make_cases(HISTORIES, 5))
    lists = np.array([[0, 1], [2, 4], [3, -1], [-1, -1]], np.int32)
    # p: 1, 2/3, 1/3, 1/3, and item 4 as if a single user had it.
    expected = [np.log2(3 / 2) / 2, np.log2(3), np.log2(3), np.nan]
    assert novelty(lists, holders, n_users) == pytest.approx(expected, nan_ok=True)
    found = popularity(lists, holders, n_users)
    assert found == pytest.approx([5 / 6, 1 / 6, 1 / 3, np.nan], nan_ok=True)


def test_as_rectools_has_it() -> None:
    """Values copied from a run of RecTools 0.19.0 on these lists, `calc_per_user` with k=3."""
    holders = np.array([5, 3, 2, 1, 0, 4], np.int64)
    lists = np.array([[0, 1, 2], [3, 4, 5], [2, 3, 0], [5, 1, 4]], np.int32)
    mean_inverse_frequency = [0.9493323021849834, 1.9182958340544893, 1.477653135758702, 1.3899750004807707]
    assert novelty(lists, holders, 6) == pytest.approx(mean_inverse_frequency, rel=1e-12)
    average_popularity = [3.3333333333333335, 1.6666666666666667, 2.6666666666666665, 2.3333333333333335]
    assert popularity(lists, holders, 6) * 6 == pytest.approx(average_popularity, rel=1e-12)


def test_lift_is_the_ratio_of_the_means(make_cases: Any) -> None:
    cases = make_cases(HISTORIES, 5)
    holders, n_users = train_users(cases)
    history = history_means(cases, holders / n_users)
    assert history == pytest.approx([(1 + 2 / 3 + 1) / 3, (1 + 1 / 3) / 2, (1 + 2 / 3 + 1 / 3) / 3])
    listed = np.array([1.0, 0.5, 0.5])
    assert popularity_lift(listed, history) == pytest.approx(2 / history.sum() - 1)
    assert popularity_lift(history, history) == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=7), min_size=1, max_size=6),
    st.integers(1, 9),
    st.sampled_from(["exclude", "allow"]),
)
def test_places_say_what_the_popularity_baseline_shows(
    make_cases: Any, histories: list[list[int]], k: int, repeats: str
) -> None:
    cases = make_cases(histories, 9, repeats=repeats)
    places, last = popular_places(cases, k)
    shown, _ = top_k(Popularity.fit(cases.split), cases.split, "test", k, cases.repeats)
    everything = np.tile(np.arange(9, dtype=np.int32), (len(cases), 1))
    surprising = unexpected(everything, places, last)
    for case in range(len(cases)):
        hidden = set(cases.targets.history(cases.sequences, case)) if repeats == "exclude" else set()
        left = {item for item in range(9) if not surprising[case, item]} - hidden
        assert left == {int(item) for item in shown[case] if item >= 0}


def test_serendipity_is_a_hit_that_popularity_lacks(make_cases: Any) -> None:
    cases = make_cases(HISTORIES, 5)
    places, last = popular_places(cases, 1)
    # Popularity shows item 2 to u0, who has 0 and 1; 1 to u1; 2 to u2.
    lists = np.array([[4, 2], [1, 3], [2, 4]], np.int32)
    surprising = unexpected(lists, places, last)
    assert surprising.tolist() == [[True, False], [False, True], [False, True]]
    assert unexpectedness(lists, surprising).tolist() == [0.5, 0.5, 0.5]
    # Wanted 4, 3, 2: the last is what popularity shows as well.
    assert serendipity(lists, surprising, cases.wanted).tolist() == [1, 1, 0]


def test_the_baseline_itself_surprises_nobody(make_cases: Any) -> None:
    random = np.random.default_rng(3)
    cases = make_cases([random.integers(0, 30, 8).tolist() for _ in range(40)], 30)
    shown, _ = top_k(Popularity.fit(cases.split), cases.split, "test", 5, "exclude")
    surprising = unexpected(shown, *popular_places(cases, 5))
    assert not surprising.any()
    assert not serendipity(shown, surprising, cases.wanted).any()
