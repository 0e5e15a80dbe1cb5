"""Embedding store and vector search for LLM-guided sequential recommendation.

Public names load on first use (PEP 562), so that importing this package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Store": "guided_store.store",
    "create": "guided_store.store",
    "open": "guided_store.store",
    "Recommender": "guided_store.retrieval",
    "GuidedStoreError": "guided_store.errors",
}

__all__ = ["GuidedStoreError", "Recommender", "Store", "__version__", "create", "open"]

if TYPE_CHECKING:
    from guided_store.errors import GuidedStoreError
    from guided_store.retrieval import Recommender
    from guided_store.store import Store, create, open


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
