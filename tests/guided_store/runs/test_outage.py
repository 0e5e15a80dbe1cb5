"""An outage is told from a server that is slow: silence alone ends no run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from scripted import Answer, Script, Scripted, completion, error, films

from guided_store.runs import RunReport
from guided_store.runs._outage import OutageWatch

PutItems = Callable[[Mapping[str, str | None]], None]
Serve = Callable[[Script], Scripted]
Score = Callable[..., RunReport]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def fail(watch: OutageWatch, clock: Clock, request: str, at: float) -> float | None:
    clock.now = at
    watch.ended(request)
    return watch.failed()


def test_failures_alone_for_so_long_are_an_outage() -> None:
    clock = Clock()
    watch = OutageWatch(10, clock)
    for number, at in enumerate((0, 4, 9.9)):
        watch.sent(str(number))
        assert fail(watch, clock, str(number), at) is None
    watch.sent("last")
    assert fail(watch, clock, "last", 12) == 12


def test_an_answer_ends_it() -> None:
    clock = Clock()
    watch = OutageWatch(10, clock)
    watch.sent("a")
    fail(watch, clock, "a", 0)
    watch.answered()
    watch.sent("b")
    assert fail(watch, clock, "b", 50) is None  # the first of its kind
    watch.sent("c")
    assert fail(watch, clock, "c", 61) == 11


def test_what_was_sent_before_the_trouble_may_be_answered_yet() -> None:
    clock = Clock()
    watch = OutageWatch(10, clock)
    for request in ("slow", "a"):
        watch.sent(request)
    fail(watch, clock, "a", 0)
    watch.sent("b")
    watch.sent("c")
    assert fail(watch, clock, "b", 20) is None  # "slow" is still out
    watch.ended("slow")
    watch.sent("d")
    assert fail(watch, clock, "c", 30) == 30  # "d" was sent amid failures: nobody waits for it


def test_one_failure_and_answers_slower_than_the_outage(
    put_items: PutItems, serve: Serve, score: Score
) -> None:
    put_items(films(8))

    def script(number: int, body: dict[str, Any]) -> Answer:
        if number == 1:
            return error(503, "a moment")
        time.sleep(0.8)
        return completion(body)

    report = score(serve(script), outage=0.1)
    assert (report.ok, report.left, report.stopped) == (8, 0, None)
