"""A dataset becomes a store once; a control's columns are what they are called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_plan import ITEMS, USERS, small_dataset, write_small

from guided_store import store as stores
from guided_store.errors import DataError, UsageError
from guided_store.reproduction import Prepared, prepare
from guided_store.reproduction._content import CONTROL, content_version
from guided_store.reproduction._datasets import GUIDED, find_prepared
from guided_store.store import Store
from guided_store.versions import load_embedding


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def prepared(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(small_dataset(), files, tmp_path_factory.mktemp("work"))


@pytest.fixture
def store(prepared: Prepared, tmp_path: Path) -> Iterator[Store]:
    shutil.copytree(prepared.store, tmp_path / "store")
    with stores.open(tmp_path / "store", write=True) as opened:
        yield opened


def test_the_facts_are_those_of_the_split(prepared: Prepared) -> None:
    split = prepared.load_split()
    assert split.digest == prepared.split
    assert len(prepared.users) == USERS
    assert (prepared.targets == split.test.items(split.sequences)).all()
    train = split.train
    for case in (0, 7, USERS - 1):
        assert prepared.target_counts[case] == (train.items == prepared.targets[case]).sum()
        assert prepared.user_lengths[case] == len(train.row(int(prepared.users[case]))) == 6
    assert prepared.item_counts.sum() == train.n_events


def test_it_is_made_once(files: Path, prepared: Prepared) -> None:
    work = prepared.store.parents[2]
    before = {path: path.stat().st_mtime_ns for path in prepared.store.rglob("*")}
    again = [prepare(small_dataset(), files, work), prepare(small_dataset(), None, work)]
    assert {one.split for one in again} == {prepared.split}
    assert {path: path.stat().st_mtime_ns for path in prepared.store.rglob("*")} == before


def test_it_is_not_mixed_with_other_files(prepared: Prepared, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="made from other files"):
        prepare(small_dataset(), write_small(tmp_path, seed=5), prepared.store.parents[2])


def test_what_is_missing_or_does_not_agree(files: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with pytest.raises(UsageError, match=r"is not in .* yet"):
        prepare(small_dataset(), None, work)
    with pytest.raises(UsageError, match=r"there is no file .*other"):
        prepare(small_dataset(folder="other"), files, work)
    assert find_prepared(small_dataset(), work) is None
    assert not work.exists()
    with pytest.raises(DataError, match="has 3 attributes, where the plan of small says 4"):
        prepare(small_dataset(attributes=4), files, work)
    with pytest.raises(UsageError, match="fame"):
        prepare(small_dataset(hindsight=("fame",)), files, work)
    assert prepare(small_dataset(), files, work).split  # a failed attempt is in nobody's way


def test_permuted_scores_are_the_same_rows_elsewhere(store: Store) -> None:
    scores = load_embedding(store, GUIDED)
    assert content_version(store, "permuted", 1) == CONTROL
    control = load_embedding(store, CONTROL)
    assert control.item_ids == scores.item_ids
    assert (control.vectors != scores.vectors).any(axis=1).mean() > 0.5
    assert sorted(control.vectors.tolist()) == sorted(scores.vectors.tolist())
    assert control.info.recipe["control"] == "permuted"
    assert not set(control.attributes) & set(scores.attributes)


def test_draws_differ_and_come_again(prepared: Prepared, tmp_path: Path) -> None:
    found = []
    for number, draw in enumerate((1, 2, 1)):
        shutil.copytree(prepared.store, tmp_path / str(number))
        with stores.open(tmp_path / str(number), write=True) as store:
            content_version(store, "random", draw)
            found.append(load_embedding(store, CONTROL).vectors)
    assert (found[0] == found[2]).all()
    assert abs(np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1]) < 0.5
    assert np.allclose(found[0].mean(axis=0), 0, atol=1e-6)
    assert np.allclose(found[0].std(axis=0), 1, atol=1e-6)


def test_text_stands_before_the_scores(store: Store) -> None:
    content_version(store, "text+scores", 1, text_columns=2)
    control, scores = load_embedding(store, CONTROL), load_embedding(store, GUIDED)
    assert control.vectors.shape == (ITEMS, 5)
    assert (control.vectors[:, 2:] == scores.vectors).all()
    assert control.attributes == ("text_01", "text_02", *scores.attributes)
    text = load_embedding(store, "base/text")
    assert (control.vectors[:, :2] == text.vectors).all()
