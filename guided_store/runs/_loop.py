"""The loop that asks: workers with a request each, the gates before it, and what its answer leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guided_store.journal import UNUSABLE, Journal
from guided_store.llm import Question, judge, read_completion
from guided_store.runs._budget import Budget
from guided_store.runs._compose import LARGEST_ROOM, Composer, Request
from guided_store.runs._doubts import Doubts
from guided_store.runs._feed import Feed
from guided_store.runs._limits import RateLimits, retry_after
from guided_store.runs._options import ScoringOptions
from guided_store.runs._outage import OutageWatch
from guided_store.runs._recorder import Recorder
from guided_store.runs._report import Stopped
from guided_store.runs._retry import (
    MOST_PACED,
    MOST_REFUSALS,
    TOO_LONG,
    backoff,
    is_final,
    is_never_taken,
    patience,
)
from guided_store.runs._send import Reply, Sender
from guided_store.runs._work import Unit, smaller

_SEEN_TO_NEED = 3  # answers that came whole only with more room than usual
_TICK = 0.25


@dataclass
class Counts:
    """What has happened in this call; see `RunReport`."""

    requests: int = 0
    answers: int = 0
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    rows: int = 0


class ScoringLoop:
    """Asks all units; made for one call, to be awaited once by `run`.

    Args:
        run: the run's name.
        question, options: what is asked, and how.
        units: pulled a few at a time, in a thread, as workers get free.
        sender, journal, budget: of this run; the journal holds every request before it is sent.
        fresh: whether the run has no usable answer yet.
        say: shows one line to the user.
    """

    def __init__(
        self,
        run: str,
        question: Question,
        options: ScoringOptions,
        units: Iterator[Unit],
        *,
        sender: Sender,
        journal: Journal,
        budget: Budget,
        fresh: bool,
        say: Callable[[str], None],
    ) -> None:
        self.counts = Counts()
        self.stopped: Stopped | None = None
        self.fault: str | None = None
        self.budget = budget
        self._question, self._options, self._units = question, options, Feed(units)
        self._sender, self._say = sender, say
        self._recorder = Recorder(journal, run, options.prices, self._give_up)
        self._stopping = asyncio.Event()
        self._settled = asyncio.Event()
        self.limits = RateLimits(
            options.concurrency, options.requests_per_minute, options.tokens_per_minute, sleep=self._sleep
        )
        self._compose = Composer(question, options)
        self._doubts = Doubts(options.model, self._where, fresh=fresh)
        self._outage = OutageWatch(options.outage)
        self._reached = False
        self._widened = 0
        self._interrupts = 0
        self._workers: list[asyncio.Task[None]] = []

    async def run(self, attend: Callable[[], None]) -> None:
        """Ask until there is nothing left or the run must stop.

        Args:
            attend: called a few times a second meanwhile (flushing, showing progress).
        """
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._options.concurrency)]
        working = set(self._workers)
        try:
            while working:
                done, working = await asyncio.wait(
                    working, timeout=_TICK, return_when=asyncio.FIRST_EXCEPTION
                )
                for task in done:
                    if not task.cancelled():
                        task.result()
                attend()
        finally:
            self.stop(None)
            await asyncio.gather(*self._workers, return_exceptions=True)

    @property
    def stopping(self) -> bool:
        """Whether nothing more will be sent; any thread may ask."""
        return self._stopping.is_set()

    @property
    def in_flight(self) -> int:
        """Requests that were sent and have no outcome yet."""
        return self._recorder.in_flight

    def interrupt(self) -> None:
        """The user wants out: at first what is in flight may end, the second time it is given up."""
        self._interrupts += 1
        if self._interrupts == 1:
            self.stop("interrupted")
            if self.in_flight:
                self._say(
                    f"stopping: waiting for {self.in_flight} requests in flight (once more gives them up; "
                    "they may be billed all the same)"
                )
        else:
            for worker in self._workers:
                worker.cancel()

    def stop(self, reason: Stopped | None, fault: str | None = None) -> None:
        """Send nothing more; the first reason counts."""
        if not self._stopping.is_set():
            self.stopped, self.fault = reason, fault
        self._stopping.set()
        self._settled.set()
        self.limits.close()

    # workers ---------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        """Take units, and see each through with all that follows from it."""
        while not self._stopping.is_set():
            unit = await self._units.next()
            if unit is None:
                return
            todo = [unit]
            while todo and not self._stopping.is_set():
                todo.extend(await self._ask(todo.pop()))

    async def _ask(self, unit: Unit) -> list[Unit]:
        """Send one request; what is to be asked next instead of it."""
        request = self._compose(unit)
        if not await self._reserve(request.bound):
            return []
        tokens = request.tokens_in + self._usual_answer(request.room)
        if not await self.limits.acquire(tokens):
            self._settle(request.bound, 0.0)
            return []
        used: float | None = None
        reply: Reply | None = None
        paid = most = request.bound * self.budget.factor
        try:
            self._recorder.sent(request, unit, most)
            self._outage.sent(request.request_id)
            self.counts.requests += 1
            self.counts.rows += len(unit.asks)
            reply = await self._sender.send(request.request_id, request.body)
            await self._recorder.outcome(reply.outcome)
            follow, known, used = self._judge(unit, reply, request)
            paid = most if known is None else known
        except asyncio.CancelledError:
            if reply is None:
                self.counts.unknown += 1
                self._recorder.abandoned(request.request_id)
            else:  # it was waiting for room on the disk
                self._recorder.at_last(reply.outcome)
            raise
        finally:
            self._outage.ended(request.request_id)
            self._settle(request.bound, paid)
            self.limits.release(tokens, used)
        if reply.headers:
            self.limits.learn(reply.headers)
        if reply.outcome.kind == "answer":
            return follow
        return await self._again(unit, reply, follow)

    async def _reserve(self, bound: float) -> bool:
        """Set money aside, waiting for requests in flight where it does not fit beside them."""
        while not self._stopping.is_set():
            if self.budget.reserve(bound):
                return True
            if not self.budget.in_flight:
                self.stop("max-cost")
                return False
            self._settled.clear()
            await self._settled.wait()
        return False

    def _settle(self, bound: float, paid: float) -> None:
        if self.budget.settle(bound, paid):
            self._say(
                f"an answer cost ${paid:,.4f}, more than its limit of tokens allows: the server does not "
                f"hold to it; from here on {self.budget.factor:,.1f} times as much is set aside"
            )
        self._settled.set()

    def _usual_answer(self, room: int) -> float:
        counts = self.counts
        return counts.tokens_out / counts.answers if counts.tokens_out else room

    # outcomes --------------------------------------------------------------------------------------------

    def _judge(
        self, unit: Unit, reply: Reply, request: Request
    ) -> tuple[list[Unit], float | None, float | None]:
        """What follows from an outcome: units to ask next, and dollars and tokens where they are known."""
        outcome, counts = reply.outcome, self.counts
        if outcome.kind == "unknown":
            counts.unknown += 1
            return [unit], None, None
        if reply.reached:
            self._reached = True
        if outcome.kind == "error":
            if outcome.http in UNUSABLE and not self._compose.is_outdated(request, outcome.reason or ""):
                return self._failed(unit, list(range(len(unit.asks)))), 0.0, 0.0
            return [unit], 0.0, 0.0
        self._outage.answered()
        self.limits.answered()
        completion = read_completion(outcome.body or "")
        verdicts = judge(self._question, completion, request.keys)
        unusable = [place for place, verdict in enumerate(verdicts) if verdict.values is None]
        counts.answers += 1
        counts.ok += len(verdicts) - len(unusable)
        reason = verdicts[unusable[0]].reason if unusable else None
        if (fault := self._doubts.answered(len(unusable) < len(verdicts), reason or "")) is not None:
            self._give_up(fault)
        if (warning := self._doubts.cut(request, completion.usage)) is not None:
            self._say(warning)
        longer = completion.finish_reason == "length"
        room = min(LARGEST_ROOM, unit.room * 2) if longer else unit.room
        if unit.room > 1 and len(unusable) < len(verdicts):
            self._widened += 1
            if self._widened == _SEEN_TO_NEED:
                self._compose.widen(unit.room)
        follow = self._failed(unit, unusable, room=room)
        usage = completion.usage
        if usage is None:
            return follow, None, None
        counts.tokens_in += usage.tokens_in
        counts.tokens_out += usage.tokens_out
        prices = self._options.prices
        return follow, 0.0 if prices is None else prices.cost(usage), usage.tokens_in + usage.tokens_out

    def _failed(self, unit: Unit, places: list[int], *, room: int | None = None) -> list[Unit]:
        """Count a failed attempt of some of a unit's items; those that have attempts left, to ask again."""
        asks = [unit.asks[place] for place in places]
        for ask in asks:
            ask.failures += 1
        rest = [ask for ask in asks if ask.failures < self._options.attempts]
        self.counts.failed += len(asks) - len(rest)
        return smaller(unit, rest, room=unit.room if room is None else room)

    async def _again(self, unit: Unit, reply: Reply, follow: list[Unit]) -> list[Unit]:
        """After a failure: stop for good, wait and ask again, or leave the unit for a later call."""
        outcome, http = reply.outcome, reply.outcome.http
        reason = outcome.reason or ""
        if is_final(http, reply.code):
            hint = "" if http != 404 or "/v1" in self._where else "; such an address mostly ends in /v1"
            self._give_up(
                f"{self._where} refuses ({reason}){hint}; all answers are kept, run again once that is mended"
            )
            return []
        if http == TOO_LONG:
            return smaller(unit, unit.asks, room=unit.room) if len(unit.asks) > 1 else []
        if http in UNUSABLE:
            if follow and follow[0] is unit:  # it only has to be put in other words
                return follow
            if (fault := self._doubts.rejected(reason)) is not None:
                self._give_up(fault)
            return follow
        if is_never_taken(http, reason):
            return []
        if (lasted := self._outage.failed()) is not None:
            self._give_up(
                f"nothing was answered for {lasted:,.0f} s ({reason}); run the same command again to go on"
            )
            return []
        if http == 429:
            return await self._paced(unit, reply)
        if outcome.kind == "unknown":
            unit.unknowns += 1
            if unit.unknowns >= self._options.attempts:
                return []
            await self._sleep(backoff(unit.unknowns))
            if unit.unknowns < 2 or len(unit.asks) == 1:
                return [unit]
            # Lost twice: one of its items may be the reason, and the others need not be lost with it.
            parts = smaller(unit, unit.asks, room=unit.room)
            for part in parts:
                part.unknowns = 1
            return parts
        unit.refusals += 1
        if not reply.reached and not self._reached and unit.refusals >= patience(reason):
            self._give_up(f"{self._where} cannot be reached ({reason}); check the address and the network")
        if unit.refusals >= MOST_REFUSALS:
            return []
        asked = retry_after(reply.headers)
        if asked is not None:
            self._pause(asked)
        await self._sleep(backoff(unit.refusals))
        return [unit]

    async def _paced(self, unit: Unit, reply: Reply) -> list[Unit]:
        """The server wants fewer requests: everybody waits as long as it says, and then goes on slower."""
        unit.paced += 1
        asked = retry_after(reply.headers)
        wait = backoff(unit.paced) if asked is None else asked
        self.limits.refused(min(wait, self._options.outage))
        if wait > self._options.outage:
            self._give_up(
                f"{self._where} asks to wait {wait:,.0f} s before the next request; run again then to go on"
            )
        return [unit] if unit.paced < MOST_PACED else []

    def _pause(self, seconds: float) -> None:
        self.limits.pause(min(seconds, self._options.outage))

    def _give_up(self, fault: str) -> None:
        self.stop("error", fault)

    @property
    def _where(self) -> str:
        return self._options.base_url or "OpenAI"

    async def _sleep(self, seconds: float) -> None:
        """Wait, or less when the run stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
