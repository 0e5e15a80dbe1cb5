"""A process that submits or collects and dies before or after the n-th call of one function.

It ends by `os._exit`: nothing is cleaned up, flushed or said. Its one argument, JSON, tells what to do.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import guided_store.batches as batches
from guided_store.attributes import schema_from_dict
from guided_store.llm import Prices
from guided_store.runs import ScoringOptions
from guided_store.store import open as open_store

DIED = 77


def die_at(place: str, moment: str, number: int) -> None:
    """Make the n-th call of `module:attribute` the last thing that happens."""
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    work = getattr(owner, name)
    calls = 0

    def last(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number and moment == "before":
            os._exit(DIED)
        result = work(*args, **kwargs)
        if calls == number:
            os._exit(DIED)
        return result

    setattr(owner, name, last)


def run(told: dict[str, Any]) -> None:
    """What one child does."""
    die_at(told["place"], told["moment"], told["number"])
    with open_store(told["root"]) as store:
        if told["what"] == "collect":
            batches.collect_batches(store)
            return
        schema = schema_from_dict(told["schema"], "test")
        options = ScoringOptions("fake", base_url=told["url"], prices=Prices(0.5, 1.0))
        batches.submit_batches(store, schema, options, max_requests=told["max_requests"])


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
