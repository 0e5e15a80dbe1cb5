"""Removing what a crash left between a version's parts."""

from __future__ import annotations

from guided_store.store import Store
from guided_store.versions._names import KINDS
from guided_store.versions._registry import list_versions


def recover(store: Store) -> list[str]:
    """Remove tags and encoders that belong to no registered version; returns what was removed.

    Called when a store is opened for writing, under the writer's lock, so nothing half-written is under way.
    """
    known = {str(info.ref) for info in list_versions(store)}
    removed: list[str] = []
    for kind in KINDS:
        for tag in store.tags(kind):
            if f"{kind}/{tag}" not in known:
                store.untag(kind, tag)
                removed.append(f"tag {kind}/{tag}")
    for name in store.artifacts("encoders"):
        if name not in known:
            store.remove_artifact("encoders", name)
            removed.append(f"encoder {name}")
    return removed
