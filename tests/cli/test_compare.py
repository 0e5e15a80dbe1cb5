"""`compare`: models and recipes, sections, files, and what is refused."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

SMALL = "--epochs 2 --length 20 --heads 1 --blocks 1"


@pytest.fixture(scope="session")
def seeds(terminal: Any, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained store with two seeds of base/n and of refined/q, and base/t of a time split."""
    store = tmp_path_factory.mktemp("compare") / "store"
    shutil.copytree(trained, store)
    for seed in (1, 2):
        terminal.ask(store, f"train --as n-s{seed} --dim 16 --seed {seed} {SMALL}")
        terminal.ask(store, f"train --items refined/start --as q-s{seed} --seed {seed} {SMALL}")
    terminal.ask(store, f"train --as t --dim 16 --split time {SMALL}")
    return store


def test_models_in_80_columns(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, "compare base/b production")
    assert "trained models are compared" in text
    assert "another seed of the same recipe may differ as much" in text
    for words in ("NDCG@10", "Recall@20", "head", "tail", "short", "long", "better", "what came next"):
        assert words in text
    tables = [line for line in text.splitlines() if "  " in line]
    assert max(map(len, tables)) <= 80


def test_json_holds_what_evaluate_says(terminal: Any, trained: Path) -> None:
    found = terminal.json(trained, "compare base/b refined/r")
    rows = {row["name"]: row for row in terminal.json(trained, "evaluate base/b refined/r --no-save")["rows"]}
    accuracy = found["accuracy"]
    for label in ("base/b", "refined/r"):
        for metric, level in accuracy["levels"][label].items():
            assert level["value"] == pytest.approx(rows[label]["metrics"][metric])
    pair = accuracy["pairs"]["refined/r"]["ndcg@10"]
    assert pair["difference"] == pytest.approx(pair["value"] - pair["reference"])
    assert found["split"]["kind"] == "leave-one-out"
    assert {info["version"] for info in found["lineage"]} >= {"refined/r", "refined/start", "guided/films"}
    assert found["machine"]["torch"]
    assert (found["beyond"], found["fairness"], found["geometry"], found["interpretation"]) == (None,) * 4


def test_recipes_are_said_to_be_recipes(terminal: Any, seeds: Path) -> None:
    asked = "compare base/n-s1+base/n-s2 new=refined/q-s1+refined/q-s2"
    assert "recipes are compared" in terminal.ask(seeds, asked)
    found = terminal.json(seeds, asked)
    assert found["accuracy"]["question"] == "recipes"
    assert found["accuracy"]["labels"] == ["base/n", "new"]
    assert [version["seed"] for version in found["versions"]] == [1, 2, 1, 2]
    assert len(found["accuracy"]["levels"]["new"]["mrr"]["seeds"]) == 2


