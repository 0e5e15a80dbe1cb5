"""Titles in joining form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.scoring._titles import normalise_title, titles_agree


@pytest.mark.parametrize(
    ("title", "key", "others", "year"),
    [
        ("Heat", "heat", (), None),
        ("Heat, The (1995)", "the heat", (), 1995),
        ("The Heat", "the heat", (), None),
        ("Usual Suspects, The", "the usual suspects", (), None),
        ("Cry, the Beloved Country", "cry the beloved country", (), None),
        ("Misérables, Les (1995)", "les miserables", (), 1995),
        ("Postino, Il (The Postman)", "il postino", ("the postman",), None),
        ("Postman, The (Postino, Il) (1994)", "the postman", ("il postino",), 1994),
        ("Uomo delle stelle, L'", "l uomo delle stelle", (), None),
        ("L'Uomo delle stelle", "l uomo delle stelle", (), None),
        ("Seven (a.k.a. Se7en) (1995)", "seven", ("se7en",), 1995),
        ("Schindler's List", "schindlers list", (), None),
        ("Schindler’s List", "schindlers list", (), None),
        ("Kull & Conan", "kull and conan", (), None),
        ("Romeo + Juliet", "romeo and juliet", (), None),
        ("  STAR   WARS:  Episode IV - A New Hope ", "star wars episode iv a new hope", (), None),
        ("Mononoke-hime", "mononoke hime", (), None),
        ("Ærlige løgner", "aerlige logner", (), None),
        ("Straße", "strasse", (), None),
        ("Babylon 5 (1994-1998)", "babylon 5", (), 1994),
        ("Some Series (2006–)", "some series", (), 2006),
        ("2001: A Space Odyssey (1968)", "2001 a space odyssey", (), 1968),
        ("1984 (1984)", "1984", (), 1984),
        ("(500) Days of Summer (2009)", "days of summer", ("500",), 2009),
        ("The", "the", (), None),
        ("(Untitled)", "untitled", ("untitled",), None),
        ("七人の侍", "七人の侍", (), None),
        ("", "", (), None),
        ("(1995)", "", (), 1995),
        ("Movie (1234)", "movie", ("1234",), None),
    ],
)
def test_joining_form(title: str, key: str, others: tuple[str, ...], year: int | None) -> None:
    normal = normalise_title(title)
    assert (normal.key, normal.others, normal.year) == (key, others, year)


@pytest.mark.parametrize(
    ("first", "second", "agree"),
    [
        ("Heat, The (1995)", "the heat", True),
        ("Heat (1995)", "The Heat", True),
        ("Seven (Se7en) (1995)", "Se7en", True),
        ("Postino, Il (The Postman)", "Postman, The (Postino, Il) (1994)", True),
        ("Heat (1995)", "Heat (1994)", True),
        ("Heat (1995)", "Heat (1986)", False),
        ("Toy Story", "Jumanji", False),
        ("", "", False),
        ("!!!", "???", False),
    ],
)
def test_agreement(first: str, second: str, agree: bool) -> None:
    assert titles_agree(normalise_title(first), normalise_title(second)) is agree
    assert titles_agree(normalise_title(second), normalise_title(first)) is agree


@given(st.text(max_size=30))
def test_normalising_is_stable_and_knows_no_case(title: str) -> None:
    key = normalise_title(title).key
    assert normalise_title(key).key == key
    assert key == " ".join(key.split())
    assert normalise_title(f"  {title} ").key == key


words = st.lists(st.from_regex(r"[A-Za-zéöñ]{2,8}", fullmatch=True), min_size=1, max_size=4)


@given(words, st.integers(1900, 2030))
def test_ways_to_write_one_title_have_one_key(parts: list[str], year: int) -> None:
    title = " ".join(parts)
    written = [f"The {title}", f"{title}, The", f"the {title} ({year})".upper(), f"{title}, The ({year})"]
    assert len({normalise_title(text).key for text in written}) == 1
