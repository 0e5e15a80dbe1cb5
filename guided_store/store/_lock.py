"""One writer per store: a file lock that dies with its process, and a note that says who holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from guided_store.errors import StoreLockedError
from guided_store.store._files import write_json


class WriterLock:
    """The writer's lock of one store folder.

    The operating system releases it when the process ends, however it ends; the note beside it is only read
    to name the holder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._note = root / "writer.json"
        self._lock = FileLock(root / "writer.lock", thread_local=False)

    def acquire(self, wait: float) -> None:
        """Take the lock, waiting up to `wait` seconds.

        Raises:
            StoreLockedError: another process, or another handle in this one, still holds it.
        """
        try:
            self._lock.acquire(timeout=wait, poll_interval=0.05)
        except Timeout:
            raise StoreLockedError(
                f"{self._root} is being written by {self._holder()}; wait until it is done, or give a "
                "longer --wait"
            ) from None
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        try:
            write_json(self._note, holder)
        except BaseException:  # a full disk: the next try, in this process too, must find the lock free
            self._lock.release()
            raise

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._lock.is_locked:
            with contextlib.suppress(FileNotFoundError):
                self._note.unlink()
            self._lock.release()

    def _holder(self) -> str:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return f"process {note['pid']} on {note['host']} (`{note['command']}`, since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
