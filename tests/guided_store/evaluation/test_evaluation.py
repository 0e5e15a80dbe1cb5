"""A whole evaluation: rows, warnings, intervals, records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from guided_store import store as store_room
from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import UsageError
from guided_store.evaluation import (
    Rows,
    bootstrap_intervals,
    evaluate,
    make_row,
    per_case,
    record,
    recorded,
    summarise,
)


class Oracle:
    """Puts the target at one place, the same for every case: knows the answer."""

    def __init__(self, name: str, behind: int, trained: bool = True) -> None:
        self.name, self.behind, self.trained = name, behind, trained

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        wanted = targets.items(sequences)[rows]
        scores = np.zeros((len(wanted), sequences.n_items), np.float32)
        scores[np.arange(len(wanted)), wanted] = -1 if self.behind else 1
        return scores


def test_rows_warnings_and_dict(chains: Split) -> None:
    result = evaluate(chains, [Oracle("good", 0), Oracle("bad", 1), Oracle("untrained", 1, trained=False)])
    assert list(result.rows) == [
        "good",
        "bad",
        "untrained",
        "popularity",
        "recent-popularity",
        "item-knn",
        "ease",
    ]
    # Three of the made users saw their last film before: masked, hence missed, even by an oracle.
    assert result.repeated_targets == 3
    assert result.rows["good"].metrics["mrr"] == pytest.approx(1 - 3 / 200)
    assert len(result.warnings) == 2
    repeated, lost = result.warnings
    assert repeated.startswith("3 of 200 targets stand in their own history")
    assert lost.startswith("the trained encoder bad loses to ")
    assert "on NDCG@10 (0.0000 < " in lost
    assert "noise" not in lost
    written = json.loads(json.dumps(result.to_dict()))
    assert written["split"]["digest"] == chains.digest
    assert written["cases"] == 200
    assert [row["name"] for row in written["rows"]] == list(result.rows)
    assert "ranks" not in written["rows"][0]
    assert written["warnings"] == list(result.warnings)


def test_a_loss_within_noise_says_so(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2], [1, 2, 0], [2, 0, 1]], 3)
    result = evaluate(split, [], baselines=["popularity"])
    users = np.arange(3)
    ours, theirs = np.array([1.0, 3, 3]), np.array([3.0, 1, 1])
    rows = {
        "mine": make_row("mine", ours, users, trained=True),
        "popularity": make_row("popularity", theirs, users),
    }
    result.rows.clear()
    result.rows.update(rows)
    (warning,) = result.warnings
    assert "loses to popularity" in warning
    assert "may be noise" in warning


def test_wrong_requests(chains: Split) -> None:
    with pytest.raises(UsageError, match="nothing to evaluate"):
        evaluate(chains, [], baselines=False)
    with pytest.raises(UsageError, match="two systems are called 'popularity'"):
        evaluate(chains, [Oracle("popularity", 0)], baselines=["popularity"])
    result = evaluate(chains, [], baselines=["popularity"])
    with pytest.raises(UsageError, match="two systems are called"):
        result.with_row(result.rows["popularity"])
    with pytest.raises(UsageError, match="1 cases where this evaluation has 200"):
        result.with_row(make_row("x", np.array([1.0]), np.array([0])))
    more = result.with_row(make_row("x", np.ones(200), result.users))
    assert list(more.rows) == ["popularity", "x"]
    assert list(result.rows) == ["popularity"]


def test_notes_of_the_split_and_of_validation(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2, 3], [1, 2, 3, 0]], 4, notes=("the test history holds the validation item",))
    assert evaluate(split, []).notes == ("the test history holds the validation item",)
    assert "flatter" in evaluate(split, [], "validation").notes[1]
    assert len(evaluate(split, [], "validation", baselines=["popularity"]).notes) == 1


def test_repeats_allowed_changes_what_is_ranked(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 0], [0, 1, 2]], 3)
    excluded = evaluate(split, [], baselines=["popularity"])
    assert excluded.repeated_targets == 1
    assert excluded.rows["popularity"].unranked == 1
    assert "1 of 2 targets" in excluded.warnings[0]
    allowed = evaluate(split, [], baselines=["popularity"], repeats="allow")
    assert allowed.rows["popularity"].unranked == 0
    assert allowed.warnings == ()


def test_interval_covers_the_mean_and_narrows() -> None:
    random = np.random.default_rng(1)
    widths = []
    for cases in (50, 5000):
        ranks = random.integers(1, 60, cases).astype(np.float64)
        means = summarise(ranks)
        found = bootstrap_intervals(np.arange(cases), per_case(ranks))
        assert all(low <= means[name] <= high for name, (low, high) in found.items())
        widths.append(found["mrr"][1] - found["mrr"][0])
    assert widths[1] < widths[0] / 5


def test_interval_agrees_with_the_normal_one() -> None:
    values = np.random.default_rng(2).random(2000)
    low, high = bootstrap_intervals(np.arange(2000), {"x": values}, replicates=4000)["x"]
    error = values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_interval_resamples_users_not_cases() -> None:
    """A hundred cases of each of ten users are no more evidence than ten."""
    values = np.random.default_rng(3).random(10)
    once = bootstrap_intervals(np.arange(10), {"x": values})["x"]
    often = bootstrap_intervals(np.repeat(np.arange(10), 100), {"x": np.repeat(values, 100)})["x"]
    assert often == pytest.approx(once, abs=1e-12)


def test_interval_is_seeded_and_checks_its_arguments() -> None:
    values = {"x": np.random.default_rng(4).random(30)}
    users = np.arange(30)
    assert bootstrap_intervals(users, values, seed=1) == bootstrap_intervals(users, values, seed=1)
    assert bootstrap_intervals(users, values, seed=1) != bootstrap_intervals(users, values, seed=2)
    with pytest.raises(UsageError, match="at least one case"):
        bootstrap_intervals(users[:0], {"x": values["x"][:0]})
    with pytest.raises(UsageError, match="between 0 and 1"):
        bootstrap_intervals(users, values, level=1.0)


def test_recorded_in_a_real_store(chains: Split, tmp_path: Path) -> None:
    result = evaluate(chains, [Oracle("bad", 1)], baselines=["popularity"])
    with store_room.create(tmp_path / "store") as store:
        assert recorded(store) == []
        first = record(store, result, "refined/y")
        record(store, evaluate(chains, [], baselines=["popularity"]), "baselines")
    with store_room.open(tmp_path / "store") as store:
        rows = recorded(store, "refined/y")
        assert len(recorded(store)) == 3
    assert [row["system"] for row in rows] == ["bad", "popularity"]
    assert {row["evaluation"] for row in rows} == {first}
    assert rows[0]["split_digest"] == chains.digest
    assert rows[0]["metrics"] == result.rows["bad"].metrics
    assert rows[0]["cases"] == 200
