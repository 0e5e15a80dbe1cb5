"""Telling an outage from a slow server: how long nothing but failures came, and what might still come."""

from __future__ import annotations

import time
from collections.abc import Callable


class OutageWatch:
    """Counts how long requests do nothing but fail.

    Silence alone is no outage: an answer may take longer than the limit, and the server may have asked for a
    pause. So an outage is declared when one more request fails, no sooner than `limit` seconds after the
    first that failed since the last answer, and only if none is in flight that was sent before that failure:
    it may be answered yet. Requests have deadlines, so that this moment comes.

    Args:
        limit: seconds.
        clock: seconds, monotonic.
    """

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._numbers: dict[str, int] = {}  # of requests in flight, oldest first
        self._last = 0
        self._since: float | None = None
        self._before = 0  # requests up to this number were sent before the first failure

    def sent(self, request_id: str) -> None:
        """A request goes out."""
        self._last += 1
        self._numbers[request_id] = self._last

    def ended(self, request_id: str) -> None:
        """It is in flight no more, however it ended; to be called before `failed`."""
        self._numbers.pop(request_id, None)

    def answered(self) -> None:
        """The server answered: whatever failed before is forgotten."""
        self._since = None

    def failed(self) -> float | None:
        """A request failed by no fault of its own; seconds since the first that did, if it is an outage."""
        now = self._clock()
        if self._since is None:
            self._since, self._before = now, self._last
        oldest = next(iter(self._numbers.values()), self._last + 1)
        lasted = now - self._since
        return lasted if lasted >= self._limit and oldest > self._before else None
