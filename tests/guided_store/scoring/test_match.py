"""Joining titles: passes from strict to lenient, nothing guessed."""

from __future__ import annotations

from collections.abc import Sequence

from guided_store.scoring._match import Match, disagreeing, match_ids, match_titles, read_titles


def join(items: Sequence[str], source: Sequence[str], *, use_year: bool = True) -> Match:
    return match_titles(read_titles(items, None), read_titles(source, None), use_year=use_year)


def test_ids() -> None:
    assert match_ids(["3", "1", "9"], ["1", "2", "3"]).rows.tolist() == [2, 0, -1]


def test_same_title_needs_the_same_year() -> None:
    match = join(["Emma (1996)", "Emma (1932)", "Emma"], ["Emma (1996)", "Emma (1997)"])
    assert match.rows.tolist() == [0, -1, -1]
    assert match.ambiguous == ()


def test_main_titles_come_before_alternatives() -> None:
    match = join(["Dracula (1992)"], ["Bram Stoker's Dracula (Dracula) (1992)", "Dracula (1992)"])
    assert match.rows.tolist() == [1]
    assert join(["Dracula (1992)"], ["Bram Stoker's Dracula (Dracula) (1992)"]).rows.tolist() == [0]


def test_a_year_may_be_one_off_where_that_leaves_no_doubt() -> None:
    match = join(["Howling, The (1981)"], ["The Howling (1980)", "The Howling (1989)"])
    assert (match.rows.tolist(), match.near_years) == ([0], 1)
    match = join(["Heat (1995)"], ["Heat (1994)", "Heat (1996)"])
    assert match.rows.tolist() == [-1]
    assert match.ambiguous == ("'heat' (1995) fits 2 rows: 'heat' (1994), 'heat' (1996)",)


def test_a_near_year_does_not_take_a_row_that_another_item_fits_exactly() -> None:
    match = join(["Heat (1995)", "Heat (1996)"], ["Heat (1995)"])
    assert match.rows.tolist() == [0, -1]


def test_two_items_near_one_row_are_not_guessed() -> None:
    match = join(["Heat (1994)", "Heat (1996)"], ["Heat (1995)"])
    assert match.rows.tolist() == [-1, -1]
    assert match.ambiguous[0] == "'heat' (1994) is one of 2 items near 'heat' (1995)"


def test_several_rows_of_one_title_and_year_are_not_guessed() -> None:
    match = join(["Emma (1996)"], ["Emma (1996)", "Emma (1996)"])
    assert match.rows.tolist() == [-1]
    assert "fits 2 rows" in match.ambiguous[0]


def test_an_item_listed_twice_takes_the_row_twice() -> None:
    match = join(
        ["Chasing Amy (1997)", "Chasing Amy (1997)", "Babe (1995)"], ["Babe (1995)", "Chasing Amy (1997)"]
    )
    assert match.rows.tolist() == [1, 1, 0]
    assert match.shared == 2


def test_titles_alone() -> None:
    match = join(["Fire Emblem", "Tetris (1989)"], ["FIRE EMBLEM", "Tetris (2006)"], use_year=False)
    assert match.rows.tolist() == [0, 1]
    assert join(["Tetris"], ["Tetris (1989)", "Tetris (2006)"], use_year=False).rows.tolist() == [-1]


def test_a_year_column_comes_before_the_one_in_the_title() -> None:
    titles = read_titles(["Heat (1986)", "Heat (1986)", None], [1995, None, 1990])
    assert [title.year for title in titles] == [1995, 1986, 1990]


def test_empty_titles_match_nothing() -> None:
    assert join(["(1995)", ""], ["(1995)", ""]).rows.tolist() == [-1, -1]


def test_disagreeing_compares_only_pairs_with_titles() -> None:
    items = read_titles(["Toy Story (1995)", "GoldenEye (1995)", None, "Babe (1995)"], None)
    source = read_titles(["Toy Story", "Jumanji", "Heat", ""], [1995, 1995, 1995, 1995])
    compared, pairs = disagreeing(match_ids(list("abcd"), list("abcd")), items, source)
    assert (compared, pairs) == (2, [(1, 1)])
