"""Scoring by a language model, against the tests' fake server on this machine: throughput and memory.

    python benchmarks/scoring.py [throughput|memory] [--seconds 15] [--items 200000] [--json]

Throughput: `score_items`, one item a request, beside the ceiling of concurrency / latency; where the CPU is
the limit (128 x 200 ms), beside a bare `AsyncOpenAI` client that asks the same and keeps nothing, in turns.
Seconds run from the call of `score_items` to its end: reading items, journal and the table of scores are
all inside. Memory: the resident size of the scoring process over time, 20 items a request. Each run has a
process, a store and a server of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

CASES = ((32, 0.2), (128, 1.0), (128, 0.2))
WORDS = "a quiet story of two brothers who find a map in their father's house and follow it across the sea "


def make_store(folder: Path, items: int) -> None:
    """A store of `items` films with a title and some 200 characters of text."""
    from guided_store.catalogue import ingest_items
    from guided_store.store import create

    rows = range(items)
    columns = {
        "item_id": [f"i{row}" for row in rows],
        "title": [f"Film number {row}" for row in rows],
        "text": [f"{row}: {WORDS * 2}" for row in rows],
    }
    source = folder.with_suffix(".parquet")
    pyarrow.parquet.write_table(pa.table(columns), source)
    with create(folder) as store:
        ingest_items(store, source)
    source.unlink()


def step(kind: str, url: str, folder: str, concurrency: int, per_request: int) -> dict[str, float]:
    """One measured run in this process: "ours" or "bare"; imports, the same each time, come before."""
    for name in ("lancedb", "lance", "openai.resources.chat", "guided_store.runs"):
        importlib.import_module(name)
    before, start = _cpu(resource.RUSAGE_SELF), time.perf_counter()
    items = (_score if kind == "ours" else _bare)(url, folder, concurrency, per_request)
    seconds = time.perf_counter() - start
    return {"items": items, "seconds": seconds, "cpu": _cpu(resource.RUSAGE_SELF) - before}


def _score(url: str, folder: str, concurrency: int, per_request: int) -> int:
    from guided_store.attributes import load_schema
    from guided_store.runs import ScoringOptions, score_items
    from guided_store.store import open

    options = ScoringOptions("fake", base_url=url, concurrency=concurrency, items_per_request=per_request)
    store = open(folder)
    report = score_items(store, load_schema("films"), options)
    if report.left or report.failed or report.unknown:
        raise SystemExit(f"not everything was scored: {report.lines()}")
    return report.ok


def _bare(url: str, folder: str, concurrency: int, per_request: int) -> int:
    """The same questions by openai's client alone; answers are read as it reads them, and dropped."""
    import openai

    from guided_store.attributes import load_schema
    from guided_store.ledger import iter_texts
    from guided_store.llm import Question, make_keys, request_body
    from guided_store.store import open

    question = Question(load_schema("films"))
    texts = list(iter_texts(open(folder), ("title", "text")))
    chunks = iter([texts[at : at + per_request] for at in range(0, len(texts), per_request)])

    async def worker(client: openai.AsyncOpenAI) -> None:
        for number, chunk in enumerate(chunks):  # one iterator for all: each takes the next that is left
            keys, data = make_keys(str(number), len(chunk)), [text.data for text in chunk]
            body: Any = request_body(
                question,
                "fake",
                keys,
                data,
                structured="json_schema",
                max_output_tokens=question.output_tokens(len(chunk)),
                limit_field="max_completion_tokens",
            )
            answer = await client.chat.completions.create(**body)
            if not answer.choices[0].message.content:
                raise SystemExit("no answer")

    async def together() -> None:
        async with openai.AsyncOpenAI(base_url=url, max_retries=0) as client:
            await asyncio.gather(*(worker(client) for _ in range(concurrency)))

    asyncio.run(together())
    return len(texts)


