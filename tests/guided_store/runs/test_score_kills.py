"""kill -9 and Ctrl-C while scoring: what was answered is kept, and little is bought again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from books import PRICES, SCHEMA, Books, make_store
from forking import LANCE, Forking

from guided_store.runs import RunReport, ScoringOptions, score_items
from guided_store.store import open

CONCURRENCY = 16
Fake = Callable[..., Any]
Popen = Callable[..., "subprocess.Popen[str]"]


COMMAND = "from cli.main import main; raise SystemExit(main())"


@pytest.fixture
def popen() -> Iterator[Popen]:
    """Starts Python processes, and ends those that a failing test leaves."""
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started.append(subprocess.Popen([sys.executable, *command], **pipes, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def command_line(path: Path, fake: Any) -> str:
    """`score run` with a small schema."""
    schema = path.with_name("demo.toml")
    schema.write_text(SCHEMA.to_toml(), encoding="utf-8")
    return (
        f"--store {path} score run --schema {schema} --model fake --base-url {fake.url} --json "
        f"--concurrency {CONCURRENCY} --items-per-request 2 "
        f"--prices {PRICES.input},{PRICES.output},{PRICES.cached}"
    )


def wait_for(pid: int, fake: Any, more: int) -> None:
    """Wait until the process has sent some requests more than were sent by now."""
    before = len(fake.received())
    wait_until(pid, lambda: len(fake.received()) >= before + more)


def wait_until(pid: int, happens: Callable[[], bool]) -> None:
    for _ in range(120):
        assert lives(pid), "it ended by itself; what it said is in the captured stderr"
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            if happens():
                return
            time.sleep(0.005)
    raise TimeoutError("nothing happened for a minute")


def lives(pid: int) -> bool:
    """Whether a process runs, rather than being gone or a zombie."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return bool(state.strip()) and not state.startswith("Z")


def interrupt(running: subprocess.Popen[str], times: int) -> dict[str, Any]:
    """Press Ctrl-C; the report that the process prints as it ends."""
    for _ in range(times):
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    report: dict[str, Any] = json.loads(out)
    assert report["stopped"] == "interrupted"
    return report


def go_on(path: Path, fake: Any) -> RunReport:
    """The same question again, in this process."""
    options = ScoringOptions("fake", fake.url, items_per_request=2, concurrency=CONCURRENCY, prices=PRICES)
    return score_items(open(path), SCHEMA, options)


@pytest.fixture
def forking() -> Iterator[Forking]:
    with Forking("cli.score_run", "guided_store.runs", "openai.resources.chat", *LANCE) as process:
        yield process


def test_killed_at_ten_random_moments(tmp_path: Path, fake_openai: Fake, forking: Forking) -> None:
    rng = random.Random(7)
    fake = fake_openai(latency=0.05)
    path = make_store(tmp_path / "store", [f"Film {n}" for n in range(1_000)])
    killed: list[set[str]] = []
    for turn in range(10):
        seen = set(fake.received())
        (path / "writer.json").unlink(missing_ok=True)  # of one that was killed while it wrote
        running = forking.start(COMMAND, *command_line(path, fake).split())
        if turn % 3 == 2:  # while it takes over what the last one left in the journal
            wait_until(running.pid, (path / "writer.json").exists)
        else:
            wait_for(running.pid, fake, more=1)
        time.sleep(rng.uniform(0, 0.35))
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL  # it had not ended by itself
        fake.wait_idle()
        killed.append(set(fake.received()) - seen)
    assert sum(bool(sent) for sent in killed) >= 7
    report = go_on(path, fake)
    assert (report.left, report.failed, report.stopped) == (0, 0, None)
    books = Books(path, fake)
    books.check()
    assert {item for item, _ in books.scored} == set(books.titles)
    for sent in killed:
        assert len(books.unknown & sent) <= CONCURRENCY
    assert books.bought_again() <= 2 * len(books.unknown)
    assert books.cost() <= books.spent()


def test_ctrl_c(tmp_path: Path, fake_openai: Fake, popen: Popen) -> None:
    fake = fake_openai(latency=0.15)
    path = make_store(tmp_path / "store", [f"Film {n}" for n in range(600)])
    running = popen("-m", "cli.main", *command_line(path, fake).split())
    wait_for(running.pid, fake, more=60)
    report = interrupt(running, times=1)
    assert 0 < report["left"] < 600
    books = Books(path, fake)
    books.check()
    assert books.unknown == set()  # what was in flight was waited for
    assert books.computed == books.recorded
    assert not list(path.rglob("journal/*/*.jsonl"))

    # The second Ctrl-C gives up what is in flight.
    fake.set(latency=4.0)
    running = popen("-m", "cli.main", *command_line(path, fake).split())
    wait_for(running.pid, fake, more=CONCURRENCY)
    interrupt(running, times=2)
    books = Books(path, fake)
    books.check()
    assert len(books.unknown) == CONCURRENCY
    assert books.unknown <= books.computed  # the server went on, and will bill them

    fake.set(latency=0.01)
    assert go_on(path, fake).left == 0
    books = Books(path, fake)
    books.check()
    assert len(books.scored) == 600
    assert books.bought_again() == 2 * CONCURRENCY
