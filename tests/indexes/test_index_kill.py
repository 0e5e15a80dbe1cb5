"""A save that is killed (SIGKILL) at any step leaves the old index, the new one or none, never a half."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from forking import Forking

from indexes import VectorIndex, VectorIndexError, verify

# The child kills itself just before the step of the save with the given number. `swap` False stands for
# systems without an atomic exchange of directories.
CHILD = """
import os, shutil, signal, sys
import numpy as np
from indexes import VectorIndex, _artifact

path, overwrite, swap, fatal = sys.argv[1], sys.argv[2] == "True", sys.argv[3] == "True", int(sys.argv[4])
index = VectorIndex.build(np.ones((50, 4), np.float32))
if not swap:
    _artifact._exchange = lambda one, other: False
step = 0

def dying(call):
    def wrapped(*arguments, **options):
        global step
        step += 1
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return wrapped

_artifact.faiss.write_index = dying(_artifact.faiss.write_index)
os.fsync, os.rename, shutil.rmtree = dying(os.fsync), dying(os.rename), dying(shutil.rmtree)
_artifact._exchange = dying(_artifact._exchange)
index.save(path, version_digest="new", overwrite=overwrite)
"""


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    with Forking("indexes") as process:
        yield process


def old_index() -> VectorIndex:
    return VectorIndex.build(np.eye(9, 3, dtype=np.float32))


@pytest.mark.parametrize(("overwrite", "swap"), [(False, True), (True, True), (True, False)])
def test_kill_at_every_step(tmp_path: Path, forking: Forking, overwrite: bool, swap: bool) -> None:
    assert forking.start(CHILD, tmp_path / "count", overwrite, swap, 0).wait() == 0
    outcomes = []
    for fatal in range(1, 20):
        path = tmp_path / str(fatal) / "index"
        if overwrite:
            old_index().save(path, version_digest="old")
        code = forking.start(CHILD, path, overwrite, swap, fatal).wait()
        if code == 0:
            break
        assert code == -signal.SIGKILL
        try:
            outcomes.append(verify(path).version_digest)
        except VectorIndexError as error:
            outcomes.append("none")
            expected = "was interrupted: rename" if overwrite else "build it first"
            assert expected in str(error)  # noqa: PT017
        # The next save of that name works, and clears what was left.
        old_index().save(path, version_digest="next", overwrite=True)
        assert verify(path).version_digest == "next"
        assert [entry.name for entry in path.parent.iterdir()] == ["index"]
    else:
        pytest.fail("the save never ran to its end")
    if overwrite and swap:
        assert set(outcomes) == {"old", "new"}
    elif overwrite:
        assert set(outcomes) == {"old", "none", "new"}
        assert outcomes.count("none") == 1  # between two renames, and the old index is kept aside
    else:
        assert set(outcomes) == {"none", "new"}
    assert len(outcomes) >= 5


def test_an_interrupted_replacement_names_the_index_it_kept(tmp_path: Path) -> None:
    old_index().save(tmp_path / ".films.replaced-1", version_digest="old")
    with pytest.raises(VectorIndexError, match=r"rename .*\.films\.replaced-1 back"):
        VectorIndex.load(tmp_path / "films")
    (tmp_path / ".films.replaced-1").rename(tmp_path / "films")
    assert verify(tmp_path / "films").version_digest == "old"


def test_a_save_that_still_runs_is_not_cleared_away(tmp_path: Path) -> None:
    from indexes._artifact import _draft

    with _draft(tmp_path / "films") as running:
        (running / "index.faiss").write_bytes(b"half")
        old_index().save(tmp_path / "films", version_digest="v")
        assert (running / "index.faiss").read_bytes() == b"half"
    assert [entry.name for entry in tmp_path.iterdir()] == ["films"]
