"""Locks that die with their process, and a note beside each that says who holds it."""

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


class NotedLock:
    """A lock file with a note of its holder.

    The operating system releases the lock when the process ends, however it ends; the note is only read to
    name the holder.
    """

    def __init__(self, lock: Path, note: Path) -> None:
        self._note = note
        self._lock = FileLock(lock, thread_local=False)

    def try_acquire(self, wait: float = 0.0) -> bool:
        """Take the lock if it is free within `wait` seconds, without a note."""
        try:
            self._lock.acquire(timeout=wait, poll_interval=0.02)
        except Timeout:
            return False
        return True

    def tell(self) -> None:
        """Write the note, once the lock is held; where that fails the lock is given back."""
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
            with contextlib.suppress(OSError):
                self._note.unlink()
            self._lock.release()

    def is_held(self) -> bool:
        """Whether somebody else holds it now; the note is left alone. False where it cannot be told."""
        try:
            if not self.try_acquire():
                return True
        except OSError:  # on a medium that is not ours to write to
            return False
        self._lock.release()
        return False

    def holder(self) -> str:
        """Who holds it, as part of a sentence."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return f"process {note['pid']} on {note['host']} (`{note['command']}`, since {note['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


class WriterLock(NotedLock):
    """The writer's lock of one store folder: one writer per store."""

    def __init__(self, root: Path) -> None:
        super().__init__(root / "writer.lock", root / "writer.json")
        self._root = root

    def acquire(self, wait: float) -> None:
        """Take the lock, waiting up to `wait` seconds.

        Raises:
            StoreLockedError: another process, or another handle in this one, still holds it.
        """
        if not self.try_acquire(wait):
            raise StoreLockedError(
                f"{self._root} is being written by {self.holder()}; wait until it is done, or give a "
                "longer --wait"
            )
        self.tell()
