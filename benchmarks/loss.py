"""The chunked full softmax against torch's own cross-entropy: time and peak memory of one step, in one run.

    python benchmarks/loss.py [--positions 12800] [--items 3416] [--dim 64] [--threads 2] [--json]

The floor is three matrix products (logits, and the gradients of queries and of vectors), each 2 N V d FLOPs.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import torch

from guided_store.encoders._loss import full_softmax_loss


def one_step(kind: str, tensors: list[torch.Tensor], targets: torch.Tensor) -> None:
    queries, vectors, bias = tensors
    if kind == "chunked":
        loss = full_softmax_loss(queries, vectors, bias, targets)
    else:
        loss = torch.nn.functional.cross_entropy(queries @ vectors.t() + bias, targets)
    loss.backward()
    for tensor in tensors:
        tensor.grad = None


def measure(kind: str, positions: int, items: int, dim: int, threads: int) -> dict[str, float]:
    """Best of ten steps, in this process; peak memory above that of the inputs."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(0)
    tensors = [
        torch.randn(*shape, generator=generator).requires_grad_()
        for shape in ((positions, dim), (items, dim), (items,))
    ]
    targets = torch.randint(items, (positions,), generator=generator)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = []
    for _ in range(10):
        began = time.perf_counter()
        one_step(kind, tensors, targets)
        times.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": min(times), "peak_mib": peak / 1024}


def matmul_floor(positions: int, items: int, dim: int, threads: int) -> float:
    """Seconds of the three products alone, at the speed this machine multiplies large square matrices."""
    torch.set_num_threads(threads)
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    best = min(_timed(a, b) for _ in range(10))
    rate = 2 * 2048**3 / best
    return 6 * positions * items * dim / rate


def _timed(a: torch.Tensor, b: torch.Tensor) -> float:
    began = time.perf_counter()
    torch.mm(a, b)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("positions", 12_800), ("items", 3_416), ("dim", 64), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=("chunked", "torch"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = (given.positions, given.items, given.dim, given.threads)
    if given.only:
        print(json.dumps(measure(given.only, *sizes)))
        return
    found = {}
    for kind in ("chunked", "torch"):  # a process each: peak memory is a process's
        command = [sys.executable, __file__, "--only", kind]
        for name in ("positions", "items", "dim", "threads"):
            command += [f"--{name}", str(getattr(given, name))]
        found[kind] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    floor = matmul_floor(*sizes)
    found["floor"] = {"seconds": floor, "peak_mib": 0.0}
    if given.json:
        print(json.dumps(found))
        return
    for kind, row in found.items():
        print(f"{kind:8} {row['seconds'] * 1e3:8.1f} ms {row['peak_mib']:8.0f} MiB")
    ratio = found["torch"]["seconds"] / found["chunked"]["seconds"]
    share = found["chunked"]["seconds"] / floor
    print(f"chunked is {ratio:.2f} times as fast as torch, and takes {share:.2f} times the floor")


if __name__ == "__main__":
    main()
