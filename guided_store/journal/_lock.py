"""The lock of a run: one process sends its requests and writes its journal."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from filelock import FileLock, Timeout

from guided_store.errors import StoreLockedError

_LOCK = "lock"
_NOTE = "running.json"
_WAIT = 1.0  # a look at the lock (`is_running`) holds it for a moment


class RunLock:
    """The lock of one run's folder; it dies with its process. The note beside it only names the holder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / _LOCK, thread_local=False)

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreLockedError: another process runs the run, or another handle in this one.
        """
        if not self.try_acquire(_WAIT):
            raise StoreLockedError(
                f"run {self._folder.name!r} is being run by {self._holder()}; wait until it is done, or stop "
                "it with Ctrl-C: it can be resumed"
            )
        note = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        try:
            (self._folder / _NOTE).write_text(json.dumps(note) + "\n", encoding="utf-8")
        except BaseException:
            self._lock.release()
            raise

    def try_acquire(self, wait: float = 0.0) -> bool:
        """Take the lock if it is free within `wait` seconds, without a note."""
        try:
            self._lock.acquire(timeout=wait, poll_interval=0.02)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._lock.is_locked:
            with contextlib.suppress(OSError):
                (self._folder / _NOTE).unlink()
            self._lock.release()

    def _holder(self) -> str:
        try:
            note = json.loads((self._folder / _NOTE).read_text(encoding="utf-8"))
            return f"process {note['pid']} on {note['host']} (since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def is_running(folder: Path) -> bool:
    """Whether a process holds the run's lock now. Writes nothing; False where it cannot be told."""
    if not (folder / _LOCK).exists():
        return False
    lock = FileLock(folder / _LOCK, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # a store on a medium that is not ours to write to
        return False
    lock.release()
    return False
