"""Diversity and calibration: by hand, and against SciPy's distances and divergence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.stats import entropy

import guided_store
from guided_store.beyond import (
    category_divergence,
    history_profiles,
    intra_list_diversity,
    list_profiles,
    load_categories,
    make_categories,
    miscalibration,
)
from guided_store.catalogue import ingest_items
from guided_store.errors import UsageError

SPACE = np.array([[0, 0], [3, 4], [0, 4], [9, 9]], np.float32)
SCORED = np.array([True, True, True, False])


def test_diversity_by_hand() -> None:
    lists = np.array([[0, 1, 2], [0, 0, -1], [0, 3, 1], [3, 0, -1]], np.int32)
    found = intra_list_diversity(lists, SPACE, SCORED)
    # 5, 4 and 3 apart; equal items; the unscored item 3 counts in no pair.
    expected = [4 / np.sqrt(2), 0, 5 / np.sqrt(2), np.nan]
    assert found == pytest.approx(expected, nan_ok=True)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 9))
def test_diversity_is_the_mean_of_scipys_distances(seed: int, k: int, width: int) -> None:
    random = np.random.default_rng(seed)
    space = random.normal(size=(40, width)).astype(np.float32)
    lists = np.argsort(random.random((5, 40)), axis=1)[:, :k].astype(np.int32)
    found = intra_list_diversity(lists, space, np.ones(40, np.bool_))
    expected = [pdist(space[row].astype(np.float64)).mean() / np.sqrt(width) for row in lists]
    assert found == pytest.approx(expected)
    assert intra_list_diversity(lists[:, ::-1], space, np.ones(40, np.bool_)) == pytest.approx(found)


def test_random_items_lie_as_far_apart_as_the_docstring_says(make_table: Any) -> None:
    random = np.random.default_rng(4)
    space = make_table(random.uniform(0, 10, (5000, 20)) ** 2 / 10).standardised()
    lists = random.integers(0, 5000, (400, 10)).astype(np.int32)
    found = intra_list_diversity(lists, space, np.ones(5000, np.bool_))
    assert 1.3 < found.mean() < np.sqrt(2)


def test_profiles_and_their_distance_by_hand(make_cases: Any) -> None:
    cases = make_cases([[0, 1, 1, 2], [3, 2], [2, 3, 0]], 4)
    own = history_profiles(cases, SPACE, SCORED)
    expected = [[2, 8 / 3], [np.nan, np.nan], [0, 4]]
    assert own == pytest.approx(np.array(expected), nan_ok=True)
    listed = list_profiles(np.array([[2, 3], [0, 1], [2, 2]], np.int32), SPACE, SCORED)
    assert listed == pytest.approx(np.array([[0, 4], [1.5, 2], [0, 4]]))
    assert miscalibration(listed - own) == pytest.approx([(2 + 4 / 3) / 2, np.nan, 0], nan_ok=True)


def test_the_history_as_list_is_calibrated(make_cases: Any) -> None:
    random = np.random.default_rng(6)
    histories = [random.integers(0, 25, 6).tolist() for _ in range(30)]
    cases = make_cases(histories, 25)
    space = random.normal(size=(25, 8)).astype(np.float32)
    lists = np.array([history[:-1] for history in histories], np.int32)
    scored = np.ones(25, np.bool_)
    gaps = list_profiles(lists, space, scored) - history_profiles(cases, space, scored)
    assert miscalibration(gaps) == pytest.approx(np.zeros(30), abs=1e-6)
    categories = make_categories("genres", ["A", "B|C", "C", "", "D|A"] * 5)
    assert category_divergence(cases, [lists], categories)[0] == pytest.approx(np.zeros(30), abs=1e-12)


def test_divergence_is_scipys_entropy_of_the_blended_mix(make_cases: Any) -> None:
    categories = make_categories("genres", ["A", "A|B", "C", None])
    cases = make_cases([[0, 1, 3, 2], [3, 0], [2, 0, 1]], 4)
    lists = np.array([[2, 0], [0, 1], [1, 3]], np.int32)
    p = [np.array([0.75, 0.25, 0]), None, np.array([0.5, 0, 0.5])]
    q = [np.array([0.5, 0, 0.5]), None, np.array([0.5, 0.5, 0])]
    expected = [
        np.nan if one is None or other is None else entropy(one, 0.99 * other + 0.01 * one)
        for one, other in zip(p, q, strict=True)
    ]
    assert category_divergence(cases, [lists], categories)[0] == pytest.approx(expected, nan_ok=True)


def test_divergence_ends_where_the_docstring_says(make_cases: Any) -> None:
    categories = make_categories("genres", ["A", "B"])
    found = category_divergence(make_cases([[0, 0, 1]], 2), [np.array([[1]], np.int32)], categories)
    assert found[0] == pytest.approx([np.log(100)])


def test_batches_change_nothing(make_cases: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(8)
    cases = make_cases([random.integers(0, 25, 5).tolist() for _ in range(50)], 25)
    lists = np.argsort(random.random((50, 25)), axis=1)[:, :4].astype(np.int32)
    space, scored = random.normal(size=(25, 3)).astype(np.float32), np.ones(25, np.bool_)
    categories = make_categories("genres", ["A", "B|C", "C", "", "D|A"] * 5)

    def everything() -> list[Any]:
        return [
            intra_list_diversity(lists, space, scored),
            list_profiles(lists, space, scored),
            *category_divergence(cases, [lists, lists[:, ::-1]], categories),
        ]

    whole = everything()
    monkeypatch.setattr("guided_store.beyond._profiles._CELLS", 100)
    monkeypatch.setattr("guided_store.beyond._categories._CELLS", 30)
    for one, other in zip(whole, everything(), strict=True):
        assert np.array_equal(one, other)


def test_categories_of_a_store(tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("item_id,title,genres,year\na,A,Drama|Comedy,1990\nb,B,,1991\nc,C,Drama| War ,1992\n")
    with guided_store.create(tmp_path / "store") as store:
        ingest_items(store, items)
        found = load_categories(store, ["c", "unknown", "a", "b"])
        assert found is not None
        assert (found.column, found.names) == ("genres", ("Comedy", "Drama", "War"))
        assert found.indptr.tolist() == [0, 2, 2, 4, 4]
        assert found.codes.tolist() == [1, 2, 0, 1]
        with pytest.raises(UsageError, match="no column 'mood'; there are: item_id, title"):
            load_categories(store, ["a"], "mood")
        with pytest.raises(UsageError, match="'year' is not of texts"):
            load_categories(store, ["a"], "year")
        with pytest.raises(UsageError, match="no item is in any category"):
            load_categories(store, ["b"], "genres")
        assert load_categories(store, ["b"]) is None


def test_lists_of_names_are_categories_too() -> None:
    found = make_categories("tags", [["b", "a", "b"], [], None])
    assert (found.names, found.indptr.tolist(), found.codes.tolist()) == (("a", "b"), [0, 2, 2, 2], [0, 1])
