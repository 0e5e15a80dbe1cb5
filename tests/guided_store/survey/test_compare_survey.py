"""From the sheet to the terminal: written, filled in, read back and shown; and the case studies."""

from __future__ import annotations

import csv
import importlib
import json
import re
import sys
from pathlib import Path

import pytest

from cli._compare_survey import run_survey_read, run_survey_write
from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.store import Store

EXAMPLES = Path(__file__).parents[3] / "examples"
VERSIONS = ("base/small", "refined/small")


def fill_in(folder: Path, name: str, *, second_wins: int) -> None:
    """Answer the sheet for the second version on so many histories, for the first on the rest."""
    sheet = next(s for s in json.loads((folder / "key.json").read_text())["sheets"] if s["name"] == name)
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for place, (row, question) in enumerate(zip(rows, sheet["questions"], strict=True)):
        wanted = "b" if place < second_wins else "a"
        row["fits"] = row["clearer"] = "left" if question["left"] == wanted else "right"
        row["left_convincing"], row["right_convincing"] = ("4", "2") if row["fits"] == "left" else ("2", "4")
    with (folder / f"answers-{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_a_survey_goes_out_and_comes_back(
    trained: Store, cases: Cases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "survey"
    run_survey_write(trained, VERSIONS, folder, cases=cases, users=16, k=3)
    assert "wrote a blind sheet of 16 histories" in capsys.readouterr().out
    fill_in(folder, "sheet", second_wins=15)
    result = run_survey_read(trained, VERSIONS, folder)
    out = capsys.readouterr().out
    assert (result.preferences[0].a, result.preferences[0].b) == (1, 15)
    assert "Which list fits this history better? refined/small, on 94% of the 16 histories" in out
    assert max(len(line) for line in out.splitlines() if "  " in line) <= 80
    run_survey_read(trained, tuple(reversed(VERSIONS)), folder, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["preferences"][1]["rate"] == 15 / 16
    assert document["ratings"]["b"] > document["ratings"]["a"]
    with pytest.raises(UsageError, match="is of base/small and refined/small, not of"):
        run_survey_read(trained, ("base/small", "refined/calm"), folder)


@pytest.mark.parametrize("versions", [("base/small",), ("a", "b", "c"), ("base/x-s1+base/x-s2", "base/y")])
def test_a_survey_is_of_two_versions(
    trained: Store, cases: Cases, tmp_path: Path, versions: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError, match="name exactly two"):
        run_survey_write(trained, versions, tmp_path / "s", cases=cases)
    assert not (tmp_path / "s").exists()


def test_case_studies_are_written_and_their_terms_add_up(
    trained: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    script = importlib.import_module("case_studies")
    out = tmp_path / "cases.md"
    arguments = ["--store", str(trained.root), "--base", VERSIONS[0], "--refined", VERSIONS[1]]
    monkeypatch.setattr(sys, "argv", ["case_studies.py", *arguments, "--name", "films", "--out", str(out)])
    script.main()
    text = out.read_text(encoding="utf-8")
    studies = text.split("\n## ")[1:]
    assert 2 <= len(studies) <= 6
    assert studies[-1].startswith(f"{len(studies)}. Corrected by a weight: user simulated-")
    blocks = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(studies) + 1
    for block in blocks:
        figures = [float(n) for n in re.findall(r"^\w[\w ]*? +([+-]\d+\.\d\d)", block, re.MULTILINE)]
        assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=1e-9), block
    weighted = re.search(r"--weight (\w+)=0", studies[-1])
    assert weighted is not None
    assert re.search(rf"^{weighted[1]} +[+-]0\.00$", blocks[-1], re.MULTILINE)
    assert str(tmp_path) not in text
