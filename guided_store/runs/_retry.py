"""What a failure means for the run, and how long to wait after it."""

from __future__ import annotations

import random

from guided_store.journal import UNUSABLE

MOST_REFUSALS = 8
"""Times that a request meets a server out of order before it is left for a later call."""

MOST_PACED = 40
"""Times that a request is told to come later; others are answered meanwhile, or the outage ends the run."""

UNREACHABLE = 5
"""Failures to connect of one request after which an endpoint that never replied counts as unreachable."""

REJECTED = 3
"""Rejections in a row, before any answer, after which the requests themselves must be at fault."""

UNUSABLE_ANSWERS = 30
"""Answers without a single usable one after which a model is not asked any further."""

TOO_LONG = 413

# Resolvers say it in many words; trying again for long does not make a host exist.
_NO_SUCH_HOST = ("name resolution", "Name or service not known", "nodename nor servname", "getaddrinfo")

_TEMPORARY = frozenset({408, 409, 425, 429})
_SMALLEST_WAIT, _LONGEST_WAIT = 0.5, 60.0


def is_final(http: int | None, code: str) -> bool:
    """Whether a refusal says that no request of this run will be taken: key, address, model or account."""
    if code == "insufficient_quota":
        return True
    return http is not None and http < 500 and http not in (UNUSABLE | _TEMPORARY | {TOO_LONG})


def is_never_taken(http: int | None, reason: str) -> bool:
    """Whether a request is larger than all that the server takes in a minute: waiting does not help."""
    return http == 429 and "request too large" in reason.lower()


def patience(reason: str) -> int:
    """How often to try to connect before an endpoint that never replied counts as unreachable."""
    return 2 if any(words in reason for words in _NO_SUCH_HOST) else UNREACHABLE


def backoff(tries: int) -> float:
    """Seconds to wait after so many failures: exponential, with full jitter."""
    return random.uniform(0, min(_LONGEST_WAIT, _SMALLEST_WAIT * 2.0**tries))
