"""The store: one folder with LanceDB tables, encoders, indexes and checkpoints, and one writer at a time."""

from guided_store.store._files import octets, publish, replacing, write_json
from guided_store.store._leftovers import find_leftovers
from guided_store.store._lock import NotedLock
from guided_store.store._open import create, open, open_or_create, writing
from guided_store.store._store import Store

__all__ = [
    "NotedLock",
    "Store",
    "create",
    "find_leftovers",
    "octets",
    "open",
    "open_or_create",
    "publish",
    "replacing",
    "write_json",
    "writing",
]
