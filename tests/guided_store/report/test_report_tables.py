"""Tables on a page: the same cells, dots for versions, values for sorting."""

from __future__ import annotations

import re

from guided_store.evaluation import Table
from guided_store.report._colours import ALL, VERSIONS, style_variables, version_colour
from guided_store.report._tables import table_html

TABLE = Table(
    "Made & <up>",
    ("version", "value", "95 % interval", "reads"),
    (("base/a", 0.12345, (0.1, 0.2), "worse"), ("refined/b", None, None, "better")),
    "A <note>.",
)


def test_cells_are_those_of_the_table() -> None:
    found = table_html(TABLE, {})
    for row in TABLE.text():
        for cell in row:
            assert f">{cell}</t" in found
    assert "Made &amp; &lt;up&gt;" in found
    assert "A &lt;note&gt;." in found


def test_figures_carry_what_they_are_sorted_by() -> None:
    found = table_html(TABLE, {})
    assert re.findall(r'data-value="([^"]*)"', found) == ["0.12345", "0.15", "", ""]


def test_versions_have_their_colour_wherever_they_are_named() -> None:
    found = table_html(TABLE, {"base/a": 0, "refined/b": 1})
    assert re.findall(r"--dot:var\(--(\w+)\)", found) == ["v0", "v1"]


def test_better_and_worse_are_told_apart() -> None:
    found = table_html(TABLE, {})
    assert '<td class="worse">worse</td>' in found
    assert '<td class="better">better</td>' in found


def test_only_tables_of_several_rows_can_be_sorted() -> None:
    rows = tuple((f"row {number}", number) for number in range(5))
    assert 'class="sortable"' in table_html(Table("T", ("a", "b"), rows), {})
    assert 'class="sortable"' not in table_html(Table("T", ("a", "b"), rows[:3]), {})


def test_a_light_colour_has_one_dark_one() -> None:
    dark: dict[str, set[str]] = {}
    for colour in ALL:
        dark.setdefault(colour.light, set()).add(colour.dark)
    assert all(len(found) == 1 for found in dark.values())
    assert len({colour.light for colour in VERSIONS}) == len(VERSIONS)
    assert version_colour(len(VERSIONS)) == VERSIONS[0]
    assert all(f"--{colour.name}: light-dark(" in style_variables() for colour in ALL)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_and_versions_stand_out_from_the_page() -> None:
    # WCAG 2.1: 4.5 for text, 3 for marks.
    named = {colour.name: colour for colour in ALL}
    for scheme in ("light", "dark"):
        paper = getattr(named["paper"], scheme)
        for name in ("ink", "soft", "good", "bad"):
            assert _contrast(getattr(named[name], scheme), paper) >= 4.5, (name, scheme)
        for colour in VERSIONS:
            assert _contrast(getattr(colour, scheme), paper) >= 3, (colour.name, scheme)
