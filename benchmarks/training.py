"""Time to the same validation NDCG@10 on MovieLens-1M: our SASRec, RecTools' and RecBole's, on one core.

    python benchmarks/training.py --data ../shared/datasets/ml-1m [--envs FOLDER] [--core 1] [--seconds 400]

Same data, validation items, dimension, length, blocks, heads and loss (cross-entropy over all items); what
else each side does (learning rate, batches, precision) is its own default. RecTools and RecBole get an
environment each in FOLDER, made by pip on first use: they want numpy 1 (field note 34). Ours and RecTools run
side by side on the core, so that both meet the same neighbours; CPU seconds count, set-up and validation
apart. RecBole is timed for some steps and extrapolated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from training_common import DIM, Data, prepare

HERE = Path(__file__).parent
PEERS = {
    "rectools": ("rectools[torch]==0.19.0", "torch==2.13.0", "numpy<2", "pandas<3"),
    "recbole": ("recbole==1.2.1", "torch==2.13.0", "numpy<2", "pandas<3", "scipy<1.13"),
}


def environment(name: str, folder: Path) -> Path:
    """The python of a peer's environment, which is made where it is missing."""
    python = folder / name / "bin" / "python"
    ready = folder / name / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder / name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS[name]], check=True)
        ready.touch()
    return python


def start(name: str, python: Path, core: int, *arguments: object) -> subprocess.Popen[str]:
    """One side on one core and thread; it prints lines of JSON."""
    paths = os.pathsep.join([str(HERE), *([str(HERE.parent)] if name == "ours" else [])])
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [
        "taskset",
        "-c",
        str(core),
        str(python),
        str(HERE / f"training_{name}.py"),
        *map(str, arguments),
    ]
    return subprocess.Popen(
        command, env=os.environ | threads, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def finish(name: str, process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What a side said."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{name} failed; run training_{name}.py by itself to see why")
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def epochs(lines: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """(CPU seconds of training, NDCG@10) after each epoch."""
    return [(line["seconds"], line["ndcg"]) for line in lines if "ndcg" in line]


def floor(data: Data, core: int) -> dict[str, float]:
    """CPU seconds of the loss's three products in an epoch, at the core's best rate for square matrices."""
    code = (
        "import json, time, torch; torch.set_num_threads(1)\n"
        "def rate(kind):\n"
        "    a = torch.randn(2048, 2048).to(kind); best = 9.0\n"
        "    for _ in range(6):\n"
        "        began = time.process_time(); a @ a; best = min(best, time.process_time() - began)\n"
        "    return 2 * 2048**3 / best\n"
        "print(json.dumps([rate(torch.float32), rate(torch.bfloat16)]))"
    )
    said = subprocess.run(
        ["taskset", "-c", str(core), sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    rates = dict(zip(("fp32", "bf16"), json.loads(said.stdout), strict=True))
    positions = sum(min(100, int(n) - 1) for n in data.indptr[1:] - data.indptr[:-1])
    return {name: 6.0 * positions * data.n_items * DIM / rate for name, rate in rates.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with interactions.parquet")
    parser.add_argument("--envs", type=Path, default=Path(tempfile.gettempdir()) / "training-peers")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=400, help="CPU seconds of training for RecTools")
    given = parser.parse_args()
    pythons = {name: environment(name, given.envs) for name in PEERS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        prepare(given.data / "interactions.parquet", path)
        least = floor(Data(path), given.core)
        both = {"rectools": start("rectools", pythons["rectools"], given.core, path, given.seconds)}
        time.sleep(1)
        ours = start("ours", Path(sys.executable), given.core, path, given.seconds / 2)
        lines = {"ours": finish("ours", ours)} | {name: finish(name, one) for name, one in both.items()}
        recbole = finish("recbole", start("recbole", pythons["recbole"], given.core, path, 60))
    print(
        json.dumps({"ours": lines["ours"], "rectools": lines["rectools"], "recbole": recbole, "floor": least})
    )
    summarise(epochs(lines["ours"]), epochs(lines["rectools"]), recbole, least)


def summarise(
    ours: list[tuple[float, float]],
    theirs: list[tuple[float, float]],
    recbole: list[dict[str, Any]],
    least: dict[str, float],
) -> None:
    """The comparison in words: when each first had the best NDCG@10 that both reached."""
    goal = min(max(value for _, value in side) for side in (ours, theirs))
    reached = [
        next((s, n + 1) for n, (s, value) in enumerate(side) if value >= goal) for side in (ours, theirs)
    ]
    for name, side, (seconds, epoch) in zip(("ours", "RecTools"), (ours, theirs), reached, strict=True):
        each = side[-1][0] / len(side)
        print(f"{name:9} {each:8.1f} s an epoch, NDCG@10 {goal:.4f} after {seconds:.0f} s in epoch {epoch}")
    print(f"ours takes {reached[0][0] / reached[1][0]:.3f} of RecTools' time")
    (first,) = (line for line in recbole if "steps_in_epoch" in line)
    (timed,) = (line for line in recbole if "step" in line)
    whole = timed["step"] * first["steps_in_epoch"]
    print(
        f"RecBole   {whole:8.0f} s an epoch, extrapolated from {timed['timed']} steps of "
        f"{timed['step']:.1f} s"
    )
    print(
        f"floor of the loss's products: {least['fp32']:.1f} s an epoch in fp32, {least['bf16']:.1f} s in bf16"
    )


if __name__ == "__main__":
    main()
