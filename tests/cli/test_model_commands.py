"""`train`, `build`, `versions`, `index`, `recommend`, `explain`, `profile`, `similar`, `evaluate`, `demo`."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

VIEWER = "simulated-0007"


def total(item: dict[str, Any]) -> float:
    return math.fsum([*(term["contribution"] for term in item["attributes"]), item["latent"], item["bias"]])


# recommend -----------------------------------------------------------------------------------------------


def test_recommendations_add_up_and_leave_the_history_out(terminal: Any, trained: Path) -> None:
    found = terminal.json(trained, f"recommend {VIEWER} -k 20")
    assert found["version"] == "refined/r"
    assert found["source"] == "model"
    assert len(found["items"]) == 20
    profile = terminal.json(trained, f"profile {VIEWER}")
    assert not {item["item_id"] for item in found["items"]} & set(profile["history"])
    for item in found["items"]:
        assert total(item) == pytest.approx(item["score"], abs=1e-4)
    scores = [item["score"] for item in found["items"]]
    assert scores == sorted(scores, reverse=True)


def test_the_table_shows_titles_and_fits(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, f"recommend {VIEWER} -k 3 --parts 2")
    first = terminal.json(trained, f"recommend {VIEWER} -k 1")["items"][0]
    assert first["title"].split()[0] in text
    assert "22 others" in text
    table = text.split("\n\n", 1)[1]
    assert max(map(len, table.splitlines())) <= 80


def test_weights_and_limits(terminal: Any, trained: Path) -> None:
    limited = terminal.json(trained, f"recommend {VIEWER} --max violence=3,scariness=5 --min pace=4")
    assert limited["items"]
    for item in limited["items"]:
        raw = {term["attribute"]: term["raw"] for term in item["attributes"]}
        assert raw["violence"] <= 3
        assert raw["scariness"] <= 5
        assert raw["pace"] >= 4
    silent = terminal.json(trained, f"recommend {VIEWER} --weight humor=0")
    contributions = {
        term["contribution"]
        for item in silent["items"]
        for term in item["attributes"]
        if term["attribute"] == "humor"
    }
    assert contributions == {0.0}


def test_a_history_given_outright(terminal: Any, trained: Path) -> None:
    history = terminal.json(trained, f"profile {VIEWER}")["history"]
    by_user = terminal.json(trained, f"recommend {VIEWER}")
    given = terminal.json(trained, "recommend --items", ",".join(history))
    assert [item["item_id"] for item in given["items"]] == [item["item_id"] for item in by_user["items"]]
    text = terminal.ask(trained, f"recommend --items {history[0]},nonsense")
    assert "not read: nonsense" in text


def test_a_stranger_gets_popular_items_and_the_reason(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, "recommend nobody -k 3")
    assert "'nobody' is unknown" in text
    assert "events" in text
    assert terminal.json(trained, "recommend nobody")["source"] != "model"


def test_lists_for_everybody(terminal: Any, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "recs.parquet"
    report = terminal.json(trained, "recommend --all-users -k 5 --out", out)
    table = pq.read_table(out)
    assert report["rows"] == table.num_rows == terminal.users * 5
    own = [row["item_id"] for row in table.to_pylist() if row["user_id"] == VIEWER]
    asked = terminal.json(trained, f"recommend {VIEWER} -k 5")
    assert own == [item["item_id"] for item in asked["items"]]
    result = terminal.json(trained, "evaluate --no-save --recs", out)
    assert "recs" in {row["name"] for row in result["rows"]}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("recommend", "name a user"),
        ("recommend a --items 1,2", "one of the two"),
        ("recommend a --all-users", "belong together"),
        ("recommend --out x.parquet", "belong together"),
        ("recommend a --weight humour=2", "did you mean 'humor'?"),
        ("recommend a --weight humor", "humor=1.5"),
        ("recommend a --max violence=lots", "--max"),
        ("recommend a --version refined/none", "refined/none"),
        ("recommend a --version nonsense", "nonsense"),
        ("recommend a --version guided/films", "guided/films"),
        ("recommend a --version base/b --weight humor=2", "no attributes"),
        ("recommend a --index none", "no index"),
        ("recommend a --weight humor=1e39", "the weight of humor"),
        ("recommend a --split loo", "belong to --all-users"),
        ("recommend a --at 2020-01-01", "belong to --all-users"),
        ("recommend --all-users --out recs.csv", "ends in .parquet"),
        ("recommend --all-users --out recs.parquet --at 2020-01-01", "--split time"),
        ('recommend --items "1', "one line of CSV"),
        ("recommend a -k 0", "-k"),
        ("explain none --user simulated-0001", "'none'"),
        ("explain 1 --user nobody", "nobody"),
        ("profile nobody", "nobody"),
        ("similar none", "'none'"),
        ("evaluate --split none", "--split none"),
        ("evaluate --no-baselines", "nothing to evaluate"),
        ("evaluate guided/films", "guided/films"),
        ("evaluate -k 0", "-k"),
        ("evaluate --at 2020-01-01", "--split time"),
        ("train --as r2 --items guided/films", "guided/films"),
        ("train --as Bad/Name", "legal name"),
        ("train --as x --dim 30 --heads 4", "heads"),
        ("train --as x --device nowhere", "nowhere"),
        ("build refined --base base/b --guided guided/films --as x --dim 8", "24 content columns"),
        ("build base --from none.npy --as x", "--ids"),
        ("index build refined/r", "--overwrite"),
        ("index build refined/r --factory Rubbish --as x", "Rubbish"),
        ("index build refined/r --search nprobe=1.5 --as x", "whole numbers"),
        ("index build refined/r --search nprobe=inf --as x", "whole numbers"),
        ("index build refined/r --search nprobe=1e300 --as x", "nprobe"),
        ("index build refined/r --search nprobe=4 --as x", "it takes none"),
        ("index verify flat", "alias/index"),
        ("build refined --base nobody --guided guided/films --as x", "'nobody' is neither"),
        ("versions list other", "other"),
        ("versions show refined/none", "refined/none"),
        ("versions alias nobody", "nobody"),
        ("versions alias --index flat", "--index"),
    ],
)
def test_wrong_requests_end_in_one_sentence(terminal: Any, trained: Path, command: str, words: str) -> None:
    code, sentence = terminal.refuse(trained, command)
    assert code == 2
    assert words in sentence
    assert "bug" not in sentence


# explain, profile, similar -------------------------------------------------------------------------------


def test_an_explanation_is_the_recommendation_in_full(terminal: Any, trained: Path) -> None:
    first = terminal.json(trained, f"recommend {VIEWER} -k 1")["items"][0]
    found = terminal.json(trained, f"explain {first['item_id']} --user {VIEWER}")
    assert found["rank"] == 1
    assert found["score"] == pytest.approx(first["score"], abs=1e-5)
    assert total(found) == pytest.approx(found["score"], abs=1e-4)
    text = terminal.ask(trained, f"explain {first['item_id']} --user {VIEWER}")
    assert "rank 1 of" in text
    assert "latent part" in text
    assert text.count("\n") > 25


def test_a_profile_has_every_attribute(terminal: Any, trained: Path) -> None:
    assert len(terminal.json(trained, f"profile {VIEWER}")["attributes"]) == 24
    assert "family_friendliness" in terminal.ask(trained, f"profile {VIEWER}")


def test_similar_items(terminal: Any, trained: Path) -> None:
    item = terminal.json(trained, f"recommend {VIEWER} -k 1")["items"][0]["item_id"]
    found = terminal.json(trained, f"similar {item} -k 4")
    assert len(found["items"]) == 4
    assert item not in {other["item_id"] for other in found["items"]}
    assert found["title"] in terminal.ask(trained, f"similar {item}")


# evaluate ------------------------------------------------------------------------------------------------


def test_an_evaluation_shows_versions_beside_baselines(terminal: Any, trained: Path) -> None:
    result = terminal.json(trained, "evaluate base/b refined/r production -k 5,3")
    names = [row["name"] for row in result["rows"]]
    assert names[:2] == ["base/b", "refined/r"]
    assert "popularity" in names
    assert result["ks"] == [3, 5]
    assert result["cases"] == terminal.users
    assert not any("another split" in warning for warning in result["warnings"])
    before = terminal.json(trained, "status")["tables"]["evaluations"]["rows"]
    text = terminal.ask(trained, "evaluate refined/r -k 5 --no-baselines --no-save")
    assert f"{result['rows'][1]['metrics']['ndcg@5']:.4f}" in text
    assert terminal.json(trained, "status")["tables"]["evaluations"]["rows"] == before


def test_a_version_trained_on_other_events_is_marked(terminal: Any, trained: Path) -> None:
    result = terminal.json(trained, "evaluate refined/r --split time --no-save --no-baselines")
    assert any("another split (leave-one-out" in warning for warning in result["warnings"])
    assert "warning: refined/r was trained on another split" in terminal.ask(
        trained, "evaluate refined/r --split time --no-save --no-baselines"
    )


# versions, index, build ----------------------------------------------------------------------------------


def test_versions_tell_where_they_come_from(terminal: Any, trained: Path) -> None:
    listed = terminal.json(trained, "versions list")
    assert {"base/b", "refined/r"} <= {info["version"] for info in listed["versions"]}
    assert "production" in terminal.ask(trained, "versions list refined")
    shown = terminal.json(trained, "versions show production")
    assert shown["version"] == "refined/r"
    assert shown["parents"] == ["refined/start"]
    assert shown["encoder"] is True
    assert shown["indexes"] == ["flat"]
    text = terminal.ask(trained, "versions show refined/r")
    assert "refined/start" in text
    assert shown["digest"] in text


def test_an_alias_moves_and_remembers(terminal: Any, trained: Path) -> None:
    terminal.ask(trained, "versions alias moving base/b")
    assert terminal.json(trained, "versions alias moving refined/r")["version"] == "refined/r"
    history = terminal.json(trained, "versions alias moving")
    assert [row["version"] for row in history] == ["base/b", "refined/r"]
    assert "refined/r" in terminal.ask(trained, "versions alias moving")


def test_indexes_are_measured_listed_and_verified(terminal: Any, trained: Path) -> None:
    made = terminal.json(trained, "index build refined/r --factory HNSW16 --search efSearch=64 --as graph")
    assert made["index"] == "refined/r/graph"
    assert 0 <= made["recall"]["value"] <= 1
    assert "HNSW16" in terminal.ask(trained, "index list production")
    (result,) = terminal.json(trained, "index verify refined/r/graph")
    assert result["recall"] == pytest.approx(made["recall"]["value"])
    assert "refined/r/flat: sound" in terminal.ask(trained, "index verify")
    by_graph = terminal.json(trained, f"recommend {VIEWER} -k 5 --index graph")
    assert len(by_graph["items"]) == 5


def test_vectors_that_a_user_brings(terminal: Any, trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.eye(3, 30, dtype=np.float32))
    (tmp_path / "ids.txt").write_text("1\n2\n3\n")
    command = ("build base --as mine --from", tmp_path / "vectors.npy", "--ids", tmp_path / "ids.txt")
    made = terminal.json(trained, *command)
    assert made["version"] == "base/mine"
    assert made["dim"] == 30


def test_a_guided_version_from_the_ledger(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, "build guided --schema films --as again")
    assert f"guided/again: {terminal.films} items x 24 dimensions" in text


def test_nothing_is_trained_yet(terminal: Any, files: Path, tmp_path: Path) -> None:
    terminal.ask(tmp_path / "s", "ingest interactions", files / "events.csv")
    code, sentence = terminal.refuse(tmp_path / "s", f"recommend {VIEWER}")
    assert code == 2
    assert "guided-store train" in sentence


def test_training_says_what_it_did(terminal: Any, trained: Path) -> None:
    text = terminal.ask(trained, "train --as short --dim 8 --epochs 1 --blocks 1 --length 10 --threads 1")
    assert "base/short" in text
    assert "validation: ndcg@10" in text
    result = terminal.invoke(trained, "--quiet train --as quiet --dim 8 --epochs 1 --blocks 1 --length 10")
    assert result.exit_code == 0
    assert result.stderr == ""


def test_ctrl_c_keeps_what_was_learned(terminal: Any, files: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    terminal.ask(store, "ingest interactions", files / "events.csv")
    command = "train --as long --dim 8 --blocks 1 --heads 1 --length 10 --epochs 40 --patience 40"
    running = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "--store", str(store), *command.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    while not running.stderr.readline().startswith("epoch   2"):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert err.endswith("run the same command again to resume\n")
    assert terminal.json(store, "status")["unfinished"] == ["base/long"]
    assert terminal.json(store, "versions list")["versions"] == []
    result = terminal.invoke(store, command)
    assert result.exit_code == 0
    assert "resumed after epoch" in result.stderr
    assert terminal.json(store, "status")["unfinished"] == []


def test_a_second_writer_is_told_who_writes(terminal: Any, files: Path, tmp_path: Path) -> None:
    from guided_store import store as stores

    with stores.create(tmp_path / "s"):
        code, sentence = terminal.refuse(tmp_path / "s", "ingest interactions", files / "events.csv")
    assert code == 1
    assert f"process {os.getpid()}" in sentence
    assert "--wait" in sentence


# demo ----------------------------------------------------------------------------------------------------


def test_the_demo_runs_through_and_again(
    terminal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guided_store.demo._steps.EPOCHS", 1)
    store = tmp_path / "demo"
    text = terminal.ask(store, "demo --users 60")
    assert "SIMULATED" in text
    assert "base/sasrec" in text
    assert "+ latent" in text
    assert "recommend simulated-" in text
    assert "MovieLens" in text
    before = terminal.json(store, "versions list")["versions"]
    again = terminal.json(store, "demo --users 60")
    assert again["simulated"] is True
    assert len(again["recommendations"]["items"]) == 5
    assert terminal.json(store, "versions list")["versions"] == before
    code, sentence = terminal.refuse(store, "demo --users 61")
    assert code == 2
    assert "other settings" in sentence


def test_the_demo_leaves_other_stores_alone(terminal: Any, trained: Path) -> None:
    code, sentence = terminal.refuse(trained, "demo")
    assert code == 2
    assert "data of its own" in sentence
    assert not (trained / "demo.json").exists()
