"""Sides, orders and ids of sheets, and who is asked about."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, leave_one_out
from guided_store.evaluation import Cases
from guided_store.survey._sample import LEAST, STRATA, draw
from guided_store.survey._sheet import Line, Pair, make_sheets


def made(number: int) -> list[Pair]:
    return [
        Pair(case, f"u{case}", (f"seen {case}",), 1, ((Line("a", "why"),), (Line("b", "why"),)))
        for case in range(number)
    ]


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 2**32))
def test_each_version_stands_left_equally_often_and_every_second_sheet_turns_the_sides(
    pairs: int, raters: int, seed: int
) -> None:
    sheets = make_sheets(made(pairs), raters, seed, "film")
    sides = [{question.pair.case: question.left for question in sheet.questions} for sheet in sheets]
    for sheet, left in zip(sheets, sides, strict=True):
        assert sorted(left) == list(range(pairs))
        assert abs(2 * sum(left.values()) - pairs) <= 1
        assert [question.number for question in sheet.questions] == list(range(1, pairs + 1))
    for first, second in zip(sides[::2], sides[1::2], strict=False):
        assert all(first[case] != second[case] for case in first)
    assert [sheet.id for sheet in sheets] == [s.id for s in make_sheets(made(pairs), raters, seed, "film")]


def test_the_first_version_is_not_always_the_odd_one_out() -> None:
    left = [make_sheets(made(1), 1, seed, "film")[0].questions[0].left for seed in range(40)]
    assert 5 < sum(left) < 35


def test_an_id_changes_with_what_is_shown_and_never_looks_like_a_number() -> None:
    one, other = made(3), made(3)
    other[0] = Pair(0, "u0", ("seen 0",), 1, ((Line("a", "another why"),), (Line("b", "why"),)))
    first, second = (make_sheets(pairs, 1, 0, "film")[0].id for pairs in (one, other))
    assert first != second
    assert first.startswith("s")
    assert len(first) == 13


def cases_of(lengths: list[int]) -> Cases:
    """One user for each length, that many events before the target."""
    events = np.array(lengths) + 1
    indptr = np.concatenate([[0], np.cumsum(events)]).astype(np.int64)
    items = np.concatenate([np.arange(number) for number in events]).astype(np.int32)
    names = tuple(str(place) for place in range(max(events)))
    return Cases(leave_one_out(Sequences(tuple(map(str, range(len(lengths)))), names, indptr, items)))


def test_quarters_by_length_are_asked_about_equally() -> None:
    cases = cases_of([3 + place % 40 for place in range(400)])
    found = draw(cases, 20, 0, lambda some: np.ones(len(some), np.bool_))
    lengths = cases.history_lengths[found]
    edges = np.quantile(cases.history_lengths, [0.25, 0.5, 0.75])
    assert np.bincount(np.searchsorted(edges, lengths), minlength=STRATA).min() >= 4
    assert len(set(found.tolist())) == 20


def test_only_who_has_enough_history_and_different_lists_is_drawn() -> None:
    cases = cases_of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10] * 10)
    asked: list[int] = []

    def differs(some: NDArray[np.int64]) -> NDArray[np.bool_]:
        asked.extend(some.tolist())
        return cases.users[some] % 2 == 0

    found = draw(cases, 12, 1, differs)
    assert len(found) == 12
    assert (cases.history_lengths[found] >= LEAST).all()
    assert (cases.users[found] % 2 == 0).all()
    assert len(asked) == len(set(asked))


def test_few_who_differ_are_all_found_and_none_gives_none() -> None:
    cases = cases_of([5] * 60)
    rare = np.array([7, 41])
    assert draw(cases, 10, 0, lambda some: np.isin(cases.users[some], rare)).tolist() == [
        place for place, user in enumerate(cases.users) if user in rare
    ]
    assert not len(draw(cases, 10, 0, lambda some: np.zeros(len(some), np.bool_)))
