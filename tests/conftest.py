"""Shared fixtures: where real data is, a fake OpenAI-compatible server, and a quiet thread setting."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")
sys.path.append(str(Path(__file__).parent / "support"))  # tests are no package: they share what is here


@pytest.fixture(scope="session")
def datasets() -> Path:
    """Folder of the real datasets; may not exist on a stranger's machine (then tests use bundled data)."""
    named = os.environ.get("GUIDED_STORE_DATASETS")
    return Path(named) if named else Path(__file__).parents[2] / "shared" / "datasets"


@pytest.fixture
def fake_openai(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Starts fake servers: `fake_openai(latency=0.05, faults={...}, seed=0, rpm=...)` -> `FakeOpenAI`.

    The key `test-key` stands in the environment meanwhile, and no proxy does.
    """
    from fake_launch import FakeOpenAI

    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    running: list[FakeOpenAI] = []

    def start(**settings: Any) -> FakeOpenAI:
        log = tmp_path_factory.mktemp("fake_openai") / "log.jsonl"
        running.append(FakeOpenAI(log, **settings))
        return running[-1]

    yield start
    for server in running:
        server.stop()
