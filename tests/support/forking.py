"""Python processes that start at once: forked from one that has imported what they need.

    with Forking("guided_store.versions", *LANCE) as forking:
        child = forking.start(SOURCE, "first argument")
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL

A test that kills many processes is not about importing.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, TextIO

LANCE = ("lance_namespace", "pandas", "pyarrow.compute", "pyarrow.dataset")
"""Most of what lance and lancedb import; they themselves have threads, and are left to the child."""


class Child:
    """One process; a child whose output nobody reads to its end may wait for its reader."""

    def __init__(self, pid: int, stdout: TextIO, server: subprocess.Popen[str]) -> None:
        self.pid = pid
        self.stdout = stdout
        self._server = server

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Read what it still says, and give its exit code, negative for a signal."""
        with self.stdout:
            self.stdout.read()
        assert self._server.stdout is not None
        return int(self._server.stdout.readline())


class Forking:
    """A process that forks children, one after the other, which run Python source with arguments.

    Args:
        modules: what is imported before forking.
    """

    def __init__(self, *modules: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._pipe = Path(self._folder.name) / "stdout"
        os.mkfifo(self._pipe)
        single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENAI_API_KEY": "test-key"}
        self._server = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **single},
        )

    def start(self, source: str, *arguments: object) -> Child:
        """Run source as `python -c` would."""
        told = {"source": source, "argv": ["-c", *map(str, arguments)], "stdout": str(self._pipe)}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps(told), file=self._server.stdin, flush=True)
        pid = int(self._server.stdout.readline())
        return Child(pid, self._pipe.open(encoding="utf-8"), self._server)

    def __enter__(self) -> Forking:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()
        self._folder.cleanup()


def run(told: dict[str, Any]) -> int:
    """What a child does; its exit code."""
    os.dup2(os.open(told["stdout"], os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = told["argv"]
    try:
        exec(compile(told["source"], "<forked>", "exec"), {"__name__": "__main__"})
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve(modules: list[str]) -> None:
    for name in modules:
        importlib.import_module(name)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = run(json.loads(line))
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1:])
