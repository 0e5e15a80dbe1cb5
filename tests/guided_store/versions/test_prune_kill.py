"""kill -9 at each step of a prune: the store opens, what stays can be read, a second prune completes."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from forking import LANCE, Forking

from guided_store.store import create, open
from guided_store.versions import (
    list_versions,
    load_embedding,
    plan_prune,
    prune,
    set_alias,
    write_version,
)

NAMES = ("old", "kept", "gone", "child")
STEPS = ("remove_row", "remove_artifact", "untag", "restore", "cleanup_old_versions")

# Prunes base/old, base/gone and refined/child; dies before or after the call number `count` of a step.
DYING = """
import os, signal, sys
import lance
import guided_store.versions._prune as pruning
from guided_store.store import Store, open

path, step, count, moment = sys.argv[1:]
holder = {"remove_row": pruning, "remove_artifact": Store, "untag": Store}.get(step, lance.LanceDataset)
work, left = getattr(holder, step), [int(count)]

def dying(*args, **kwargs):
    left[0] -= 1
    if left[0] == 0 and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = work(*args, **kwargs)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return found

setattr(holder, step, dying)
with open(path, write=True) as store:
    pruning.prune(store, pruning.plan_prune(store, ["base/old", "base/gone", "refined/child"]))
"""


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    with Forking("guided_store.versions", *LANCE) as process:
        yield process


def start(path: Path) -> None:
    ids = [f"i{row}" for row in range(300)]
    with create(path) as store:
        for number, name in enumerate(NAMES):
            ref = f"{'refined' if name == 'child' else 'base'}/{name}"
            parents = ["base/gone"] if name == "child" else []
            write_version(store, ref, ids, np.full((300, 8), number, np.float32), parents=parents)
            for room, artifact in (("encoders", ref), ("indexes", f"{ref}/flat")):
                with store.publish(room, artifact) as folder:
                    (folder / "encoder.json").write_text(json.dumps({"version": ref}))
        set_alias(store, "production", "base/kept")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("step", "count"), [*((step, 1) for step in STEPS), ("remove_row", 2), ("untag", 3)])
def test_killed_in_a_prune(tmp_path: Path, forking: Forking, step: str, count: int, moment: str) -> None:
    path = tmp_path / "s"
    start(path)
    assert forking.start(DYING, path, step, count, moment).wait() == -signal.SIGKILL
    for store in (open(path), open(path, write=True)):
        left = [str(info.ref) for info in list_versions(store)]
        assert "base/kept" in left
        for name in left:  # each of them whole
            assert (load_embedding(store, name).vectors == NAMES.index(name.split("/")[1])).all()
            assert store.artifact("encoders", name).is_dir()
        assert "refined/child" not in left or "base/gone" in left, "no version without what it was made from"
        if store.writable:
            prune(store, plan_prune(store, [name for name in left if name != "base/kept"]))
        store.close()
    with open(path, write=True) as store:
        assert [str(info.ref) for info in list_versions(store)] == ["base/kept"]
        assert (store.tags("base"), store.tags("refined")) == ({"kept": 2}, {})
        assert store.artifacts("encoders") == ["base/kept"]
        assert store.artifacts("indexes", 3) == ["base/kept/flat"]
        assert plan_prune(store).orphans == ()
        assert len(list((path / "tables" / "base.lance" / "data").iterdir())) == 1
        assert not list((path / "tables" / "refined.lance" / "data").iterdir())
        assert (load_embedding(store, "base/kept").vectors == 1).all()
