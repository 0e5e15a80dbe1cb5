"""The document that a stranger reads, and the files it is written to."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from headline_cells import STRENGTH, cell, full_office, results

from guided_store.reproduction import Headline, make_headline, write_headline
from guided_store.reproduction._markdown import headline_markdown, text_sentence
from guided_store.reproduction._plot import can_plot
from guided_store.reproduction._table import Level
from guided_store.reproduction._words import duration, gain, grid, level, measured, p_value, per_cent

FEW = {"replicates": 200, "permutations": 2000}


@pytest.fixture(scope="module")
def headline() -> Headline:
    """Office whole, games with one seed of three systems, ml-1m planned only."""
    games = [cell(system, dataset="games") for system in ("base-plain", "base", "refined")]
    planned = [("office", "sasrec", name, seed) for name in STRENGTH for seed in (1, 2, 3)]
    planned += [
        ("games", "sasrec", name, seed)
        for name in ("base-plain", "base", "refined", "text")
        for seed in (1, 2)
    ]
    planned += [("ml-1m", "sasrec", "base", 1)]
    return make_headline(results([*full_office(), *games], planned), **FEW)


@pytest.fixture(scope="module")
def document(headline: Headline) -> str:
    return headline_markdown(headline.tables, headline.targets)


def section(document: str, title: str) -> str:
    return document.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_table_is_aligned_and_whole(document: str) -> None:
    blocks = [block.splitlines() for block in document.split("\n\n") if block.startswith("|")]
    assert len(blocks) >= 8
    for lines in blocks:
        assert len({len(line) for line in lines}) == 1, lines[0]
        assert len({line.count("|") for line in lines}) == 1, lines[0]


def test_it_says_how_much_of_the_plan_is_there(document: str) -> None:
    assert "**39 of 45 planned runs finished. Of 17 targets:" in document
    assert "Not run: base." in section(document, "ml-1m, SASRec")


def test_a_complete_row_and_a_missing_one(headline: Headline, document: str) -> None:
    row = headline.tables[0].rows["refined"]
    assert row.test is not None
    (line,) = [
        line
        for line in section(document, "amazon-office, SASRec").splitlines()
        if line.startswith("| **refined** ")
    ]
    cells = [text.strip() for text in line.strip("|").split("|")]
    assert cells[:3] == ["**refined**", "64", "3"]
    assert cells[5] == f"{row.test['ndcg@10'].mean:.4f} ± {row.test['ndcg@10'].sd:.4f}"
    assert cells[-2:] == ["5 min", "2 min"]
    games = section(document, "games, SASRec")
    (missing,) = [line for line in games.splitlines() if line.startswith("| text ")]
    assert "0 of 2" in missing
    assert "not run" in missing


def test_single_seeds_are_marked_and_have_no_spread(document: str) -> None:
    lines = section(document, "games, SASRec").splitlines()
    line = next(line for line in lines if line.startswith("| base-plain "))
    assert "1 of 2 †" in line
    assert "±" not in line


def test_the_strongest_control_is_named_where_gains_stand(document: str) -> None:
    assert "| base-warm (strongest control) |" in section(document, "amazon-office, SASRec")
    assert "(base-warm)" in section(document, "Refined at a glance")
    assert "| base (strongest control) |" in section(document, "games, SASRec").replace("  ", "")


def test_not_run_is_told_from_not_planned(document: str) -> None:
    (line,) = [
        line for line in section(document, "Refined at a glance").splitlines() if line.startswith("| games")
    ]
    assert [text.strip() for text in line.strip("|").split("|")][-3:] == [
        "not planned",
        "not planned",
        "not run",
    ]


def test_the_gain_without_hindsight_stands_beside_the_gain(headline: Headline, document: str) -> None:
    blind = headline.tables[0].gains["no-hindsight", "base-warm"]["ndcg@10"]
    line = next(x for x in section(document, "Refined at a glance").splitlines() if x.startswith("| amazon"))
    assert line.split("|")[5].strip() == gain(blind)


def test_verdicts_that_may_change_say_so(document: str) -> None:
    (line,) = [
        line for line in document.splitlines() if line.startswith("| games, SASRec: refined over the plain")
    ]
    assert "**reached** so far" in line
    assert "1 seed only; seeds missing: refined, base-plain" in line


@pytest.mark.parametrize(
    ("strength", "words"),
    [(0.4, "more accurate than text"), (0.62, "no clear difference"), (1.2, "less accurate than text")],
)
def test_the_sentence_on_text_follows_the_figures(strength: float, words: str) -> None:
    relation = {**STRENGTH, "refined": strength}
    cells = [cell(name, seed, strength=relation) for name in ("refined", "text") for seed in (1, 2, 3)]
    (table,) = make_headline(results(cells), **FEW).tables
    sentence = text_sentence(table)
    assert words in sentence
    found = table.gains["refined", "text"]["ndcg@10"]
    assert f"{found.difference:+.4f} [{found.interval[0]:+.4f}, {found.interval[1]:+.4f}]" in sentence
    assert "†" not in sentence


def test_text_that_was_not_run_gets_no_sentence(document: str) -> None:
    assert "- **games, SASRec**: not run." in section(document, "What scores add over text")


def test_files_are_written_and_written_again_the_same(headline: Headline, tmp_path: Path) -> None:
    folder = tmp_path / "docs" / "results"
    written = write_headline(headline, folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in written)
    before = [path.read_bytes() for path in written]
    assert write_headline(headline, folder) == written
    assert [path.read_bytes() for path in written] == before
    kept = json.loads((folder / "headline.json").read_text(encoding="utf-8"))
    assert kept["format"] == "guided-store headline 1"
    assert len(kept["tables"]) == 3
    assert kept["tables"][0]["systems"][0]["runs"][0]["digests"]["torch"] == "2.13.0"


def test_with_matplotlib_there_is_a_picture_and_the_document_shows_it(
    headline: Headline, tmp_path: Path
) -> None:
    write_headline(headline, tmp_path)
    picture, document = tmp_path / "headline.svg", (tmp_path / "headline.md").read_text(encoding="utf-8")
    assert picture.exists() == can_plot() == ("(headline.svg)" in document)
    if picture.exists():
        assert ET.parse(picture).getroot().tag.endswith("svg")


def test_without_matplotlib_or_gains_there_is_no_picture_and_an_old_one_goes(
    headline: Headline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "headline.svg").write_text("old", encoding="utf-8")
    write_headline(make_headline(results([], [("office", "sasrec", "base", 1)])), tmp_path)
    assert not (tmp_path / "headline.svg").exists()
    monkeypatch.setattr("guided_store.reproduction._report.can_plot", lambda: False)
    assert [path.suffix for path in write_headline(headline, tmp_path)] == [".json", ".md"]
    assert "headline.svg" not in (tmp_path / "headline.md").read_text(encoding="utf-8")


def test_a_failed_write_leaves_the_old_files(headline: Headline, tmp_path: Path) -> None:
    written = write_headline(headline, tmp_path)
    before = {path: path.read_bytes() for path in written}
    nan = replace(headline.tables[0].rows["base"], seconds=float("nan"))
    broken = replace(headline.tables[0], rows={**headline.tables[0].rows, "base": nan})
    with pytest.raises(ValueError, match="JSON"):
        write_headline(replace(headline, tables=(broken,)), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_figures_in_words() -> None:
    assert level(Level(0.07324, 0.00111)) == "0.0732 ± 0.0011"
    assert level(Level(0.07324, None)) == "0.0732"
    assert level(None) == gain(None) == duration(None) == "-"
    assert [per_cent(share) for share in (0.1234, -0.0301, -0.0001)] == ["+12.3", "-3.0", "+0.0"]
    assert [p_value(p) for p in (0.0003, 0.001, 0.25)] == ["<0.001", "0.001", "0.250"]
    assert [duration(s) for s in (45.2, 700, 5400)] == ["45 s", "12 min", "1.5 h"]


def test_measured_figures_in_words(headline: Headline) -> None:
    found = {target.name: target for target in headline.targets}
    (domains,) = found["SASRec: refined at d over base at 2d"].measured
    assert measured(domains) == "domains 1"
    assert measured(replace(domains, value=0.0)) == "domains 0"
    mrr = found["amazon-office, SASRec: refined over the plain base"].measured[0]
    assert measured(replace(mrr, value=0.12, interval=(0.08, 0.2))) == "MRR +12.0 % [+8.0, +20.0]"
    assert measured(replace(mrr, interval=None)).endswith("[unknown]")
    strength = found["amazon-office: best SASRec base, NDCG@10"].measured[0]
    assert measured(replace(strength, value=0.0652, interval=(0.06, 0.07))) == "test 0.0652 [0.0600, 0.0700]"


def test_a_gain_over_nothing_has_no_figure() -> None:
    never = replace(cell("base"), ranks=np.full(600, np.inf))
    (table,) = make_headline(results([never, cell("refined")]), **FEW).tables
    assert gain(table.gains["refined", "base"]["ndcg@10"]) == "-"


def test_a_grid_by_hand() -> None:
    assert grid(("a", "b"), [("long one", "1")]) == [
        "| a        |   b |",
        "| -------- | --: |",
        "| long one |   1 |",
        "",
    ]
