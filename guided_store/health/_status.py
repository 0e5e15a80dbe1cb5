"""What is in a store, and how large it is."""

from __future__ import annotations

from typing import Any

from guided_store.store import Store, octets
from guided_store.versions import list_aliases, list_versions


def store_status(store: Store) -> dict[str, Any]:
    """What a store holds, JSON-serialisable: tables, embeddings, aliases, artifacts, sizes in bytes.

    "unfinished" lists versions whose training was interrupted; the same training call goes on with them.
    """
    versions = list_versions(store)
    tables = {}
    for name in store.table_names():
        dataset = store.dataset(name)
        tables[name] = {
            "rows": store.count(name),
            "fragments": len(dataset.get_fragments()),
            "versions": len(dataset.versions()),
            "octets": octets(store.root / "tables" / f"{name}.lance"),
        }
    return {
        "store": str(store.root),
        "uuid": store.uuid,
        "octets": octets(store.root),
        "tables": tables,
        "embeddings": [{"version": str(info.ref), "rows": info.rows, "dim": info.dim} for info in versions],
        "aliases": {alias.name: str(alias.version) for alias in list_aliases(store)},
        "encoders": store.artifacts("encoders"),
        "indexes": store.artifacts("indexes", 3),
        "unfinished": _unfinished(store, {str(info.ref) for info in versions}),
    }


def _unfinished(store: Store, finished: set[str]) -> list[str]:
    found = (store.root / "checkpoints").glob("*/*.safetensors")
    names = {f"{path.parent.name}/{path.stem}" for path in found if not path.name.startswith(".")}
    return sorted(names - finished)
