"""kill -9 at any moment of a build: earlier versions stay readable, no half-named one appears."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from forking import LANCE, Forking

from guided_store.store import create, open
from guided_store.versions import list_versions, load_embedding, write_version

# Writes base/new and dies before or after the named step.
DYING = """
import os, signal, sys
import numpy as np
import guided_store.versions._write as writing
from guided_store.store import Store, open

path, step, moment = sys.argv[1:]

def dying(work):
    def run(*args, **kwargs):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        work(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    return run

if step == "row":
    writing.add_row = dying(writing.add_row)
else:
    setattr(Store, step, dying(getattr(Store, step)))
with open(path, write=True) as store:
    writing.write_version(store, "base/new", ["a", "b"], np.ones((2, 7), np.float32))
"""

# Writes versions without end, and says so after each.
ENDLESS = """
import sys
import numpy as np
from guided_store.store import open
from guided_store.versions import write_version

with open(sys.argv[1], write=True) as store:
    for number in range(10_000):
        shape = (2_000, 4 + number % 5)
        ids = [f"i{row}" for row in range(shape[0])]
        write_version(store, f"base/n{number}", ids, np.full(shape, number, np.float32))
        print(number, flush=True)
"""


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    with Forking("guided_store.versions", *LANCE) as process:
        yield process


def start(path: Path) -> None:
    with create(path) as store:
        write_version(store, "base/old", ["a", "b"], np.eye(2, 5, dtype=np.float32))


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["replace", "tag", "row"])
def test_killed_between_the_parts_of_a_version(
    tmp_path: Path, forking: Forking, step: str, moment: str
) -> None:
    path = tmp_path / "s"
    start(path)
    assert forking.start(DYING, path, step, moment).wait() == -signal.SIGKILL
    finished = step == "row" and moment == "after"
    expected = ["base/old", "base/new"] if finished else ["base/old"]
    assert [str(info.ref) for info in list_versions(open(path))] == expected
    with open(path, write=True) as store:
        assert sorted(store.tags("base")) == sorted(name.partition("/")[2] for name in expected)
        np.testing.assert_array_equal(load_embedding(store, "base/old").vectors, np.eye(2, 5))
        if not finished:
            write_version(store, "base/new", ["a", "b"], np.ones((2, 7), np.float32))
        np.testing.assert_array_equal(load_embedding(store, "base/new").vectors, np.ones((2, 7)))


@pytest.mark.parametrize("delay", [0.0, 0.013, 0.031])
def test_killed_at_a_random_moment(tmp_path: Path, forking: Forking, delay: float) -> None:
    path = tmp_path / "s"
    start(path)
    writer = forking.start(ENDLESS, path)
    assert writer.stdout.readline() == "0\n"
    time.sleep(delay)
    writer.send_signal(signal.SIGKILL)
    assert writer.wait() == -signal.SIGKILL
    with open(path, write=True) as store:
        versions = list_versions(store)
        assert {str(info.ref) for info in versions} == {f"base/{tag}" for tag in store.tags("base")}
        assert {"base/old", "base/n0"} <= {str(info.ref) for info in versions}
        for info in versions:
            assert load_embedding(store, info.ref).vectors.shape == (info.rows, info.dim)
