"""Lists for all users are the lists of each user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from guided_store.catalogue import Sequences, leave_one_out, no_split, time_split
from guided_store.encoders import load_scorer
from guided_store.errors import UsageError
from guided_store.evaluation import evaluate, evaluate_recs
from guided_store.retrieval import BulkReport, Recommender, _bulk, recommend_all, write_recommendations
from guided_store.store import Store


def test_bulk_is_one_by_one(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bulk, "USERS_AT_ONCE", 40)
    request = {"k": 6, "weights": {"humor": 2.0}, "maximum": {"violence": 6.0}}
    table = recommend_all(recommender, **request)
    users = recommender.sequences.user_ids
    assert table.num_rows == 6 * len(users)
    assert table["rank"].to_pylist() == list(range(1, 7)) * len(users)
    for user in users[::30]:
        rows = [row for row in table.to_pylist() if row["user_id"] == user]
        alone = recommender.recommend(user=user, **request)
        assert [row["item_id"] for row in rows] == [item.item_id for item in alone]
        assert [row["score"] for row in rows] == pytest.approx([item.score for item in alone], abs=1e-4)
        assert {row["source"] for row in rows} == {"model"}


def test_written_file_is_the_table(recommender: Recommender, tmp_path: Path) -> None:
    path = tmp_path / "recs.parquet"
    report = write_recommendations(recommender, path, k=3)
    assert pq.read_table(path).equals(recommend_all(recommender, k=3))
    users = recommender.sequences.n_users
    assert report == BulkReport(rows=3 * users, users=users, users_without_list=0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["recs.parquet"]
    with pytest.raises(UsageError, match="does not exist"):
        write_recommendations(recommender, tmp_path / "absent" / "recs.parquet")
    with pytest.raises(UsageError, match=r"ends in \.parquet, not recs\.csv"):
        write_recommendations(recommender, tmp_path / "recs.csv")
    assert not (tmp_path / "recs.csv").exists()


def test_users_whom_limits_leave_nothing_are_counted(recommender: Recommender, tmp_path: Path) -> None:
    report = write_recommendations(recommender, tmp_path / "r.parquet", minimum={"violence": 11.0})
    users = recommender.sequences.n_users
    assert report.to_dict() == {"rows": 0, "users": users, "users_without_list": users}


@pytest.mark.parametrize("kind", ["loo", "time"])
def test_lists_of_a_split_are_judged_as_their_version(
    trained: Store, recommender: Recommender, tmp_path: Path, kind: str
) -> None:
    make = leave_one_out if kind == "loo" else time_split
    split = make(recommender.sequences)
    path = tmp_path / "lists.parquet"
    report = write_recommendations(recommender, path, k=20, split=split)
    assert report.users == len(split.test)
    assert report.rows == 20 * len(split.test)
    scorer, _ = load_scorer(trained, "refined/small", split)
    result = evaluate(split, [scorer], baselines=False, lists=[evaluate_recs(path, split)])
    version, lists = result.rows["refined/small"], result.rows["lists"]
    assert version.metrics["recall@20"] > 0
    for name in ("ndcg@10", "recall@10", "ndcg@20", "recall@20"):
        assert lists.metrics[name] == pytest.approx(version.metrics[name], abs=1e-9)
    # Whole histories hold the targets, so that such lists never have one.
    write_recommendations(recommender, path, k=20)
    assert evaluate_recs(path, split).metrics["recall@20"] < lists.metrics["recall@20"]


def test_popularity_of_a_split_is_that_of_its_training(recommender: Recommender) -> None:
    # All events of the first user are of an item the version lacks; everyone else saw item 0, then item 1.
    known = recommender.embedding.item_ids[:2]
    items = np.array([2, 2, 2] + [0, 0, 1] * 4, np.int32)
    sequences = Sequences(tuple("abcde"), (*known, "?"), np.arange(0, 18, 3), items)
    split = leave_one_out(sequences)
    table = recommend_all(recommender, k=1, split=split).to_pylist()
    assert table[0] == {
        "user_id": "a",
        "rank": 1,
        "item_id": known[0],
        "score": 4.0,
        "source": "popularity",
    }
    assert {row["source"] for row in table[1:]} == {"model"}


def test_a_split_without_cases_has_no_lists(recommender: Recommender) -> None:
    with pytest.raises(UsageError, match="none split has no test cases"):
        recommend_all(recommender, split=no_split(recommender.sequences))
