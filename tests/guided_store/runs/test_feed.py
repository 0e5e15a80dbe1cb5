"""Work comes to the event loop from a thread, in order, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from guided_store.runs._feed import Feed
from guided_store.runs._work import Ask, Unit


def units(n: int, pause: float = 0.0) -> Iterator[Unit]:
    for number in range(n):
        if number == 0:
            time.sleep(pause)
        yield Unit(list[Ask](), room=number)


def test_all_units_come_once_and_in_order() -> None:
    async def take() -> list[int]:
        feed = Feed(units(300))
        got: list[int] = []

        async def worker() -> None:
            while (unit := await feed.next()) is not None:
                got.append(unit.room)
                await asyncio.sleep(0)

        await asyncio.gather(*(worker() for _ in range(5)))
        return got

    assert asyncio.run(take()) == list(range(300))


def test_the_loop_goes_on_while_finished_items_are_passed_over() -> None:
    async def longest_gap() -> float:
        gaps = [0.0]

        async def tick() -> None:
            while True:
                before = time.monotonic()
                await asyncio.sleep(0.01)
                gaps.append(time.monotonic() - before)

        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0.05)
        await Feed(units(1, pause=1.0)).next()
        await asyncio.sleep(0.05)
        ticking.cancel()
        return max(gaps)

    assert asyncio.run(longest_gap()) < 0.6


def test_an_error_of_the_catalogue_is_passed_on() -> None:
    def broken() -> Iterator[Unit]:
        raise OSError("gone")
        yield Unit([])

    async def take() -> None:
        await Feed(broken()).next()

    with pytest.raises(OSError, match="gone"):
        asyncio.run(take())
