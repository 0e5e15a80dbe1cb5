"""Two processes over gloo take the steps of one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from train_rank import run_rank

from guided_store.encoders._batches import Batch
from guided_store.encoders._distributed import Ranks, joined
from guided_store.errors import UsageError

WORKER = Path(__file__).parents[2] / "support" / "train_rank.py"
SETTINGS: dict[str, Any] = {
    "architecture": "sasrec",
    "epochs": 3,
    "batch_size": 16,
    "precision": "fp32",
    "learning_rate": 1e-3,
}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


RUNS = {
    "full": SETTINGS | {"cold_share": 0.3},
    "row-sparse": SETTINGS | {"loss": "gbce", "negatives": 5, "row_sparse": True, "batch_size": 2},
}


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes wrote, a folder for each run: starting them takes longer than all they do."""
    out = tmp_path_factory.mktemp("two")
    train(out, 2, RUNS)
    return out


def train(out: Path, size: int, runs: dict[str, dict[str, Any]]) -> None:
    """Run `size` processes to their end."""
    clean = {name: value for name, value in os.environ.items() if name not in {"RANK", "WORLD_SIZE"}}
    clean |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(WORKER.parents[2])}
    port = str(free_port())
    running = []
    for rank in range(size):
        own = {"RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        command = [sys.executable, str(WORKER), json.dumps(runs), str(out)]
        running.append(
            subprocess.Popen(
                command, env=clean | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        )
    for process in running:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said


@pytest.mark.parametrize("run", RUNS)
def test_two_processes_take_the_steps_of_one(tmp_path: Path, two: Path, run: str) -> None:
    run_rank(RUNS[run], tmp_path)
    alone = json.loads((tmp_path / "rank0.json").read_text())
    first, second = (json.loads((two / run / f"rank{n}.json").read_text()) for n in (0, 1))
    assert first == second
    assert first["best"] == alone["best"] == 2
    np.testing.assert_allclose(first["losses"], alone["losses"], rtol=1e-5)
    whole = load_file(tmp_path / "rank0.safetensors")
    shares = [load_file(two / run / f"rank{n}.safetensors") for n in (0, 1)]
    for name, value in whole.items():
        assert torch.equal(shares[0][name], shares[1][name]), name
        # Adam makes a step of any gradient, however small: where it is rounding alone, its sign may differ
        assert (shares[0][name] - value).abs().max() < 2e-4, name
    kept = [load_file(folder / "checkpoint.safetensors") for folder in (tmp_path, two / run)]
    assert kept[0].keys() == kept[1].keys()


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=9),
    size=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_shares_are_the_batch(lengths: list[int], size: int, seed: int) -> None:
    counts, width = np.array(lengths), max(lengths)
    real = np.arange(width) < counts[:, None]
    inputs = np.where(real, np.random.default_rng(seed).permutation(real.size).reshape(real.shape) + 1, 0)
    users = inputs[:, 0] * 100
    batch = Batch(inputs, counts, np.flatnonzero(real), inputs[real] * 10, users)
    shares = [Ranks(rank, size).share(batch) for rank in range(size)]
    assert sum(len(share.lengths) for share in shares) == len(lengths)
    for share in shares:
        # a target still stands with its own event
        np.testing.assert_array_equal(share.inputs.ravel()[share.valid] * 10, share.targets)
        assert (np.diff(share.valid) > 0).all()
        # and a sequence with its user
        np.testing.assert_array_equal(share.users, share.inputs[:, 0] * 100)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([share.targets for share in shares])), np.sort(batch.targets)
    )


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined("cpu") as ranks:
        assert ranks == Ranks(0, 1, "cpu")
        assert ranks.agree({"a": 1}) == {"a": 1}
        weight = torch.nn.Parameter(torch.ones(2))
        assert ranks.add_up([weight], [0.5, 1.0]) == [0.5, 1.0]
        assert weight.grad is None


def test_half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    wanted = "RANK, MASTER_ADDR, MASTER_PORT is not set; start it with torchrun"
    with pytest.raises(UsageError, match=wanted), joined("cpu"):
        pass
