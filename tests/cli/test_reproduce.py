"""`reproduce` on eighty users: runs, list and table; what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_plan import small_plan, write_small

import guided_store.reproduction

SYSTEMS = ("base-plain", "refined")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plan of the headline replaced by one of seconds; options that say where things are."""
    plan = small_plan(*SYSTEMS, seeds=(1,), trials=({"learning_rate": 1e-2},))
    monkeypatch.setattr(guided_store.reproduction, "PLAN", plan)
    write_small(tmp_path / "files")
    return ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]


def test_from_files_to_the_table(place: list[str], tmp_path: Path, terminal: Any) -> None:
    files = ["--datasets", str(tmp_path / "files")]
    first = terminal.invoke(None, "reproduce --systems base-plain --worker 1/2", *place, *files)
    assert first.exit_code == 0, first.output
    assert "2 runs in" in first.stdout
    assert "1 of 2 cells of the table are there" in first.stdout
    assert "small sasrec base-plain, seed 1, learning_rate 0.01: validation ndcg@10" in first.stderr
    table = (tmp_path / "out/headline.md").read_text(encoding="utf-8")
    assert "1 of 2 planned runs finished" in table

    done = terminal.json(None, "reproduce", *place)  # the dataset is in the working folder now
    assert (done["run"]["made"], done["run"]["left"], done["cells"]) == (2, 0, 2)
    content = json.loads((tmp_path / "out/headline.json").read_text(encoding="utf-8"))
    (rows,) = [table["systems"] for table in content["tables"]]
    assert [(row["system"], row["seeds"]) for row in rows] == [(name, [1]) for name in SYSTEMS]

    (tmp_path / "out/headline.md").unlink()
    written = terminal.json(None, "reproduce --deadline 0", *place)
    assert written["run"] is None
    assert (tmp_path / "out/headline.md").exists()


def test_the_list_runs_nothing(place: list[str], tmp_path: Path, terminal: Any) -> None:
    shown = terminal.ask(None, "reproduce --list", *place)
    assert "base-plain" in shown
    assert "4 runs left" in shown
    assert "next: small sasrec base-plain, trial, learning_rate 0.01" in shown
    assert not (tmp_path / "work").exists()
    assert not (tmp_path / "out").exists()
    terminal.ask(None, "reproduce --systems refined --datasets", tmp_path / "files", *place)
    states = terminal.json(None, "reproduce --list", *place)
    assert [(s["system"], s["trials"], s["runs"]) for s in states["systems"]] == [
        ("base-plain", 0, 0),
        ("refined", 1, 1),
    ]
    assert states["systems"][1]["validation"] > 0
    assert states["runs_left"] == 2


def test_a_system_that_cannot_run_ends_in_its_sentence(
    place: list[str], tmp_path: Path, terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = small_plan(*SYSTEMS, seeds=(1,), trials=({"learning_rate": 1e-2, "masking": 0.3},))
    monkeypatch.setattr(guided_store.reproduction, "PLAN", bad)
    result = terminal.invoke(None, "reproduce --datasets", tmp_path / "files", *place)
    assert result.exit_code == 1
    assert "error: not every system could be run: small sasrec base-plain, trial" in result.stderr
    assert "(and 1 more)" in result.stderr
    assert (tmp_path / "out/headline.md").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--worker 3/2", "--worker '3/2' is not of the form I/N"),
        ("--worker two", "--worker 'two' is not of the form I/N"),
        ("--only films", "the plan has no dataset 'films'"),
        ("--systems best", "the plan has no system 'best'"),
        ("", "say where its files are with --datasets"),
        ("--datasets nowhere", "which small needs; is --datasets right?"),
        ("--deadline 0", "so no table is written; is --work right?"),
    ],
)
def test_what_is_refused(options: str, told: str, place: list[str], terminal: Any) -> None:
    code, sentence = terminal.refuse(None, f"reproduce {options}", *place)
    assert code == 2
    assert told in sentence
    assert not Path(place[place.index("--out") + 1]).exists()


@pytest.mark.parametrize("option", ["--work", "--out"])
def test_a_file_in_the_place_of_a_folder_is_refused_before_anything_runs(
    option: str, place: list[str], tmp_path: Path, terminal: Any
) -> None:
    file = tmp_path / "file"
    file.touch()
    place[place.index(option) + 1] = str(file)
    code, sentence = terminal.refuse(None, "reproduce --datasets", tmp_path / "files", *place)
    assert code == 2
    assert f"{option} {file} is a file; name a folder" in " ".join(sentence.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "files"]
