"""What a scorer is shown: chosen columns, cleaned and cut, hashed by content alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.errors import UsageError
from guided_store.ledger import choose_fields, iter_texts
from guided_store.ledger._texts import _clean, text_hash
from guided_store.store import Store


def test_title_and_text_are_shown_unless_told_otherwise(store: Store, put_items: Any) -> None:
    put_items(["a", "b"], title=["Heat", None], year=[1995, 1995], genres=[["Crime", "Drama"], None])
    assert choose_fields(store) == ("title",)
    fields = choose_fields(store, ["genres", "year", "title", "year"])
    assert fields == ("genres", "year", "title")
    shown = list(iter_texts(store, fields))
    assert [text.item_id for text in shown] == ["a", "b"]
    assert list(shown[0].data.items()) == [("genres", "Crime, Drama"), ("year", "1995"), ("title", "Heat")]
    assert shown[1].data == {"year": "1995"}


def test_what_cannot_be_shown_is_refused(store: Store, put_items: Any) -> None:
    with pytest.raises(UsageError, match="no items yet"):
        choose_fields(store)
    put_items(["a"], brand=["HP"])
    with pytest.raises(UsageError, match=r"no item has a title or text.*--fields \(title, text, brand\)"):
        choose_fields(store)
    with pytest.raises(UsageError, match=r"no column 'colour' to show; they have title, text, brand"):
        choose_fields(store, ["brand", "colour"])
    with pytest.raises(UsageError, match="no column 'item_id'"):
        choose_fields(store, ["item_id"])
    with pytest.raises(UsageError, match="no fields to show"):
        choose_fields(store, [])


def test_the_hash_follows_the_text_and_not_the_item(store: Store, put_items: Any) -> None:
    put_items(["a", "b", "c", "d"], title=["Heat", " Heat\n", "Ronin", None], text=["x", "x", "x", None])
    hashes = [text.hash for text in iter_texts(store, ("title", "text"))]
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[3] == text_hash({})
    # The same words in another field are another text; pinned, since a change would buy every item again.
    assert text_hash({"title": "x"}) != text_hash({"text": "x"})
    assert text_hash({"title": "Heat"})[:16] == "c9289de1df1bb315"


def test_long_and_strange_texts_are_cut_and_cleaned() -> None:
    assert _clean("a\x00b\u202ec\U000e0041d", 10) == "abcd"  # control, right-to-left override, tag character
    assert _clean("a\U000e0130\U000e0151", 10) == "a"  # selectors, printable by name only
    assert _clean("\u0646\u200c\u0645", 10) == "\u0646\u200c\u0645"  # a joiner that Persian needs
    assert _clean("e\u0301", 10) == "é"
    assert _clean(" a \t\n b ", 10) == "a b"
    assert _clean("x" * 50, 8) == "x" * 8
    assert _clean(7.0, 10) == "7"
    assert _clean(7.5, 10) == "7.5"
    assert _clean(None, 10) == ""


@given(st.text(max_size=60), st.integers(1, 20))
def test_cleaning_is_idempotent_and_bounded(text: str, limit: int) -> None:
    once = _clean(text, limit)
    assert len(once) <= limit
    assert _clean(once, limit) == once
