"""Markup from parts: nothing of the outside becomes a tag."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.report._html import Markup, element, escaped, joined

SOUND = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(markup: str) -> _Reader:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader


@settings(deadline=None)
@given(text=SOUND)
def test_text_comes_back_as_it_was(text: str) -> None:
    found = _read(element("p", text))
    assert found.tags == [("p", [])]
    assert found.text == text


@settings(deadline=None)
@given(value=SOUND)
def test_attributes_come_back_as_they_were(value: str) -> None:
    assert _read(element("td", data_value=value)).tags == [("td", [("data-value", value)])]


@settings(deadline=None)
@given(text=st.text(st.characters(categories=["Cc", "Cs"])))
def test_what_html_may_not_hold_is_replaced(text: str) -> None:
    found = escaped(text)
    found.encode("utf-8")
    assert not set(found) - set("\t\n\r�")


def test_children_are_flattened_and_markup_is_kept() -> None:
    inner = element("b", "1 < 2")
    assert element("p", [inner, None, ["&", 3]]) == "<p><b>1 &lt; 2</b>&amp;3</p>"
    assert joined(inner, "<") == "<b>1 &lt; 2</b>&lt;"
    assert isinstance(joined("a"), Markup)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"class_": "a b"}, '<i class="a b"></i>'),
        ({"hidden": True, "title": None, "open": False}, "<i hidden></i>"),
        ({"data_value": 0}, '<i data-value="0"></i>'),
    ],
)
def test_attributes(attributes: dict[str, str | bool | int | None], expected: str) -> None:
    assert element("i", **attributes) == expected


def test_void_elements_are_not_closed() -> None:
    assert element("meta", name="viewport", content="x") == '<meta name="viewport" content="x">'
