"""Beside the workers: what the user sees, and moving answers from the journal to the table."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from guided_store.errors import StoreLockedError
from guided_store.journal import Journal, move
from guided_store.progress import Task
from guided_store.runs._loop import ScoringLoop
from guided_store.store import Store, writing

FLUSH_ROWS = 5_000
FLUSH_SECONDS = 20.0
_WINDOW = 10.0  # seconds that the shown rate looks back


def flush(store: Store, journal: Journal, run: str, wait: float) -> bool:
    """Move what the journal holds to the table; False where another process is writing."""
    files = journal.seal()
    if not files:
        return True
    try:
        with writing(store, wait) as opened:
            move(opened, files, run, done=journal.discard)
    except StoreLockedError:
        return False
    return True


class Attendant:
    """Called a few times a second while a loop works.

    Args:
        store, journal, run: what is flushed, in a thread, so that answers go on coming in.
        loop: whose counts are shown.
        task: where they are shown; its steps are answers.
        priced: whether dollars are known.
    """

    def __init__(
        self, store: Store, journal: Journal, run: str, loop: ScoringLoop, task: Task, *, priced: bool
    ) -> None:
        self._store, self._journal, self._run = store, journal, run
        self._loop, self._task, self._priced = loop, task, priced
        self._shown = 0
        self._note = ""
        self._rate: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._flushing: asyncio.Task[bool] | None = None
        self._flushed_at = time.monotonic()
        self._flushed_rows = 0

    def __call__(self) -> None:
        """Show how far it is, and begin a flush when one is due.

        Raises:
            StoreError, OSError: a flush failed; its answers are still in the journal.
        """
        self._show()
        counts, now = self._loop.counts, time.monotonic()
        if self._flushing is not None:
            if not self._flushing.done():
                return
            finished, self._flushing = self._flushing, None
            finished.result()
        due = counts.rows - self._flushed_rows >= FLUSH_ROWS or now - self._flushed_at >= FLUSH_SECONDS
        if due:
            # Where another process is writing, the next try is as far off as after a success.
            self._flushed_at, self._flushed_rows = now, counts.rows
            self._flushing = asyncio.create_task(
                asyncio.to_thread(flush, self._store, self._journal, self._run, 0.0)
            )

    async def finish(self) -> None:
        """Show the last counts and wait for a flush that is under way; its errors come with the next one."""
        self._show()
        if self._flushing is not None:
            await asyncio.wait([self._flushing])

    def _show(self) -> None:
        counts, now = self._loop.counts, time.monotonic()
        done = counts.ok + counts.failed
        if done > self._shown:
            self._task.advance(done - self._shown)
            self._shown = done
        self._rate.append((now, counts.ok))
        while len(self._rate) > 2 and now - self._rate[0][0] > _WINDOW:
            self._rate.popleft()
        (start, before), seconds = self._rate[0], now - self._rate[0][0]
        parts = [f"{(counts.ok - before) / seconds:.0f}/s" if seconds > 0 and start < now else "0/s"]
        if self._priced:
            parts.append(f"${self._loop.budget.spent:,.2f}")
        if counts.failed:
            parts.append(f"{counts.failed:,} failed")
        if self._loop.stopped is not None:
            parts.append(f"stopping, {self._loop.in_flight} in flight")
        elif (pause := self._loop.limits.pausing) >= 1:
            parts.append(f"pausing {pause:.0f} s")
        note = ", ".join(parts)
        if note != self._note:
            self._note = note
            self._task.note(note)
