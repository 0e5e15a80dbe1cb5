"""`init`, `status`, `doctor`, `ingest`, `attributes`, `score import`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest


def test_init_makes_a_store_once(terminal: Any, tmp_path: Path) -> None:
    store = tmp_path / "s"
    assert "created an empty store" in terminal.ask(store, "init")
    assert terminal.json(store, "status")["tables"] == {}
    code, sentence = terminal.refuse(store, "init")
    assert code == 1
    assert sentence == f"error: {store} holds a store already\n"


def test_the_store_may_be_named_by_the_environment(
    terminal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIDED_STORE", str(tmp_path / "s"))
    assert terminal.json(None, "init")["store"] == str(tmp_path / "s")


def test_a_store_that_is_not_there(terminal: Any, tmp_path: Path) -> None:
    code, sentence = terminal.refuse(tmp_path / "none", "status")
    assert code == 1
    assert "there is no store" in sentence
    assert "init" in sentence


def test_status(terminal: Any, trained: Path) -> None:
    found = terminal.json(trained, "status")
    assert found["tables"]["items"]["rows"] == terminal.films
    assert {entry["version"] for entry in found["embeddings"]} >= {"base/b", "guided/films", "refined/r"}
    assert found["aliases"]["production"] == "refined/r"
    text = terminal.ask(trained, "status")
    assert "refined/r/flat" in text
    assert "production -> refined/r" in text


def test_doctor_finds_nothing_in_a_sound_store(terminal: Any, trained: Path) -> None:
    checks = terminal.json(trained, "doctor")
    assert {check["state"] for check in checks} == {"good"}
    subjects = {check["subject"] for check in checks}
    assert {"torch", "refined/r", "encoder refined/r", "index refined/r/flat", "alias production"} <= subjects
    assert "no faults found" in terminal.ask(trained, "doctor")


def test_doctor_names_what_is_damaged(terminal: Any, trained: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    shutil.copytree(trained, store)
    (index,) = (store / "indexes" / "refined" / "r" / "flat").glob("*.faiss")
    content = bytearray(index.read_bytes())
    content[-1] ^= 1
    index.write_bytes(content)
    weights = store / "encoders" / "base" / "b" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    shutil.copytree(store / "encoders" / "base" / "b", store / "encoders" / "base" / "orphan")
    result = terminal.invoke(store, "doctor --json")
    assert result.exit_code == 1
    states = {check["subject"]: check["state"] for check in json.loads(result.stdout)}
    assert states["index refined/r/flat"] == "fault"
    assert states["encoder base/b"] == "fault"
    assert states["refined/r"] == "good"
    assert states["store"] in {"good", "note"}
    assert any("orphan" in check["finding"] for check in json.loads(result.stdout))
    terminal.invoke(store, "doctor --repair")
    assert not (store / "encoders" / "base" / "orphan").exists()


def test_doctor_on_no_store_at_all(terminal: Any, tmp_path: Path) -> None:
    result = terminal.invoke(tmp_path / "none", "doctor")
    assert result.exit_code == 1
    assert "there is no store" in " ".join(result.stdout.split())


def test_ingest_reports_what_it_took(terminal: Any, files: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    report = terminal.json(store, "ingest interactions", files / "events.csv", "--k-core", "3")
    assert report["table"] == "interactions"
    assert report["users"] <= terminal.users
    assert report["added"] + sum(report["left_out"].values()) == report["rows"]
    text = terminal.ask(store, "ingest items", files / "items.csv", "--item", "film", "--title", "name")
    assert f"{terminal.films} rows read from items.csv, {terminal.films} added" in text


def test_bad_rows_are_refused_or_skipped(terminal: Any, tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text("user,item,time\na,1,10\na,2,soon\nb,1,5\n")
    code, sentence = terminal.refuse(tmp_path / "s", "ingest interactions", str(events))
    assert code == 1
    assert "events.csv line 3" in sentence
    report = terminal.json(tmp_path / "s", "ingest interactions", str(events), "--on-error", "skip")
    assert report["added"] == 2
    assert len(report["bad_rows"]) == 1


def test_columns_and_delimiters_are_options(terminal: Any, tmp_path: Path) -> None:
    events = tmp_path / "events.tsv"
    events.write_text("who\twhat\tn\na\t1\t2\na\t2\t1\n")
    command = "ingest interactions --user who --item what --order n"
    assert terminal.json(tmp_path / "s", command, events, "--delimiter", "\\t")["added"] == 2
    code, sentence = terminal.refuse(tmp_path / "s", "ingest interactions --user nobody", events)
    assert code in {1, 2}
    assert "nobody" in sentence


def test_a_choice_that_does_not_exist(terminal: Any, tmp_path: Path) -> None:
    code, sentence = terminal.refuse(tmp_path / "s", "ingest interactions x.csv --duplicates some")
    assert code == 2
    assert "'some'" in sentence
    assert not (tmp_path / "s").exists()


def test_users_and_folders(terminal: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "interactions.csv").write_text("user_id,item_id,timestamp\na,1,1\na,2,2\n")
    (tmp_path / "data" / "users.csv").write_text("user_id,age\na,30\n")
    reports = terminal.json(tmp_path / "s", "ingest folder", tmp_path / "data")
    assert [report["table"] for report in reports] == ["users", "interactions"]
    assert terminal.json(tmp_path / "s", "ingest users", tmp_path / "data" / "users.csv")["total"] == 1
    code, sentence = terminal.refuse(tmp_path / "s", "ingest movielens", tmp_path / "data")
    assert code == 2
    assert "not a MovieLens folder" in sentence


def test_movielens(terminal: Any, datasets: Path, tmp_path: Path) -> None:
    folder = datasets / "ml-100k"
    if not folder.is_dir():
        folder = tmp_path / "small"
        folder.mkdir()
        (folder / "u.data").write_text("1\t10\t5\t880000000\n1\t11\t3\t880000001\n2\t10\t4\t880000002\n")
    reports = terminal.json(tmp_path / "s", "ingest movielens", str(folder))
    assert reports[-1]["table"] == "interactions"
    assert reports[-1]["added"] == len((folder / "u.data").read_text().splitlines())


def test_attributes(terminal: Any) -> None:
    assert "films" in terminal.ask(None, "attributes list")
    (films,) = (pack for pack in terminal.json(None, "attributes list") if pack["name"] == "films")
    assert len(films["attributes"]) == 24
    text = terminal.ask(None, "attributes show films")
    assert "constant comedy" in text
    assert "hindsight" in text
    assert terminal.json(None, "attributes show films")["item"] == "film"


def test_a_schema_goes_out_and_in_again(terminal: Any, tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(terminal.ask(None, "attributes show films --toml"), encoding="utf-8")
    digests = [terminal.json(None, "attributes show", name)["digest"] for name in ("films", str(copy))]
    assert digests[0] == digests[1]
    copy.write_text('name = "x"\nitem = "film"\n')
    code, sentence = terminal.refuse(None, "attributes check", str(copy))
    assert code == 1
    assert "no attributes" in sentence


def test_attributes_are_measured_on_a_version(terminal: Any, trained: Path) -> None:
    found = terminal.json(trained, "attributes check films --version guided/films")
    assert found["attributes"] == 24
    assert "is valid" in terminal.ask(trained, "attributes check films")
    code, sentence = terminal.refuse(trained, "attributes check films --version base/b")
    assert code == 2
    assert "base/b" in sentence


def test_score_import_reports_coverage(terminal: Any, files: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    terminal.ask(store, "ingest items", files / "items.csv", "--item", "film", "--title", "name")
    text = terminal.ask(store, "score import films --schema films --as by-title --match title,year")
    assert "coverage" in text
    report = terminal.json(store, "score import films --schema films --as by-id")
    assert report["coverage"] == 1.0
    code, sentence = terminal.refuse(store, "score import films --schema films --as by-id")
    assert code == 1
    assert "guided/by-id" in sentence
    code, sentence = terminal.refuse(store, "score import nothing.csv --schema films --as x")
    assert code == 2
    assert "nothing.csv" in sentence
