"""How long work reports where it is, without knowing about terminals.

A library function takes `progress: Progress = SILENT`; the command line passes one that draws bars.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Task(Protocol):
    """One running piece of work."""

    def advance(self, steps: float = 1) -> None:
        """Add finished steps."""

    def note(self, text: str) -> None:
        """Show a short remark beside the bar (a loss, a metric)."""


class Progress(Protocol):
    """Something that can show tasks; see `SILENT` for the one that shows nothing."""

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Task]:
        """Open a task of `total` steps (None: unknown). Closing it removes or completes its bar."""
        ...

    def log(self, text: str) -> None:
        """Say one line that stays (an epoch's metrics, a warning)."""


class _SilentTask:
    def advance(self, steps: float = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


class _Silent:
    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Task]:
        yield _SilentTask()

    def log(self, text: str) -> None:
        pass


SILENT: Progress = _Silent()
