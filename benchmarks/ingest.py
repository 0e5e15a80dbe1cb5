"""Time and memory of an ingest and of loading the sequences, on a synthetic file of N ratings.

    python benchmarks/ingest.py 5000000 [--core 5] [--folder DIR]

The file looks like MovieLens 25M's `ratings.csv`: users in a row, items by a long-tailed popularity, times
over a few years. Ingest and load run in processes of their own, so that each one's peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv


def write_file(path: Path, rows: int, seed: int = 0) -> None:
    """A ratings file of `rows` rows, written in parts of a million."""
    rng = np.random.default_rng(seed)
    n_users, n_items = max(rows // 154, 1), max(min(rows // 10, 59_000), 1)
    schema = pa.schema(
        [("userId", pa.int32()), ("movieId", pa.int32()), ("rating", pa.float32()), ("timestamp", pa.int64())]
    )
    with pyarrow.csv.CSVWriter(path, schema) as writer:
        for start in range(0, rows, 1_000_000):
            n = min(1_000_000, rows - start)
            users = (np.arange(start, start + n) * n_users // rows + 1).astype(np.int32)
            items = (rng.random(n) ** 3 * n_items).astype(np.int32) + 1
            ratings = (rng.integers(1, 11, n) / 2).astype(np.float32)
            columns = [users, items, ratings, rng.integers(800_000_000, 1_570_000_000, n)]
            writer.write_table(pa.table([pa.array(column) for column in columns], schema=schema))


def measured(action: str, *arguments: str) -> dict[str, float]:
    """Run one step of this script in a process of its own; its seconds and peak memory."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", action, *arguments], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def step(action: str, arguments: list[str]) -> None:
    """One measured step: "ingest FILE STORE CORE" or "load STORE"."""
    from guided_store.catalogue import IngestOptions, ingest_interactions, load_sequences
    from guided_store.store import create, open

    start = time.perf_counter()
    if action == "ingest":
        source, folder, core = arguments
        options = IngestOptions(min_user_events=int(core), min_item_events=int(core))
        with create(folder) as store:
            report = ingest_interactions(store, source, options=options)
        print("\n".join(report.lines()))
        events = report.total
    else:
        events = load_sequences(open(arguments[0])).n_events
    seconds = time.perf_counter() - start
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform != "darwin" else 1 << 30
    )
    print(json.dumps({"seconds": seconds, "peak_gib": peak, "events": events}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=5_000_000)
    parser.add_argument("--core", type=int, default=0, help="k-core to apply to users and items")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        step(arguments.step[0], arguments.step[1:])
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        source, store = Path(folder) / "ratings.csv", Path(folder) / "store"
        write_file(source, arguments.rows)
        print(f"{arguments.rows:,} rows, {source.stat().st_size / 1e6:,.0f} MB")
        for action, given in (
            ("ingest", [str(source), str(store), str(arguments.core)]),
            ("load", [str(store)]),
        ):
            result = measured(action, *given)
            print(
                f"{action}: {result['seconds']:.1f} s, {arguments.rows / result['seconds']:,.0f} rows/s, "
                f"peak memory {result['peak_gib']:.2f} GiB, {result['events']:,.0f} events"
            )


if __name__ == "__main__":
    main()