def measure(kind: str, items: int, concurrency: int, latency: float, per_request: int = 1) -> dict[str, Any]:
    """One run, with a process and a server of its own; the resident size of the process over time."""
    from fake_launch import FakeOpenAI

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        make_store(store, items)
        server = FakeOpenAI(Path(folder) / "log.jsonl", latency=latency)
        given = ["--step", kind, server.url, str(store), str(concurrency), str(per_request)]
        environment = {**os.environ, "OPENAI_API_KEY": "none-needed", "OMP_NUM_THREADS": "1"}
        running = subprocess.Popen(
            [sys.executable, __file__, *given], stdout=subprocess.PIPE, text=True, env=environment
        )
        resident = []
        start = time.perf_counter()
        while running.poll() is None:
            resident.append((round(time.perf_counter() - start, 1), _resident(running.pid)))
            time.sleep(0.5)
        output, _ = running.communicate()
        if running.returncode:
            server.stop()
            raise SystemExit(f"the run failed with exit code {running.returncode}")
        before = _cpu(resource.RUSAGE_CHILDREN)
        server.stop()
        served = _cpu(resource.RUSAGE_CHILDREN) - before
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        requests = -(-items // per_request)
        return {
            **result,
            "kind": kind,
            "concurrency": concurrency,
            "latency": latency,
            "requests": requests,
            "rate": requests / result["seconds"],
            "ceiling": concurrency / latency,
            "server_ms_per_request": served / requests * 1e3,
            "resident_mib": [point for point in resident if point[1]],
        }


def throughput(seconds: float) -> list[dict[str, Any]]:
    """All cases; where the ceiling is beyond one core, ours and bare in turns, twice, the better of each."""
    found = []
    for concurrency, latency in CASES:
        limited = concurrency / latency > 300  # what a core of openai's client can do
        items = round(seconds * min(concurrency / latency, 320))
        kinds = ("bare", "ours", "bare", "ours") if limited else ("ours",)
        runs = [measure(kind, items, concurrency, latency) for kind in kinds]
        best: dict[str, dict[str, Any]] = {}
        for run in sorted(runs, key=_rate):
            best[run["kind"]] = run  # the last is the quickest
        ours = best["ours"]
        ours["target"] = "bare" if limited else "ceiling"
        ours["share"] = ours["rate"] / (best["bare"]["rate"] if limited else ours["ceiling"])
        found += list(best.values())
    return found


def memory(items: int) -> dict[str, Any]:
    """The resident size while scoring: after a quarter of the time, at the end, and at most."""
    run = measure("ours", items, concurrency=32, latency=0.05, per_request=20)
    sizes = [size for _, size in run["resident_mib"]]
    return {**run, "quarter_mib": sizes[len(sizes) // 4], "last_mib": sizes[-1], "peak_mib": max(sizes)}


def _rate(run: dict[str, Any]) -> float:
    return float(run["rate"])


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _resident(pid: int) -> float:
    """Resident size of a process in MiB; 0 if it has just ended."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return round(int(shown.stdout or 0) / 1024, 1)


def show(runs: list[dict[str, Any]], kept: dict[str, Any] | None) -> None:
    """Print the figures as tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if runs:
        table = Table("in flight x latency", "client", "requests/s", "of", "share", "CPU ms", "server CPU ms")
        for run in runs:
            target = run.get("target", "")
            table.add_row(
                f"{run['concurrency']} x {run['latency'] * 1e3:.0f} ms",
                run["kind"],
                f"{run['rate']:.1f}",
                f"{run['ceiling']:.0f} (ceiling)" if target == "ceiling" else target,
                f"{run['share']:.3f}" if target else "",
                f"{run['cpu'] / run['requests'] * 1e3:.2f}",
                f"{run['server_ms_per_request']:.2f}",
            )
        console.print(table)
    if kept:
        table = Table("items", "seconds", "items/s", "MiB at a quarter", "at the end", "at most")
        sizes = [f"{kept[name]:.0f}" for name in ("quarter_mib", "last_mib", "peak_mib")]
        table.add_row(
            f"{kept['items']:,}", f"{kept['seconds']:.1f}", f"{kept['items'] / kept['seconds']:,.0f}", *sizes
        )
        console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=("all", "throughput", "memory"), nargs="?", default="all")
    parser.add_argument("--seconds", type=float, default=15, help="about how long each throughput run takes")
    parser.add_argument("--items", type=int, default=200_000, help="items of the memory run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        kind, url, folder, concurrency, per_request = given.step
        print(json.dumps(step(kind, url, folder, int(concurrency), int(per_request))))
        return
    runs = throughput(given.seconds) if given.what != "memory" else []
    kept = memory(given.items) if given.what != "throughput" else None
    if given.json:
        print(json.dumps({"throughput": runs, "memory": kept}))
    else:
        show(runs, kept)


if __name__ == "__main__":
    main()
