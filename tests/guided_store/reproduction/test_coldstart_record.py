"""The cold start experiment is made once, and what it found becomes targets and a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from small_plan import small_dataset, write_small

from guided_store.errors import DataError
from guided_store.reproduction import ColdPlan, Recipe, cold_targets, gather_cold, run_cold, write_cold

HIDDEN = Recipe(encoder={"residual": True}, training={"cold_share": 0.2})


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files, work = write_small(tmp_path_factory.mktemp("files")), tmp_path_factory.mktemp("work")
    plan = ColdPlan(epochs=2, models={"hidden": HIDDEN, "plain": Recipe()}, base={"learning_rate": 1e-2})
    return run_cold(small_dataset(), files, work, cold=plan)


@pytest.fixture
def content(record: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return found


def test_it_says_how_it_was_made_and_is_not_made_again(record: Path, content: dict[str, Any]) -> None:
    assert content["settings"]["models"]["hidden"] == {"residual": True, "cold_share": 0.2}
    assert content["cold_sets"]["seed"] == 2
    assert content["items"]["trained"] <= content["items"]["all"] - 2 * content["cold_sets"]["test"]
    before = record.stat().st_mtime_ns
    work = record.parents[1]
    assert run_cold(small_dataset(), None, work, cold=ColdPlan(1, {})) == record
    assert record.stat().st_mtime_ns == before


def test_every_system_has_a_row_and_models_are_compared(content: dict[str, Any]) -> None:
    names = [row["name"] for row in content["test"]]
    assert {"random", "TF-IDF cosine", "attribute cosine", "refined/hidden", "refined/plain, calibrated"} <= {
        *names
    }
    assert set(content["against_baselines_among_cold"]) == {"refined/hidden", "refined/plain"}
    assert set(content["warm_against_reference"]) == {"refined/hidden", "refined/plain"}


def test_targets_follow_the_figures(content: dict[str, Any]) -> None:
    model = "refined/plain"
    content["choices"][model]["tuning"][0]["value"] = 2.0  # the best on the tuning set
    best = content["best_baselines_among_cold"]
    for metric in ("recall@10", "recall@20", "mrr"):
        pair = content["against_baselines_among_cold"][model][best[metric]][metric]
        pair |= {"relative": 0.5, "relative_interval": [0.4, 0.6]}
    (row,) = (row for row in content["test"] if row["name"] == f"{model}, calibrated")
    row["to_tail_recall@20"] = {"value": 0.6, "interval": [0.4, 0.8]}
    row["cost"]["ndcg@10"] |= {"relative": -0.03, "relative_interval": [-0.05, -0.01]}
    targets = cold_targets({"games": content})
    assert [target.verdict for target in targets] == [
        "reached",
        "reached, interval goes below",
        "not reached",
    ]
    assert all("refined/plain" in target.note for target in targets)


def test_the_hardest_baseline_may_be_neighbours_by_text(content: dict[str, Any]) -> None:
    near = next(row for row in content["test"] if row["name"].startswith("neighbours by text"))
    near["among_cold"]["metrics"]["mrr"] = 0.99
    labels = [figure.label for figure in cold_targets({"games": content})[0].measured]
    assert f"over {near['name']}:" in labels[2]
    assert near["name"] not in labels[0]


def test_the_document_shows_the_figures_of_the_record(tmp_path: Path, content: dict[str, Any]) -> None:
    data, document = write_cold({"office": content}, tmp_path)
    assert json.loads(data.read_text(encoding="utf-8")) == {"office": content}
    lines = document.read_text(encoding="utf-8").splitlines()
    for row in content["test"]:
        (line,) = (line for line in lines if line.startswith(f"| {row['name']} "))
        assert f"{row['among_cold']['metrics']['recall@10']:.4f}" in line
        assert f"{row['among_all']['metrics']['recall@20']:.4f}" in line
    assert write_cold({}, tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    place = tmp_path / "coldstart"
    place.mkdir()
    (place / "office.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"office\.json is damaged"):
        gather_cold(tmp_path)
