"""Lists for all users are the lists of each user."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from guided_store.errors import UsageError
from guided_store.retrieval import Recommender, _bulk, recommend_all, write_recommendations


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
    rows = write_recommendations(recommender, path, k=3)
    assert pq.read_table(path).equals(recommend_all(recommender, k=3))
    assert rows == 3 * recommender.sequences.n_users
    assert [entry.name for entry in tmp_path.iterdir()] == ["recs.parquet"]
    with pytest.raises(UsageError, match="does not exist"):
        write_recommendations(recommender, tmp_path / "absent" / "recs.parquet")
