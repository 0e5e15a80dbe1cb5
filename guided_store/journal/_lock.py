"""The lock of a run: one process sends its requests and writes its journal."""

from __future__ import annotations

from pathlib import Path

from guided_store.errors import StoreLockedError
from guided_store.store import NotedLock

_LOCK = "lock"
_NOTE = "running.json"
_WAIT = 1.0  # a look at the lock (`is_running`) holds it for a moment


class RunLock(NotedLock):
    """The lock of one run's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / _LOCK, folder / _NOTE)
        self._folder = folder

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreLockedError: another process runs the run, or another handle in this one.
        """
        if not self.try_acquire(_WAIT):
            raise StoreLockedError(
                f"run {self._folder.name!r} is being run by {self.holder()}; wait until it is done, or stop "
                "it with Ctrl-C: it can be resumed"
            )
        self.tell()


def is_running(folder: Path) -> bool:
    """Whether a process holds the run's lock now. Writes nothing; False where it cannot be told."""
    return (folder / _LOCK).exists() and RunLock(folder).is_held()
