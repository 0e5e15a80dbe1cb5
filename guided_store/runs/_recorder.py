"""The loop's side of the journal: what is written down around each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from guided_store.journal import Journal, Outcome
from guided_store.llm import Prices
from guided_store.runs._compose import Request
from guided_store.runs._work import Unit

_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds, for somebody to make room on the disk


class Recorder:
    """Writes requests and outcomes of one run into its journal.

    Args:
        journal, run, prices: whose they are, and what tokens cost.
        full: told in a sentence when the disk takes nothing more.
    """

    def __init__(
        self, journal: Journal, run: str, prices: Prices | None, full: Callable[[str], None]
    ) -> None:
        self._journal, self._run, self._prices, self._full = journal, run, prices, full

    @property
    def in_flight(self) -> int:
        """Requests that were sent and have no outcome yet."""
        return self._journal.in_flight

    def sent(self, request: Request, unit: Unit, most: float) -> None:
        """Write down a request about to be sent, which costs `most` dollars at most; count the attempt."""
        self._journal.sent(request.to_sent(self._run, unit, most, self._prices))
        for ask in unit.asks:
            ask.attempt += 1

    async def outcome(self, outcome: Outcome) -> None:
        """Write down what became of a request; where the disk is full, the answer waits a while for room.

        Raises:
            OSError: there was none; the request will be recorded as unknown.
        """
        for wait in (*_WAITS, None):
            try:
                self._journal.outcome(outcome)
                return
            except OSError as error:
                self._full(f"the journal cannot be written ({error.strerror}): make room, then run again")
                if wait is None:
                    raise
                await asyncio.sleep(wait)

    def at_last(self, outcome: Outcome) -> None:
        """Write down what became of a request without any more waiting; errors as in `outcome`."""
        self._journal.outcome(outcome)

    def abandoned(self, request_id: str) -> None:
        """Write down that a request in flight was given up."""
        self._journal.outcome(Outcome(request_id, "unknown", time.time(), reason="interrupted"))