def test_every_section_in_every_form(terminal: Any, seeds: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("c.csv", "c.md", "r.html", "plots")}
    result = terminal.invoke(
        seeds,
        "compare base/b refined/r --json",
        *("--csv", files["c.csv"], "--markdown", files["c.md"]),
        *("--report", files["r.html"], "--plots", files["plots"]),
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    for section in ("beyond", "fairness", "geometry", "interpretation"):
        assert found[section], section
    assert found["attributes"] == "guided/films"
    assert set(found["counterfactuals"]) == {"refined/r"}
    with files["c.csv"].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    levels = {(row["row"], row["column"]): row["value"] for row in rows if row["table"] == "Accuracy: levels"}
    exact = found["accuracy"]["levels"]["refined/r"]["ndcg@10"]["value"]
    assert float(levels["refined/r / NDCG@10", "value"]) == exact
    text = files["c.md"].read_text(encoding="utf-8")
    for heading in ("Accuracy", "Beyond accuracy", "Fairness", "Geometry", "Interpretation", "Versions"):
        assert f"\n## {heading}\n" in text
    assert files["r.html"].read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(files["plots"].glob("*.svg"))
    assert f"wrote {files['r.html']}" in result.stderr.replace("\n", "")


def test_sections_on_the_terminal(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, "compare base/b refined/r --with beyond,geometry")
    assert "BEYOND ACCURACY" in text
    assert "GEOMETRY" in text
    assert "FAIRNESS" not in text


def test_a_version_that_saw_other_events_is_warned_of(terminal: Any, seeds: Path) -> None:
    text = terminal.ask(seeds, "compare base/b base/t")
    assert "warning: base/t was trained on another split" in text.replace("\n", " ")
    assert terminal.json(seeds, "compare base/b base/t")["warnings"]


def test_a_survey_is_written_and_its_answers_asked_for(terminal: Any, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    terminal.ask(trained, "compare base/b refined/r --survey-users 4 --survey", folder)
    assert (folder / "sheet.html").is_file()
    code, sentence = terminal.refuse(trained, "compare base/b refined/r --read-survey", folder)
    assert (code, "no answers" in sentence) == (2, True)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("compare base/b", "two versions or more"),
        ("compare base/b base/b", "named twice"),
        ("compare production refined/r", "named twice"),
        ("compare base/b refined/none", "refined/none"),
        ("compare base/b nonsense", "'nonsense' is neither"),
        ("compare base/b refined/start", "refined/start has no encoder"),
        ("compare base/b base/n-s1+base/n-s2", "base/b is one trained model and base/n a recipe"),
        ("compare base/b+base/n-s1 refined/q-s1+refined/q-s2 --with rubbish", "'rubbish'"),
        ("compare base/n-s1+refined/r base/b", "not of one recipe"),
        ("compare base/b refined/r --split none", "--split none"),
        ("compare base/b refined/r --at 2020-01-01", "--split time"),
        ("compare base/b refined/r -k 0", "-k"),
        ("compare base/b refined/r --plots x", "--plots belongs to --report"),
        ("compare base/b refined/r --with rubbish", "'rubbish'"),
        ("compare base/b refined/r --user-columns age", "belong to --with fairness"),
        ("compare base/b refined/r --with fairness --item-columns none", "'none'"),
        ("compare base/b refined/r --with beyond --attributes base/b", "keeps no attribute scores"),
        ("compare base/b refined/r --csv nowhere/x.csv", "no folder nowhere"),
        ("compare base/b refined/r --csv x --markdown ./x", "need a file each"),
        ("compare a=base/b a=refined/r", "such as old=base/b"),
        ("compare base/b refined/r --survey x --all", "go alone"),
        ("compare base/b refined/r --answers x.csv", "belongs to --read-survey"),
        ("compare base/n-s1+base/n-s2 refined/r --survey x", "name exactly two"),
    ],
)
def test_wrong_requests_end_in_one_sentence(terminal: Any, seeds: Path, command: str, words: str) -> None:
    code, sentence = terminal.refuse(seeds, command)
    assert code == 2
    assert words in sentence.replace("\n", " ")
    assert "bug" not in sentence


def test_files_that_cannot_be_written_are_refused_before_the_work(
    terminal: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(*_: object, **__: object) -> None:
        pytest.fail("the comparison began")

    monkeypatch.setattr("guided_store.comparison.compare_versions", judged)
    (tmp_path / "file").touch()
    asked = ("compare base/b refined/r --report", tmp_path / "r.html", "--plots", tmp_path / "file")
    code, sentence = terminal.refuse(trained, *asked)
    assert (code, "is a file; name a folder" in sentence.replace("\n", " ")) == (2, True)
    monkeypatch.setattr("os.access", lambda *_: False)
    code, sentence = terminal.refuse(trained, *asked[:2])
    assert (code, "read-only" in sentence.replace("\n", " ")) == (2, True)
    monkeypatch.undo()
    monkeypatch.setattr("guided_store.comparison.compare_versions", judged)
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "matplotlib" else find(name))
    code, sentence = terminal.refuse(trained, *asked[:2])
    assert (code, "install guided-store[report]" in sentence.replace("\n", " ")) == (2, True)
