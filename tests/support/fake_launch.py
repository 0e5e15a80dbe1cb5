"""Starting the fake server as a process of its own, and reading its log; for tests and benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fake_answers import score_of

SCRIPT = Path(__file__).with_name("fake_openai.py")


class FakeOpenAI:
    """A running fake server.

    Attributes:
        url: base URL for a client, ending in /v1.
        port: where it listens.
    """

    def __init__(self, log: Path, *, port: int = 0, **settings: Any) -> None:
        self._path, self._settings = log, settings
        self._lines: list[dict[str, Any]] = []
        self._read = 0
        self.start(port)

    def start(self, port: int = 0) -> None:
        """Start it, at first or again after `stop` (give `port` for the same address); the log goes on."""
        command = [sys.executable, str(SCRIPT), "--port", str(port), "--log", str(self._path)]
        for name, value in self._settings.items():
            command += [f"--{name.replace('_', '-')}", json.dumps(value)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the fake server did not start: exit code {self._process.wait()}")
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def stop(self) -> None:
        """End it; connections break, later ones are refused."""
        self._process.terminate()
        self._process.communicate(timeout=10)

    @property
    def pid(self) -> int:
        return self._process.pid

    def set(self, **settings: Any) -> None:
        """Change settings while it runs, such as `faults={}`; see `fake_openai.Settings`."""
        body = json.dumps(settings).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_settings", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=10) as reply:
            reply.read()
            if reply.status != 200:
                raise ValueError(f"the fake server refused {settings}")

    # what happened ---------------------------------------------------------------------------------------

    @property
    def log(self) -> list[dict[str, Any]]:
        """Every event so far: received, answer, error, dropped, upload, batch, batch_ended; in order."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read += len(whole)
            self._lines += [json.loads(line) for line in whole.splitlines()]
        return list(self._lines)

    def wait_idle(self, timeout: float = 10.0) -> None:
        """Wait until every request that was received (batches apart) has come to an end in the log."""
        end = time.monotonic() + timeout
        while True:
            log = [event for event in self.log if "n" in event]
            if not {e["n"] for e in log if e["event"] == "received"} - {
                e["n"] for e in log if e["event"] != "received"
            }:
                return
            if time.monotonic() > end:
                raise TimeoutError("the fake server still has requests to answer")
            time.sleep(0.02)

    def received(self) -> list[str]:
        """Ids of the requests that arrived, in order."""
        return [event["id"] for event in self.log if event["event"] == "received"]

    def computed(self) -> list[str]:
        """Ids of the requests that were answered with 200, and are to be paid, sent or not."""
        return [event["id"] for event in self.log if event["event"] == "answer"]

    def answered(self) -> list[str]:
        """Ids of the requests whose 200 answer was handed to the network whole."""
        return [e["id"] for e in self.log if e["event"] == "answer" and e["sent"] == "whole"]

    def usage(self) -> tuple[int, int, int]:
        """Tokens in, out, and cached of the input, over all answers that are to be paid."""
        answers = [event["usage"] for event in self.log if event["event"] == "answer"]
        return sum(u[0] for u in answers), sum(u[1] for u in answers), sum(u[2] for u in answers)

    def score(
        self,
        data: Mapping[str, str],
        attribute: str,
        low: int = 0,
        high: int = 10,
        *,
        seed: int | None = None,
    ) -> int:
        """What the server answers on an attribute of an item with these fields (without noise or shift)."""
        given = self._settings.get("seed", 0) if seed is None else seed
        return score_of(data, attribute, range(low, high + 1), given)
