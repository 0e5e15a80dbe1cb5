"""The report as a reader gets it: one file, whole, safe, and with every figure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from guided_store.comparison import Comparison, section_tables
from guided_store.errors import StoreError
from guided_store.report import write_report
from guided_store.report._html import VOID


class _Page(HTMLParser):
    """Holds the tags against each other and keeps what the tests ask for."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found[name] or "" for name in ("href", "src", "srcset", "data") if name in found]
        assert not [name for name in found if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def _read(path: Path) -> tuple[str, _Page]:
    text = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return text, page


@pytest.fixture(scope="module")
def written(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, _Page, Path]:
    folder = tmp_path_factory.mktemp("report")
    write_report(comparison, folder / "report.html", folder / "plots")
    return *_read(folder / "report.html"), folder


def test_the_page_asks_for_nothing_outside_itself(written: tuple[str, _Page, Path]) -> None:
    text, page, _ = written
    assert page.links
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    assert len(page.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in unescape(policy.group(1))
    assert "default-src 'none'" in unescape(policy.group(1))


def test_names_are_unique_and_links_arrive(written: tuple[str, _Page, Path]) -> None:
    _, page, _ = written
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


def test_every_section_and_every_figure_is_there(
    written: tuple[str, _Page, Path], comparison: Comparison
) -> None:
    text, page, _ = written
    plain = unescape(re.sub(r"<[^>]*>", "", text))
    assert page.headings == [*section_tables(comparison), "Method"]
    for tables in section_tables(comparison).values():
        for table in tables:
            assert table.title in plain
            assert table.note in plain
            for row in table.text():
                assert all(cell in plain for cell in row)
    for fact in (comparison.split["digest"], "cores", "Beware", "refined/new was trained on another split"):
        assert str(fact) in plain
    assert all(info.digest in plain for info in comparison.lineage)
    assert "24 November 2026, 12:30 UTC" in plain


def test_the_verdict_comes_before_all_sections(written: tuple[str, _Page, Path]) -> None:
    text, _, _ = written
    assert text.index('class="verdict"') < text.index('id="accuracy"')
    assert "Trained models are compared" in text


def test_plots_are_on_the_page_and_in_the_folder(written: tuple[str, _Page, Path]) -> None:
    text, _, folder = written
    expected = {"metrics", "strata", "ranks", "beyond", "profile", "groups", "gaps", "exposure", "map"}
    expected |= {"parts", "attributes"}
    assert {path.name for path in (folder / "plots").iterdir()} == {
        f"{name}.{kind}" for name in expected for kind in ("png", "svg")
    }
    # Besides the plots there is the lineage.
    assert text.count("<svg viewBox") == len(expected) + 1
    assert len(re.findall(r'role="img" aria-label="[^"]{20,}"', text)) == len(expected) + 1


def test_the_same_comparison_gives_the_same_bytes(
    written: tuple[str, _Page, Path], comparison: Comparison, tmp_path: Path
) -> None:
    write_report(comparison, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == (written[2] / "report.html").read_bytes()


def test_titles_are_text_whatever_they_hold(hostile: tuple[Comparison, str], tmp_path: Path) -> None:
    comparison, title = hostile
    write_report(comparison, tmp_path / "report.html")
    text, page = _read(tmp_path / "report.html")
    assert len(page.scripts) == 1
    assert text.count("<script") == 1
    assert title in unescape(text)


def test_half_a_surrogate_pair_does_not_stop_the_report(
    make_comparison: Callable[..., Comparison], tmp_path: Path
) -> None:
    comparison = make_comparison(sections=False)
    move = next(iter(comparison.accuracy.item_moves.values()))[0]
    broken = replace(move, title="half \ud83d a pair\x00")
    accuracy = replace(comparison.accuracy, item_moves={"refined/new": (broken,)})
    write_report(replace(comparison, accuracy=accuracy), tmp_path / "report.html")
    assert "half � a pair�" in _read(tmp_path / "report.html")[0]


def test_accuracy_alone_makes_a_report(make_comparison: Callable[..., Comparison], tmp_path: Path) -> None:
    write_report(make_comparison(sections=False), tmp_path / "report.html")
    assert _read(tmp_path / "report.html")[1].headings == ["Accuracy", "Versions", "Method"]


def test_recipes_of_three_versions(make_comparison: Callable[..., Comparison], tmp_path: Path) -> None:
    labels = ("base/a", "refined/b", "refined/c")
    comparison = make_comparison(labels, seeds=2)
    write_report(comparison, tmp_path / "report.html")
    text, _ = _read(tmp_path / "report.html")
    assert text.count('class="verdict"') == 2
    assert "Recipes are compared" in text
    assert "2 seeds" in text
    assert "var(--v2)" in text
    assert "ranks-1-" in text
    assert "ranks-2-" in text


def test_a_report_that_fails_leaves_the_old_one(
    make_comparison: Callable[..., Comparison], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = make_comparison(sections=False)
    path = tmp_path / "report.html"
    path.write_text("old")

    def broken(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", broken)
        with pytest.raises(StoreError, match="No space left on device"):
            write_report(comparison, path)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_said(comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no folder .*nowhere"):
        write_report(comparison, tmp_path / "nowhere" / "report.html")
