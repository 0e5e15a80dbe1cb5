"""Rates and pauses, by a clock that only moves when somebody sleeps."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable

import pytest

from guided_store.runs._limits import RateLimits, parse_duration, retry_after


class Clock:
    """Time that passes in sleeps alone; sleepers wake in the order of their times."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def times(
    limits: RateLimits, clock: Clock, n: int, tokens: float = 0.0, used: float | None = None
) -> list[float]:
    """When `n` requests of so many tokens go out, in seconds from now; each ends at once."""

    async def send() -> list[float]:
        start, found = clock.now, []
        for _ in range(n):
            assert await limits.acquire(tokens)
            found.append(clock.now - start)
            limits.release(tokens, used)
        return found

    return asyncio.run(send())


def limited(clock: Clock, concurrency: int = 100, **limits: float) -> RateLimits:
    return RateLimits(concurrency, clock=clock, sleep=clock.sleep, **limits)


def most_in_a_minute(moments: list[float], weight: float = 1.0) -> float:
    """The most that any 60 seconds hold, the last moment excluded."""
    ends = [bisect_left(moments, start + 60) for start in moments]
    return max(weight * (end - first) for first, end in enumerate(ends))


@pytest.mark.parametrize("rate", [1, 7, 60, 3_000])
def test_no_minute_has_more_requests_than_allowed(rate: int) -> None:
    clock = Clock()
    moments = times(limited(clock, requests_per_minute=rate), clock, 3 * rate + 5)
    assert most_in_a_minute(moments) <= rate
    assert len(moments) / (moments[-1] + 60 / rate) * 60 >= 0.95 * rate  # and hardly fewer


def test_no_minute_has_more_tokens_than_allowed() -> None:
    clock = Clock()
    moments = times(limited(clock, tokens_per_minute=60_000), clock, 200, tokens=1_500)
    assert most_in_a_minute(moments, 1_500) <= 60_000 + 1_500
    assert 200 * 1_500 / moments[-1] * 60 >= 0.95 * 60_000


def test_a_request_larger_than_the_limit_passes_alone() -> None:
    clock = Clock()
    assert times(limited(clock, tokens_per_minute=1_000), clock, 2, tokens=3_000)[1] == pytest.approx(
        180, rel=0.02
    )


def test_what_was_not_used_is_given_back() -> None:
    clock = Clock()
    reserved = times(limited(clock, tokens_per_minute=60_000), clock, 50, tokens=3_000)
    returned = times(limited(clock, tokens_per_minute=60_000), clock, 50, tokens=3_000, used=1_000)
    assert returned[-1] == pytest.approx(reserved[-1] / 3, rel=0.1)


def test_the_servers_limits_are_upper_bounds() -> None:
    clock = Clock()
    limits = limited(clock)
    assert times(limits, clock, 50)[-1] == 0  # nothing known, no waiting
    limits.learn(
        {
            "x-ratelimit-limit-requests": "600",
            "x-ratelimit-remaining-requests": "5",
            "x-ratelimit-reset-requests": "59.5s",
        }
    )
    moments = times(limits, clock, 15)
    assert moments[4] == 0
    assert moments[5] == pytest.approx(0.1, rel=0.02)
    assert moments[14] == pytest.approx(1.0, rel=0.02)


def test_a_daily_limit_is_known_by_its_reset() -> None:
    clock = Clock()
    limits = limited(clock)
    limits.learn(
        {
            "x-ratelimit-limit-requests": "200",
            "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "24h0m0s",
        }
    )
    assert times(limits, clock, 2) == pytest.approx([432, 864])


def test_the_servers_tokens_count_as_well() -> None:
    clock = Clock()
    limits = limited(clock)
    limits.learn({"x-ratelimit-limit-tokens": "60000", "x-ratelimit-remaining-tokens": "2000"})
    moments = times(limits, clock, 4, tokens=1_000)
    assert moments == pytest.approx([0, 0, 1, 2])


def test_more_left_than_thought_is_no_permission() -> None:
    clock = Clock()
    limits = limited(clock)
    for left in ("1", "600"):
        limits.learn({"x-ratelimit-limit-requests": "600", "x-ratelimit-remaining-requests": left})
    assert times(limits, clock, 3) == pytest.approx([0, 0.1, 0.2])


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-limit-requests": "0", "x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-remaining-requests": "0"},
        {"x-ratelimit-limit-requests": "inf", "x-ratelimit-remaining-requests": "-1"},
    ],
)
def test_headers_that_make_no_sense_are_passed_over(headers: dict[str, str]) -> None:
    clock = Clock()
    limits = limited(clock)
    limits.learn(headers)
    assert times(limits, clock, 20)[-1] == 0


def test_a_pause_is_for_everybody_and_the_longest_counts() -> None:
    clock = Clock()
    limits = limited(clock)
    limits.pause(20)
    limits.pause(5)
    assert limits.pausing == 20
    assert times(limits, clock, 3) == [20, 20, 20]
    assert limits.pausing == 0


def test_refusals_shrink_what_is_in_flight_and_answers_let_it_grow() -> None:
    clock = Clock()
    limits = limited(clock, concurrency=10)

    async def fill(n: int) -> None:
        for _ in range(n):
            await limits.acquire(0)

    asyncio.run(fill(10))
    for _ in range(10):  # ten refusals of the same moment are one lesson
        limits.refused(2)
    assert limits.allowed == 7
    for _ in range(10):
        limits.release()
    clock.now += 2
    asyncio.run(fill(7))
    limits.refused(2)
    assert limits.allowed == 4
    for _ in range(7):
        limits.release()
    for _ in range(200):
        limits.answered()
    assert limits.allowed == 10


def test_it_never_shrinks_to_nothing() -> None:
    clock = Clock()
    limits = limited(clock, concurrency=3)
    for _ in range(20):
        limits.refused(1)
        clock.now += 1
    assert limits.allowed == 1
    assert times(limits, clock, 2) == [0, 0]


def run_together(work: Callable[[RateLimits], Awaitable[None]], limits: RateLimits) -> None:
    async def main() -> None:
        await asyncio.wait_for(work(limits), 5)  # type: ignore[arg-type]

    asyncio.run(main())


def test_no_more_are_in_flight_than_allowed_and_the_first_come_go_first() -> None:
    clock = Clock()
    order: list[int] = []
    most = 0

    async def work(limits: RateLimits) -> None:
        flying = 0

        async def one(number: int) -> None:
            nonlocal flying, most
            assert await limits.acquire(0)
            order.append(number)
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0)
            flying -= 1
            limits.release()

        await asyncio.gather(*(one(number) for number in range(30)))

    run_together(work, limited(clock, concurrency=4))
    assert order == list(range(30))
    assert most == 4


def test_closing_sends_everybody_home() -> None:
    clock = Clock()
    passed: list[bool] = []

    async def work(limits: RateLimits) -> None:
        assert await limits.acquire(0)
        waiting = [asyncio.create_task(limits.acquire(0)) for _ in range(3)]
        await asyncio.sleep(0)
        limits.close()
        passed.extend(await asyncio.gather(*waiting))

    run_together(work, limited(clock, concurrency=1))
    assert passed == [False, False, False]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "20"}, 1.5),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_how_long_a_reply_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=1_700_000_000.0) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("1.5", 1.5),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400.0),
        ("", None),
        ("5x", None),
    ],
)
def test_durations_as_servers_write_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))
