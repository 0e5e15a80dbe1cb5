"""Plots: the page's colours, the same bytes, and texts that stay texts."""

from __future__ import annotations

import importlib.util
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from guided_store.errors import StoreError, UsageError
from guided_store.report._colours import VERSIONS
from guided_store.report._drawing import Picture, Plot, draw, inline_svg, need_matplotlib, write_files
from guided_store.report._marks import Mark, Row, draw_rows, height_of, percent, shortened

HOSTILE = '<script>$x$ #1467a8 id="a" url(#b) 日本'


def _picture(name: str = "one", title: str = "Title") -> Picture:
    def fill(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=VERSIONS[1].light)
        axes.fill_between([0, 1], [0, 1], color=VERSIONS[2].light, alpha=0.3)
        axes.set_title(title)

    return draw(Plot(name, title, f"shows {title}", "", 2.0, fill), png=True)


def test_colours_follow_the_page() -> None:
    svg = inline_svg(_picture())
    assert "var(--v1)" in svg
    assert "var(--v2)" in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", svg)
    assert "font-family" not in svg
    assert "<style" not in svg
    assert "http" not in svg


def test_the_same_plot_gives_the_same_bytes(tmp_path: Path) -> None:
    assert inline_svg(_picture()) == inline_svg(_picture())
    for folder in ("a", "b"):
        assert [path.name for path in write_files(_picture(), tmp_path / folder)] == ["one.svg", "one.png"]
    for name in ("one.png", "one.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_two_plots_share_no_names() -> None:
    found = [set(re.findall(r'\bid="([^"]+)"', inline_svg(_picture(name)))) for name in ("one", "two")]
    assert found[0]
    assert not found[0] & found[1]
    svg = inline_svg(_picture())
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
    assert used
    assert set(used) <= found[0]


def test_texts_are_escaped_and_left_alone() -> None:
    svg = inline_svg(_picture(title=HOSTILE))
    assert "<script" not in svg
    assert HOSTILE in unescape(svg)
    assert 'role="img" aria-label="shows &lt;script&gt;' in svg


def test_files_are_whole_pictures(tmp_path: Path) -> None:
    svg, png = write_files(_picture(), tmp_path / "new" / "folder")
    assert png.read_bytes().startswith(b"\x89PNG")
    text = svg.read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert VERSIONS[1].light in text
    assert not list((tmp_path / "new" / "folder").glob(".tmp-*"))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written to .*file"):
        write_files(_picture(), tmp_path / "file")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"guided-store\[report\]"):
        need_matplotlib()


def test_rows_stand_in_order_and_unsure_marks_are_hollow() -> None:
    rows = [
        Row("first", (Mark(1, 0.5, (0.2, 0.8)),)),
        Row("second", (Mark(1, 0.1, (-0.2, 0.4)), Mark(2, 0.3, None), Mark(3, 0.3, (0.1, 0.5), False))),
    ]
    axes = Figure().subplots()
    draw_rows(axes, rows, zero=0.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    top, bottom = axes.get_yticks()
    assert top < bottom
    assert axes.yaxis_inverted()
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    hollow = [line.get_markerfacecolor() != line.get_color() for line in dots]
    assert hollow == [False, True, True, True]
    heights = [float(np.asarray(line.get_ydata())[0]) for line in dots]
    assert heights == sorted(heights)
    assert height_of(rows) > height_of(rows[:1])


def test_long_names_are_cut() -> None:
    assert shortened("a\n b") == "a b"
    assert shortened("x" * 100) == "x" * 39 + "…"


@pytest.mark.parametrize(
    ("value", "signed", "expected"),
    [
        (-0.075, True, "-7.5%"),
        (0.1, True, "+10%"),
        (-0.0, True, "0%"),
        (0.25, False, "25%"),
        (0.1 + 0.2, True, "+30%"),
    ],
)
def test_ticks_say_the_value_they_stand_at(value: float, signed: bool, expected: str) -> None:
    assert percent(value, signed) == expected
