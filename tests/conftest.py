"""Shared fixtures: where real data is, and a quiet thread setting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "2")


@pytest.fixture(scope="session")
def datasets() -> Path:
    """Folder of the real datasets; may not exist on a stranger's machine (then tests use bundled data)."""
    named = os.environ.get("GUIDED_STORE_DATASETS")
    return Path(named) if named else Path(__file__).parents[2] / "shared" / "datasets"
