"""Data-parallel training: one process for each device, started by `torchrun`.

Every process has all weights and takes the same steps: it knows the whole batch, reads its share of the
sequences, and adds up its gradients with those of the others. What is drawn for a step as a whole (order,
negatives, hidden items) is the same everywhere; dropout is each process's own. The first process alone
validates and writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed

from guided_store.encoders._batches import Batch
from guided_store.errors import UsageError

PATIENCE = timedelta(hours=2)
"""How long a process waits for the others: the first one validates alone."""


@dataclass(frozen=True)
class Ranks:
    """The processes that train together, and which of them this one is.

    Attributes:
        rank: of this process, from 0.
        size: number of processes.
        device: of this process.
    """

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, batch: Batch) -> Batch:
        """The sequences of a batch that this process reads: every `size`-th."""
        if self.size == 1:
            return batch
        width = batch.inputs.shape[1]
        row, column = np.divmod(batch.valid, width)
        mine = row % self.size == self.rank
        return Batch(
            batch.inputs[self.rank :: self.size],
            batch.lengths[self.rank :: self.size],
            row[mine] // self.size * width + column[mine],
            batch.targets[mine],
            batch.users[self.rank :: self.size],
        )

    def add_up(self, parameters: Sequence[Tensor], extra: Sequence[float]) -> list[float]:
        """Replace gradients by their sum over all processes, and give the sums of some numbers."""
        if self.size == 1:
            return list(extra)
        for parameter in parameters:
            if parameter.grad is None:  # a process whose share was empty has none
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in parameters if p.grad is not None]
        numbers = torch.tensor(extra, dtype=torch.float32, device=self.device)
        flat = torch.cat([*(grad.reshape(-1) for grad in gradients), numbers])
        distributed.all_reduce(flat)
        pieces = torch.split(flat, [*(grad.numel() for grad in gradients), len(extra)])
        for grad, piece in zip(gradients, pieces[:-1], strict=True):
            grad.copy_(piece.view_as(grad))
        return [float(number) for number in pieces[-1]]

    def agree(self, value: Any) -> Any:
        """What the first process gives, a JSON-serialisable value; waits for it."""
        if self.size == 1:
            return value
        content = json.dumps(value if self.first else None).encode()
        length = torch.tensor([len(content)], device=self.device)
        distributed.broadcast(length, 0)
        room = torch.zeros(int(length), dtype=torch.uint8, device=self.device)
        if self.first:
            room.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
        distributed.broadcast(room, 0)
        return json.loads(room.cpu().numpy().tobytes())


ALONE = Ranks()
"""One process."""


def first_of_all() -> bool:
    """Whether this process is the one that writes, before anything has been joined."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Within: this process among those that `torchrun` started, on its own device; alone without them.

    The processes talk over gloo on CPUs and nccl on GPUs.

    Args:
        device: torch device; "cuda" becomes the GPU of this process's place on its machine.

    Raises:
        UsageError: the environment names processes but not all that is needed to meet them.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Ranks(device=device)
        return
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise UsageError(f"WORLD_SIZE is {size} but {', '.join(missing)} is not set; start it with torchrun")
    rank = int(os.environ["RANK"])
    if torch.device(device).type == "cuda":
        device = f"cuda:{int(os.environ.get('LOCAL_RANK', '0'))}"
        torch.cuda.set_device(device)
    backend = "nccl" if device.startswith("cuda") else "gloo"
    distributed.init_process_group(backend, rank=rank, world_size=size, timeout=PATIENCE)
    try:
        yield Ranks(rank, size, device)
    finally:
        distributed.destroy_process_group()
