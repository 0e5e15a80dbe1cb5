"""What the journal's tests have, and servers that are scored at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from run_fixtures import *  # noqa: F403
from scripted import Script, Scripted

from guided_store.attributes import AttributeSchema
from guided_store.llm import Prices
from guided_store.runs import RunReport, ScoringOptions, score_items
from guided_store.store import Store

Serve = Callable[[Script], Scripted]
Score = Callable[..., RunReport]

KEY = "sk-a-long-secret-key"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts servers; waits after failures are short meanwhile."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("guided_store.runs._loop.backoff", lambda tries: 0.002 * tries)
    running: list[Scripted] = []

    def start(script: Script) -> Scripted:
        running.append(Scripted(script))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def score(store: Store, schema: AttributeSchema) -> Score:
    """Scores the store's items at a server."""

    def run(server: Scripted, **options: Any) -> RunReport:
        chosen: dict[str, Any] = {
            "base_url": server.url,
            "concurrency": 4,
            "prices": Prices(1.0, 2.0),
            **options,
        }
        return score_items(store, schema, ScoringOptions("m", **chosen))

    return run
