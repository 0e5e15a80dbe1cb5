"""Removing what a crash left between a version's parts."""

from __future__ import annotations

from guided_store.errors import StoreError
from guided_store.store import Store
from guided_store.versions._names import TABLES
from guided_store.versions._registry import list_versions


def recover(store: Store) -> list[str]:
    """Remove tags and encoders of no registered version, and checkpoints of finished ones.

    Returns what was removed, one phrase each. An unfinished run's checkpoint stays: training goes on from it.

    Called when a store is opened for writing, under the writer's lock, so nothing half-written is under way.

    Raises:
        StoreError: the registry is empty beside several tags. A crash orphans one at most, so the registry
            was lost; nothing is removed.
    """
    known = {str(info.ref) for info in list_versions(store)}
    removed: list[str] = []
    orphans = [(kind, tag) for kind in TABLES for tag in store.tags(kind) if f"{kind}/{tag}" not in known]
    if not known and len(orphans) > 1:
        names = ", ".join(f"{kind}/{tag}" for kind, tag in orphans[:5])
        raise StoreError(
            f"the version registry of {store.root} is gone while tagged versions exist ({names}); restore "
            "its folder tables/versions.lance from a copy"
        )
    for kind, tag in orphans:
        store.untag(kind, tag)
        removed.append(f"tag {kind}/{tag}")
    for name in store.artifacts("encoders"):
        if name not in known:
            store.remove_artifact("encoders", name)
            removed.append(f"encoder {name}")
    for path in sorted((store.root / "checkpoints").glob("*/*.safetensors")):
        name = f"{path.parent.name}/{path.stem}"
        if name in known:  # killed after the version was written and before its checkpoint was discarded
            path.unlink()
            removed.append(f"checkpoint {name}")
    return removed
