"""Values of options."""

from __future__ import annotations

import pytest

from cli._options import assignments, item_ids, names, whole_numbers
from guided_store.errors import UsageError


def test_assignments() -> None:
    assert assignments(["humor=1.5", "pace=2, violence=-1"], "--weight") == {
        "humor": 1.5,
        "pace": 2.0,
        "violence": -1.0,
    }
    assert assignments(["humor=1", "humor=2"], "--weight") == {"humor": 2.0}
    assert assignments([], "--weight") == {}


@pytest.mark.parametrize("text", ["humor", "humor=", "=3", "humor=much", "humor=nan", "humor<=3"])
def test_bad_assignments_are_refused_with_the_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"--max .*humor=1\.5"):
        assignments([text], "--max")


def test_item_ids_are_lines_of_csv() -> None:
    assert item_ids(None) is None
    assert item_ids([""]) == ()
    assert item_ids(["a, b,,c", "d"]) == ("a", "b", "c", "d")
    assert item_ids(['"a,b", c', 'say ""x"",12" pipe', '"he said ""no"""']) == (
        "a,b",
        "c",
        'say ""x""',
        '12" pipe',
        'he said "no"',
    )
    for text in ('"a', '"a"b', "a\nb"):
        with pytest.raises(UsageError, match=r"--items .* is not one line of CSV"):
            item_ids([text])


def test_names() -> None:
    assert names("a, b,,c") == ("a", "b", "c")
    assert names("") == names(None) == ()


def test_whole_numbers() -> None:
    assert whole_numbers("20,5,10,5", "-k") == (5, 10, 20)
    for text in ("", "0", "5,-1", "ten", "1.5"):
        with pytest.raises(UsageError, match="-k"):
            whole_numbers(text, "-k")
