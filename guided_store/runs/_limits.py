"""How fast requests may go out: the user's limits, the server's, and what its refusals teach."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime

_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|us|s|m|h|d)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MINUTE = 60.0
# Refusals shrink the number of requests in flight by this factor, answers let it grow by one per round.
_SHRINK = 0.7


class Bucket:
    """A token bucket that is filled at `rate` per second up to `capacity`.

    A need larger than the capacity passes once the bucket is full, and leaves a debt.
    """

    def __init__(self, rate: float, capacity: float, level: float, now: float) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = level
        self._time = now

    @classmethod
    def per_minute(cls, limit: float, now: float) -> Bucket:
        """A bucket that lets at most `limit` through in any minute (a single larger need excepted).

        It holds a fifth of a second's worth, and is filled that much slower than `limit` allows.
        """
        capacity = max(1.0, limit / 300)
        return cls((limit - capacity + 1) / _MINUTE, capacity, capacity, now)

    def level(self, now: float) -> float:
        """What is in it; negative while in debt."""
        self._level = min(self.capacity, self._level + (now - self._time) * self.rate)
        self._time = now
        return self._level

    def wait(self, need: float, now: float) -> float:
        """Seconds until `need` may pass; 0 if it may now."""
        missing = min(need, self.capacity) - self.level(now)
        # A whisker of rounding is no reason to sleep.
        return missing / self.rate if missing > 1e-9 * self.capacity else 0.0

    def take(self, need: float, now: float) -> None:
        """Let `need` pass; a negative one gives back."""
        self._level = min(self.capacity, self.level(now) - need)

    def bound(self, level: float, now: float) -> None:
        """Lower what is in it to `level`, if it is more."""
        self._level = min(self.level(now), level)


class RateLimits:
    """The gate that every request passes, for one run.

    It applies, all at once: the user's limits per minute; the limits in `x-ratelimit-*` headers, as upper
    bounds that each answer corrects; pauses for everybody; and a number of requests in flight that shrinks
    when the server refuses for going too fast and grows again with answers.

    Args:
        concurrency: requests in flight, at most.
        requests_per_minute, tokens_per_minute: the user's limits.
        clock: seconds, monotonic.
        sleep: waits that many seconds or less (it may return early).
    """

    def __init__(
        self,
        concurrency: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        now = clock()
        self._own_requests = (
            None if requests_per_minute is None else Bucket.per_minute(requests_per_minute, now)
        )
        self._own_tokens = None if tokens_per_minute is None else Bucket.per_minute(tokens_per_minute, now)
        self._server: dict[str, Bucket] = {}
        self._paused_until = now
        self._concurrency = float(concurrency)
        self._allowed = float(concurrency)
        self._shrunk = now
        self._in_flight = 0
        self._line = asyncio.Lock()
        self._freed = asyncio.Event()
        self._closed = False

    @property
    def allowed(self) -> int:
        """Requests that may be in flight at once, as things stand."""
        return max(1, int(self._allowed))

    @property
    def pausing(self) -> float:
        """Seconds that everybody still waits."""
        return max(0.0, self._paused_until - self._clock())

    async def acquire(self, tokens: float) -> bool:
        """Wait for a place for a request of about that many tokens; False once `close` was called.

        Waiting is first come, first served. Each True needs one `release`.
        """
        # A lock that nobody holds costs no turn of the event loop.
        async with self._line:
            while not self._closed:
                if self._in_flight >= self.allowed:
                    self._freed.clear()
                    await self._freed.wait()
                elif delay := self.delay(tokens):
                    await self._sleep(delay)
                else:
                    self._take(tokens)
                    self._in_flight += 1
                    return True
        return False

    def delay(self, tokens: float) -> float:
        """Seconds until a request of that many tokens may go out; 0: now."""
        now = self._clock()
        waits = [self._paused_until - now]
        waits += [bucket.wait(need, now) for bucket, need in self._needs(tokens)]
        return max(0.0, *waits)

    def release(self, reserved: float = 0.0, used: float | None = None) -> None:
        """A request is over; one that `used` other than the `reserved` tokens corrects the user's limit."""
        self._in_flight -= 1
        self._freed.set()
        if self._own_tokens is not None and used is not None:
            self._own_tokens.take(used - reserved, self._clock())

    def close(self) -> None:
        """Let nobody through any more."""
        self._closed = True
        self._freed.set()

    def answered(self) -> None:
        """The server answered: one more in flight per round of answers, up to the concurrency."""
        if self._allowed < self._concurrency:
            self._allowed = min(self._concurrency, self._allowed + 1 / self._allowed)

    def pause(self, seconds: float) -> None:
        """Nobody sends for that long; a longer pause that is under way stays."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def refused(self, seconds: float) -> None:
        """The server said that requests come too fast: pause, and go on with fewer in flight.

        The refusals of requests that were sent before the last one was understood shrink nothing further.
        """
        now = self._clock()
        if now >= self._shrunk:
            self._allowed = max(1.0, min(self._allowed, float(self._in_flight)) * _SHRINK)
        self.pause(seconds)
        self._shrunk = self._paused_until

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take over the limits that a reply's `x-ratelimit-*` headers announce (names in lower case).

        `limit` is a minute's or a longer window's; `reset` says when what is used will be free again, which
        gives the rate. Headers that make no sense are passed over.
        """
        now = self._clock()
        for kind in ("requests", "tokens"):
            remaining = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
            limit = _number(headers.get(f"x-ratelimit-limit-{kind}"))
            if remaining is None or limit is None or limit <= 0:
                continue
            reset = parse_duration(headers.get(f"x-ratelimit-reset-{kind}"))
            rate = limit / _MINUTE
            if reset and remaining < limit:
                rate = min(rate, (limit - remaining) / reset)
            bucket = self._server.get(kind)
            if bucket is None:
                bucket = self._server[kind] = Bucket(rate, limit, limit, now)
            bucket.level(now)  # what came in until now came at the former rate
            bucket.rate, bucket.capacity = max(rate, 1e-6), limit
            bucket.bound(remaining, now)

    def _take(self, tokens: float) -> None:
        now = self._clock()
        for bucket, need in self._needs(tokens):
            bucket.take(need, now)

    def _needs(self, tokens: float) -> list[tuple[Bucket, float]]:
        buckets = (
            (self._own_requests, 1.0),
            (self._own_tokens, tokens),
            (self._server.get("requests"), 1.0),
            (self._server.get("tokens"), tokens),
        )
        return [(bucket, need) for bucket, need in buckets if bucket is not None]


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that a reply asks to wait; None if it does not say.

    Reads `retry-after-ms`, and `retry-after` in seconds or as an HTTP date.

    Args:
        headers: names in lower case.
        now: Unix time, for dates; the system's by default.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))


def parse_duration(text: str | None) -> float | None:
    """Seconds of a duration as servers write it ("6m0s", "20ms", "1.5"); None if it is none."""
    if text is None:
        return None
    text = text.strip().lower()
    if (plain := _number(text)) is not None:
        return plain
    parts = _PARTS.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _number(text: str | None) -> float | None:
    """A finite number that is not negative, or None."""
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < 1e12 else None
