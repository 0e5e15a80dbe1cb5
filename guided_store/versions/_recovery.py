"""Removing what a crash left between a version's parts."""

from __future__ import annotations

from collections.abc import Iterable

from guided_store.errors import StoreError
from guided_store.store import Store
from guided_store.versions._names import TABLES, table_of
from guided_store.versions._registry import VersionInfo, list_versions


def find_orphans(store: Store, versions: Iterable[VersionInfo]) -> list[tuple[str, str]]:
    """Parts of no registered version: ("tag" | "encoder" | "index" | "checkpoint", name).

    A checkpoint is one where its version exists, since then its training is finished. The name of an index is
    "kind/name/index".

    Raises:
        StoreError: the registry is empty beside several tags. A crash orphans one at most, so the registry
            was lost.
    """
    known = {str(info.ref) for info in versions}
    tags = [
        f"{kind}/{tag}"
        for kind in TABLES
        for tag in store.tags(table_of(kind))
        if f"{kind}/{tag}" not in known
    ]
    if not known and len(tags) > 1:
        raise StoreError(
            f"the version registry of {store.root} is gone while tagged versions exist "
            f"({', '.join(tags[:5])}); restore its folder tables/versions.lance from a copy"
        )
    found = [("tag", name) for name in tags]
    found += [("encoder", name) for name in store.artifacts("encoders") if name not in known]
    found += [
        ("index", name) for name in store.artifacts("indexes", 3) if name.rpartition("/")[0] not in known
    ]
    for path in sorted((store.root / "checkpoints").glob("*/*.safetensors")):
        if (name := f"{path.parent.name}/{path.stem}") in known:
            found.append(("checkpoint", name))
    return found


def recover(store: Store) -> list[str]:
    """Remove tags and encoders of no registered version, and checkpoints of finished ones.

    Returns what was removed, one phrase each. An unfinished run's checkpoint stays: training goes on from it.
    Indexes of no version stay for `prune`.

    Called when a store is opened for writing, under the writer's lock, so nothing half-written is under way.

    Raises:
        StoreError: as `find_orphans`; nothing is removed.
    """
    removed: list[str] = []
    for what, name in find_orphans(store, list_versions(store)):
        if what == "tag":
            kind, _, tag = name.partition("/")
            store.untag(table_of(kind), tag)
        elif what == "encoder":
            store.remove_artifact("encoders", name)
        elif what == "checkpoint":  # killed after the version was written and before this was discarded
            store.artifact("checkpoints", f"{name}.safetensors").unlink()
        else:
            continue
        removed.append(f"{what} {name}")
    return removed
