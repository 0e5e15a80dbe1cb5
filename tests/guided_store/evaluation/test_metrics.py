"""Metrics against hand-computed cases, their own properties, and ranx."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.errors import UsageError
from guided_store.evaluation import mrr, mrr_at, ndcg_at, per_case, recall_at, summarise

RANKS = st.lists(st.integers(1, 500) | st.just(float("inf")), min_size=1, max_size=30)

RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
cases = json.load(open(sys.argv[1]))
qrels = Qrels({name: {case["target"]: 1} for name, case in cases.items()})
run = Run({name: case["list"] for name, case in cases.items()})
metrics = ["mrr", "mrr@10", "recall@5", "recall@10", "recall@20", "ndcg@5", "ndcg@10", "ndcg@20"]
print(json.dumps({name: float(value) for name, value in evaluate(qrels, run, metrics).items()}))
"""


def test_by_hand() -> None:
    ranks = np.array([1, 3, 11, np.inf])
    np.testing.assert_allclose(mrr(ranks), [1, 1 / 3, 1 / 11, 0], atol=1e-12)
    np.testing.assert_allclose(mrr_at(ranks, 10), [1, 1 / 3, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(recall_at(ranks, 3), [1, 1, 0, 0])
    np.testing.assert_allclose(ndcg_at(ranks, 10), [1, 0.5, 0, 0], atol=1e-12)
    assert ndcg_at([7], 10)[0] == pytest.approx(1 / 3, abs=1e-12)


def test_summary_has_every_metric_in_order() -> None:
    summary = summarise([1, 3, 11, np.inf])
    assert list(summary) == [
        "mrr",
        "mrr@10",
        "recall@5",
        "recall@10",
        "recall@20",
        "ndcg@5",
        "ndcg@10",
        "ndcg@20",
    ]
    assert summary["mrr"] == pytest.approx((1 + 1 / 3 + 1 / 11) / 4, abs=1e-12)
    assert summary["recall@20"] == 0.75
    assert summary["ndcg@20"] == pytest.approx((1 + 0.5 + 1 / np.log2(12)) / 4, abs=1e-12)


@given(RANKS, st.integers(1, 60))
def test_bounds_and_order(ranks: list[float], k: int) -> None:
    values = per_case(ranks, (k, k + 1))
    for metric in values.values():
        assert ((metric >= 0) & (metric <= 1)).all()
    assert (values[f"ndcg@{k}"] <= values[f"recall@{k}"]).all()
    assert (mrr_at(ranks, k) <= values[f"ndcg@{k}"] + 1e-12).all()
    assert (values[f"recall@{k}"] <= values[f"recall@{k + 1}"]).all()
    assert (mrr_at(ranks, k) <= values["mrr"]).all()


@given(RANKS)
def test_a_better_rank_never_hurts(ranks: list[float]) -> None:
    better = [max(1.0, rank - 1) for rank in ranks]
    for name, value in summarise(better).items():
        assert value >= summarise(ranks)[name]


@pytest.mark.parametrize("ranks", [[0], [1, 0.5], [float("nan")], [[1, 2]]])
def test_impossible_ranks_are_refused(ranks: list[float]) -> None:
    with pytest.raises(UsageError, match="rank"):
        summarise(ranks)


def test_no_case_and_no_cut_are_refused() -> None:
    with pytest.raises(UsageError, match="no case"):
        summarise([])
    with pytest.raises(UsageError, match="1 or more, not 0"):
        recall_at([1], 0)
    with pytest.raises(UsageError, match="at least one cut-off"):
        summarise([1], ())


def test_agrees_with_ranx(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    cases, ranks = {}, []
    for number in range(120):
        items = [f"i{code}" for code in random.permutation(40)]
        rank = int(random.integers(1, 46))
        # Beyond the list of 40 items the target is not ranked at all.
        target = items[rank - 1] if rank <= 40 else "absent"
        ranks.append(rank if rank <= 40 else np.inf)
        scored = {item: 1.0 - place / 64 for place, item in enumerate(items)}
        cases[f"q{number}"] = {"target": target, "list": scored}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    # A process of its own, uncompiled: numba takes a minute to compile what runs here in milliseconds.
    answer = subprocess.run(
        [sys.executable, "-c", RANX, str(path)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = json.loads(answer.stdout.splitlines()[-1])
    ours = summarise(ranks)
    assert set(theirs) == set(ours)
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-6), name
