"""Lists from another system: ranks, what is counted, and every way a file can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from guided_store.catalogue import Split
from guided_store.errors import DataError, UsageError
from guided_store.evaluation import Popularity, evaluate, evaluate_recs, target_ranks, top_k


@pytest.fixture
def split(make_split: Callable[..., Split]) -> Split:
    """Targets: u0 -> i3, u1 -> i0, u2 -> i0 (in its own history); u3 is too short to be a case."""
    return make_split([[0, 1, 2, 3], [1, 2, 0], [0, 1, 0], [4, 5]], 6)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_ranks_counts_and_notes(split: Split, tmp_path: Path) -> None:
    path = write(
        tmp_path / "mine.csv",
        "user_id,item_id,rank\nu0,i1,1\nu0,nobody,2\nu0,i3,3\nu2,i0,1\n\nu3,i2,1\nstranger,i1,1\n",
    )
    row = evaluate_recs(path, split)
    assert row.name == "mine"
    assert row.ranks.tolist() == [3, np.inf, np.inf]
    assert row.metrics["mrr"] == pytest.approx(1 / 9)
    assert row.parameters == {
        "depth": 3,
        "users_with_list": 2,
        "users_missing": 1,
        "users_not_evaluated": 2,
        "unknown_items": 1,
        "in_history": 2,
    }
    assert row.notes[0] == "MRR is truncated to the lists' depth of 3"
    assert "beyond 3" in row.notes[1]
    assert evaluate_recs(path, split, repeats="allow").ranks.tolist() == [3, np.inf, 1]
    with_it = evaluate(split, [], baselines=["popularity"]).with_row(row)
    assert list(with_it.rows) == ["popularity", "mine"]


def test_lists_without_any_target_are_said_to_be_so(split: Split, tmp_path: Path) -> None:
    path = write(tmp_path / "whole.csv", "user_id,item_id,rank\nu0,i4,1\nu1,i4,1\nu2,i4,1\n")
    row = evaluate_recs(path, split)
    assert row.metrics["mrr"] == 0
    assert any("made from whole histories" in note for note in row.notes)


def test_scores_order_lists_and_ties_go_by_code(split: Split, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tsv",
        "item_id\tscore\tuser_id\ni4\t0.5\tu0\ni3\t0.5\tu0\ni5\t-1e-3\tu1\ni0\t 2 \tu1\ni1\t3\tu1\n",
    )
    assert evaluate_recs(path, split).ranks.tolist() == [1, 2, np.inf]


def test_parquet_with_integer_ids_and_ranks(make_split: Callable[..., Split], tmp_path: Path) -> None:
    split = make_split([[0, 1, 2]], 3)
    object.__setattr__(split.sequences, "user_ids", ("7",))
    object.__setattr__(split.sequences, "item_ids", ("10", "11", "12"))
    table = pa.table({"user_id": [7, 7], "item_id": [12, 11], "rank": [2, 1], "other": ["x", "y"]})
    parquet.write_table(table, tmp_path / "r.parquet")
    assert evaluate_recs(tmp_path / "r.parquet", split).ranks.tolist() == [2]


def test_lists_of_a_scorer_give_its_own_ranks(chains: Split, tmp_path: Path) -> None:
    """Written out to their full depth and read again, lists have the ranks of full ranking."""
    model = Popularity.fit(chains)
    items, scores = top_k(model, chains, k=60)
    case, place = np.nonzero(items >= 0)
    table = pa.table(
        {
            "user_id": [chains.sequences.user_ids[chains.test.users[c]] for c in case],
            "item_id": [chains.sequences.item_ids[i] for i in items[case, place]],
            "score": scores[case, place],
        }
    )
    parquet.write_table(table, tmp_path / "r.parquet")
    np.testing.assert_array_equal(
        evaluate_recs(tmp_path / "r.parquet", chains).ranks, target_ranks(model, chains)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,item_id,rank\nu0,i1,1\n\nu0,i2,2\nu0,i1,3\n", "line 5: user 'u0' has item 'i1' twice"),
        ("user_id,item_id,rank\nu0,x,1\nu0,x,2\nu0,i1,3\n", "line 3: user 'u0' has item 'x' twice"),
        ("user_id,item_id,rank\nu0,i1,1\nu0,i2,1\n", "line 3: user 'u0' has rank 1 twice"),
        ("user_id,item_id,rank\nu0,i1,0\n", "line 2: rank '0' is not a whole number from 1"),
        ("user_id,item_id,rank\nu0,i1,1\nu0,i2,1.5\n", "line 3: rank '1.5' is not a whole number from 1"),
        ("user_id,item_id,rank\nu0,i1,first\n", "line 2: rank 'first' is not a whole number from 1"),
        ("user_id,item_id,score\nu0,i1,nan\n", "line 2: score 'nan' is not a finite number"),
        ("user_id,item_id,score\nu0,i1,1\nu0,i2,\n", "line 3: score '' is not a finite number"),
        ("user_id,item_id,score\nu0,i1,1e999\n", "line 2: score '1e999' is not a finite number"),
        ("user_id,item_id,score\n,i1,1\n", "line 2: user_id is empty"),
        ("user_id,item_id,score\nu0,,1\n", "line 2: item_id is empty"),
        ("user_id,item_id,score\nu0,i1,1\nu0,i2\n", "line 3: 2 fields where the header has 3"),
        ("user_id,item,score\nu0,i1,1\n", "column 'item_id' is missing, there are user_id, item, score"),
        ("user_id,item_id\nu0,i1\n", "a column 'rank' or 'score' is needed"),
        ("user_id,item_id,rank\n", "there are no recommendations in it"),
        ("", "not a readable CSV file"),
        ("user_id,item_id,rank\nzz,i1,1\n", "none of its users is in the store, for example 'zz'"),
        ("user_id,item_id,rank\nu0,99,1\n", "none of its items is in the store, for example '99'"),
    ],
)
def test_wrong_files_are_named_with_their_line(split: Split, tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "r.csv", text)
    with pytest.raises(DataError) as caught:
        evaluate_recs(path, split)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_wrong_files(split: Split, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        evaluate_recs(tmp_path / "absent.csv", split)
    with pytest.raises(DataError, match="are read from"):
        evaluate_recs(write(tmp_path / "r.json", "{}"), split)
    with pytest.raises(DataError, match="not a readable Parquet file"):
        evaluate_recs(write(tmp_path / "r.parquet", "user_id"), split)
    with pytest.raises(UsageError, match="unknown part"):
        evaluate_recs(tmp_path / "absent.csv", split, "train")  # type: ignore[arg-type]
    parquet.write_table(
        pa.table({"user_id": [1.0], "item_id": ["a"], "rank": [1]}), tmp_path / "floats.parquet"
    )
    with pytest.raises(DataError, match="'user_id' holds double values"):
        evaluate_recs(tmp_path / "floats.parquet", split)
    parquet.write_table(
        pa.table({"user_id": ["u0", "u0"], "item_id": ["i1", "i1"], "rank": [1, 2]}), tmp_path / "d.parquet"
    )
    with pytest.raises(DataError, match="row 2: user 'u0' has item 'i1' twice"):
        evaluate_recs(tmp_path / "d.parquet", split)
