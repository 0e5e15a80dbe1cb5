"""Bringing work to an event loop without holding it up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import islice

from guided_store.runs._work import Unit

_AHEAD = 64  # units; enough that a thread is seldom needed, few enough that the first are soon there


class Feed:
    """Takes units from an iterator in a thread, some ahead.

    The next unit may be hundreds of thousands of finished items away: gone through in the event loop, these
    would let the time limits of requests in flight pass unattended, and paid answers be given up.
    """

    def __init__(self, units: Iterator[Unit]) -> None:
        self._units = units
        self._ready: deque[Unit] = deque()
        self._line = asyncio.Lock()

    async def next(self) -> Unit | None:
        """The next unit, None at the end; errors of the iterator."""
        async with self._line:
            if not self._ready:
                self._ready.extend(await asyncio.to_thread(self._take))
            return self._ready.popleft() if self._ready else None

    def _take(self) -> list[Unit]:
        return list(islice(self._units, _AHEAD))
