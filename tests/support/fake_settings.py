"""What the fake server can be told, and the log that tells what it did."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from fake_answers import FAULTS


@dataclass
class Settings:
    """What can be chosen at the start, and changed while the server runs.

    Attributes:
        latency: seconds from a request's arrival to its reply.
        slow: seconds that a "slow" answer takes.
        pause: seconds of a 429's Retry-After in milliseconds.
        faults: share of requests that meet each fault; a fault's name as key, see `fake_answers.FAULTS`.
        seed: of the faults and scores.
        noise: share of scores that come out one higher or lower, anew at each request.
        shift: what scores gain in a request with several items.
        rpm, tpm: requests and tokens a minute; more are answered with 429, and the headers say what is left.
        burst: requests (tokens: of that many requests' average) that may come at once.
        attributes, scale: what is asked where a request has no answer schema, or one without values.
        key: the only API key that is taken; None takes any.
        batch_delay, batch_polls: a batch is done after so many seconds and so many looks at it.
        batch_outcomes: what becomes of the first, second, ... batch, the last for all that follow: completed,
            expired (half of it), empty (all lines fail, no output file), failed (refused at validation).
        batch_drops: of "upload" and "create", how many of the next calls are carried out but get no reply.
    """

    latency: float = 0.05
    slow: float = 0.5
    pause: float = 0.05
    faults: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    noise: float = 0.0
    shift: int = 0
    rpm: float | None = None
    tpm: float | None = None
    burst: float = 10
    attributes: list[str] = field(default_factory=list)
    scale: tuple[int, int] = (0, 10)
    key: str | None = None
    batch_delay: float = 0.0
    batch_polls: int = 2
    batch_outcomes: list[str] = field(default_factory=lambda: ["completed"])
    batch_drops: dict[str, int] = field(default_factory=dict)

    def change(self, given: Mapping[str, Any]) -> None:
        """Set what is named; unknown names and faults are errors."""
        for name, value in given.items():
            if name not in {entry.name for entry in fields(self)}:
                raise ValueError(f"no setting {name}")
            if name == "faults" and set(value) - set(FAULTS):
                raise ValueError(f"no such faults: {sorted(set(value) - set(FAULTS))}")
            setattr(self, name, value)


class Log:
    """JSON lines, each written to the operating system before the call returns."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def __call__(self, event: str, **more: Any) -> None:
        os.write(self._file, json.dumps({"event": event, "time": time.time(), **more}).encode() + b"\n")
