"""What differs between two versions: found where it was planted, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from guided_store.errors import UnknownVersionError
from guided_store.store import Store, create
from guided_store.versions import Change, Ref, diff_versions, write_version

IDS = ["a", "b", "c", "d"]
RECIPE = {"method": "m", "attributes": ["one", "two"], "schema": {"name": "s", "version": 1}, "seed": 1}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create(tmp_path / "s")


def vectors(rows: int, columns: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def put_encoder(store: Store, ref: str, training: dict[str, object]) -> None:
    with store.publish("encoders", ref) as folder:
        content = {"config": {"dim": 4, "heads": 1}, "training": training}
        (folder / "encoder.json").write_text(json.dumps(content))


def test_a_version_and_its_copy(store: Store) -> None:
    for name in ("x", "y"):
        write_version(store, f"base/{name}", IDS, vectors(4), recipe=RECIPE)
    found = diff_versions(store, "base/x", "base/y")
    assert found.same_content
    assert (found.added, found.removed, found.recipe, found.training) == ((), (), (), ())
    assert (found.content.items, found.content.rows, found.content.columns) == (4, 4, 4)
    assert found.content.bias is None
    assert found.content.raw is None
    assert found.trained == (False, False)


def test_planted_differences(store: Store) -> None:
    ours = vectors(4)
    theirs = np.concatenate([ours[[2, 0, 1]], vectors(1, seed=9)])  # c, a, b, e
    theirs[1, 3] += np.float32(1e-6)  # of a, in the last column
    raw = np.array([[1, np.nan], [2, 3], [4, 5], [6, 7]], np.float32)
    other = np.array([[4, 5], [1, np.nan], [2, 9], [0, 0]], np.float32)[:, ::-1]  # columns two, one
    write_version(
        store,
        "refined/x",
        IDS,
        ours,
        bias=np.arange(4, dtype=np.float32),
        raw=raw,
        parents=["base/b", "guided/g"],
        recipe=RECIPE,
        metrics={"mrr": 0.5, "only": 1},
    )
    write_version(
        store,
        "refined/y",
        ["c", "a", "b", "e"],
        theirs,
        bias=np.array([2, 0, 5, 3], np.float32),
        raw=other,
        parents=["guided/g", "guided/h"],
        recipe={
            "method": "m",
            "attributes": ["two", "one"],
            "schema": {"name": "s", "version": 2},
            "new": [1],
        },
        metrics={"mrr": 0.25},
    )
    found = diff_versions(store, "refined/x", "refined/y")
    assert (found.removed, found.added) == (("d",), ("e",))
    assert not found.same_order
    assert found.parents == (("removed", "base/b"), ("added", "guided/h"))
    assert found.recipe == (
        Change("attributes", "changed", ["one", "two"], ["two", "one"]),
        Change("new", "added", None, [1]),
        Change("schema.version", "changed", 1, 2),
        Change("seed", "removed", 1, None),
    )
    assert (found.attributes_added, found.attributes_removed) == ((), ())
    content = found.content
    assert (content.items, content.rows, content.columns, content.bias) == (3, 2, 3, 2)
    assert (content.raw, content.scores) == (5, 6), "NaN is NaN, and columns are matched by name"
    assert found.metrics == {"mrr": (0.5, 0.25), "only": (1.0, None)}
    assert json.loads(json.dumps(found.to_dict()))["identical"]["rows"] == 2


def test_other_dimensions_and_nothing_in_common(store: Store) -> None:
    write_version(store, "base/x", IDS, vectors(4))
    write_version(store, "base/y", ["z"], vectors(1, 8))
    write_version(store, Ref("users", "u"), ["z"], vectors(1, 4))
    found = diff_versions(store, "base/x", "base/y")
    assert (found.content.items, found.content.rows, found.content.columns) == (0, None, None)
    assert found.removed == tuple(IDS)
    assert diff_versions(store, "base/y", Ref("users", "u")).content.items == 1
    with pytest.raises(UnknownVersionError):
        diff_versions(store, "base/x", "base/none")


def test_training_is_compared_without_what_came_of_it(store: Store) -> None:
    for name, seed in (("x", 1), ("y", 2)):
        training = {"training": {"seed": seed}, "split": "s", "history": [seed], "validation": {"mrr": seed}}
        put_encoder(store, f"base/{name}", training)
        write_version(store, f"base/{name}", IDS, vectors(4, seed=seed))
    write_version(store, "base/z", IDS, vectors(4), recipe={"training": {"split": "t"}})
    found = diff_versions(store, "base/x", "base/y")
    assert found.training == (Change("training.seed", "changed", 1, 2),)
    assert found.trained == (True, True)
    assert Change("split", "changed", "s", "t") in diff_versions(store, "base/x", "base/z").training
    (store.artifact("encoders", "base/y") / "encoder.json").write_text("{")
    assert (
        Change("encoder", "added", None, "its record cannot be read")
        in diff_versions(store, "base/x", "base/y").training
    )
