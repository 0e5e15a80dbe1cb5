"""How far work is, on stderr: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from guided_store.progress import SILENT, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

DELAY = 2.0
"""Seconds of work before a bar appears: what is quicker needs none."""

INTERVAL = 15.0
"""Seconds between two lines where no bars can be drawn."""


def make_progress(*, quiet: bool) -> Progress:
    """The progress of this command: silent, bars, or lines."""
    if quiet:
        return SILENT
    return BarProgress() if sys.stderr.isatty() else LineProgress()


class _BarTask:
    def __init__(self, bars: RichProgress, number: TaskID) -> None:
        self._bars, self._number = bars, number

    def advance(self, steps: float = 1) -> None:
        self._bars.advance(self._number, steps)

    def note(self, text: str) -> None:
        self._bars.update(self._number, note=text)


class BarProgress:
    """Bars with the time that is left; they vanish when their work is done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(stderr=True, highlight=False, markup=False),
            transient=True,
            refresh_per_second=4,
        )
        self._open = 0
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[_BarTask]:
        number = self._bars.add_task(title, total=total, note="")
        self._enter()
        try:
            yield _BarTask(self._bars, number)
        finally:
            self._bars.remove_task(number)
            self._leave()

    def log(self, text: str) -> None:
        # Through the bars' own console, which puts the line above them.
        self._bars.console.print(text)

    def _enter(self) -> None:
        with self._lock:
            self._open += 1
            if self._timer is None:
                self._timer = threading.Timer(DELAY, self._start)
                self._timer.daemon = True
                self._timer.start()

    def _start(self) -> None:
        with self._lock:
            if self._open:
                self._bars.start()

    def _leave(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0 and self._timer is not None:
                self._timer.cancel()
                self._timer = None
                self._bars.stop()


class _LineTask:
    def __init__(self, title: str, total: float | None, interval: float) -> None:
        self._title, self._total, self._interval = title, total, interval
        self._done, self._note = 0.0, ""
        self._began = self._said = time.monotonic()

    def advance(self, steps: float = 1) -> None:
        self._done += steps
        now = time.monotonic()
        if now - self._said >= self._interval:
            self._said = now
            typer.echo(self._line(now - self._began), err=True)

    def note(self, text: str) -> None:
        self._note = text

    def _line(self, elapsed: float) -> str:
        note = f", {self._note}" if self._note else ""
        if not self._total:
            return f"{self._title}: {self._done:,.0f} done in {clock(elapsed)}{note}"
        share = min(self._done / self._total, 1.0)
        left = f", {clock(elapsed * (1 - share) / share)} left" if share > 0 else ""
        return f"{self._title}: {share:.0%} ({self._done:,.0f} of {self._total:,.0f}){left}{note}"


class LineProgress:
    """A line every `interval` seconds of work, for logs and pipes."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[_LineTask]:
        yield _LineTask(title, total, self._interval)

    def log(self, text: str) -> None:
        typer.echo(text, err=True)


def clock(seconds: float) -> str:
    """`42 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
