"""`score agreement` and `score export`, as a user types them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

BOTH = ("films/scores.csv", "films/scores-second-run.csv", "--schema", "films")


@pytest.fixture(scope="module")
def scored(terminal: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of three films with two imported runs, one and two."""
    folder = tmp_path_factory.mktemp("trust")
    (folder / "items.csv").write_text("film,name\n1,Toy Story\n2,Jumanji\n3,Grumpier Old Men\n")
    store = folder / "store"
    terminal.ask(store, "ingest items --item film --title name", folder / "items.csv")
    (folder / "schema.toml").write_text(
        'name = "tiny"\nversion = 1\nitem = "film"\nscale = [0, 10]\n'
        + "".join(
            f'[[attribute]]\nname = "{name}"\nlow = "none"\nhigh = "all"\n' for name in ("humor", "war")
        )
    )
    for name, rows in (("one", ["1,8,0", "2,5,0", "3,8,0"]), ("two", ["1,9,0", "2,3,0", "3,8,0"])):
        (folder / f"{name}.csv").write_text("\n".join(["item_id,humor,war", *rows, ""]))
        terminal.ask(
            store, f"score import --as {name} --run {name}", folder / f"{name}.csv", "--schema",
            folder / "schema.toml",
        )  # fmt: skip
    return store


def test_the_bundled_films_agree_without_any_store(
    terminal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = terminal.ask(None, "score agreement", *BOTH, "--worst", 3)
    lines = text.splitlines()
    assert lines[:3] == [
        "films, scale 0 to 10",
        "1. films/scores.csv: 3,883 items",
        "2. films/scores-second-run.csv: 324 items",
    ]
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert cells["story_complexity"] == ["324", "0.89", "0.89", "0.89", "0.47", "+0.12"]
    assert cells["mean"][:3] == ["of", "24", "324"]
    assert cells["3030"] == ["Yojimbo", "0.92", "musicality", "2", "6"]
    assert max(len(line) for line in lines if not line.startswith("r: ")) <= 80
    assert list(tmp_path.iterdir()) == []


def test_json_is_whole(terminal: Any) -> None:
    content = terminal.json(None, "score agreement", *BOTH, "--worst", 2)
    assert [row["attribute"] for row in content["attributes"]][:2] == [
        "story_complexity",
        "emotional_intensity",
    ]
    assert (len(content["attributes"]), len(content["worst"]), content["overall"]["items"]) == (24, 2, 324)


def test_runs_of_a_store_and_what_is_undefined(terminal: Any, scored: Path) -> None:
    text = terminal.ask(scored, "score agreement one two")
    cells = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert cells["war"] == ["3", "-", "-", "-", "0.00", "+0.00"]
    assert cells["humor"][0] == "3"
    assert cells["humor"][4:] == ["1.00", "−0.33"]
    assert "war: every score is 0" in text
    assert cells["2"] == ["Jumanji", "1.00", "humor", "5", "3"]
    content = terminal.json(scored, "score agreement guided/one two")
    assert content["attributes"][1]["pearson"] is None
    assert content["attributes"][1]["reason"] == "every score is 0"


def test_what_agreement_refuses(terminal: Any, scored: Path) -> None:
    for words, code, sentence in (
        ("score agreement one", 2, "run 'one' scored every item once"),
        ("score agreement one one", 2, "one is named twice"),
        ("score agreement one nobody", 2, "has no run 'nobody'"),
        ("score agreement one guided/none", 2, "there is no version guided/none"),
        ("score agreement films/scores.csv none.csv", 2, "give the schema"),
        ("score agreement films/scores.csv none.csv --schema films", 2, "there is no file none.csv"),
    ):
        found, text = terminal.refuse(scored, words)
        assert found == code, words
        assert sentence in text
        assert len(text.strip().splitlines()) == 1


def test_an_export_is_imported_again(terminal: Any, scored: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert (
        terminal.ask(scored, "score export one --out", out) == f"wrote 2 scores of 3 items (one) to {out}\n"
    )
    with out.open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["item_id", "title", "humor", "war"],
            ["1", "Toy Story", "8", "0"],
            ["2", "Jumanji", "5", "0"],
            ["3", "Grumpier Old Men", "8", "0"],
        ]
    report = terminal.json(scored, "score export guided/two --out", tmp_path / "out.parquet")
    assert (report["items"], report["schema"]) == (3, "tiny")
    agreed = terminal.json(scored, "score agreement one", out)
    assert agreed["overall"]["difference"] == 0
    code, text = terminal.refuse(scored, "score export one --out", tmp_path / "out.txt")
    assert code == 2
    assert "scores are written as .csv, .tsv, .parquet" in text
