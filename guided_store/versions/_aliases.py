"""Aliases: names such as `production` that move from version to version, with their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions._names import TABLES, USERS, Ref, check_name, parse_ref
from guided_store.versions._registry import get_version

TABLE = "aliases"

SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("encoder", pa.string()),
        pa.field("index", pa.string()),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


@dataclass(frozen=True)
class Alias:
    """Where an alias points: version, encoder and index move together, as one row.

    Attributes:
        name: the alias.
        version: "kind/name".
        encoder: name of the encoder artifact, or None where the version has none.
        index: name of the index artifact ("kind/name/index"), or None for an exact search in memory.
        time: when it was set, UTC.
    """

    name: str
    version: Ref
    encoder: str | None
    index: str | None
    time: datetime

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "alias": self.name,
            "version": str(self.version),
            "encoder": self.encoder,
            "index": self.index,
            "time": self.time.isoformat(),
        }


def set_alias(store: Store, name: str, version: str | Ref, *, index: str | None = None) -> Alias:
    """Point `name` at a version, its encoder and (optionally) one of its indexes.

    Raises:
        UsageError: an illegal name, one that could be taken for a kind, or an index that does not exist.
        VersionError: no such version.
    """
    if check_name(name) in TABLES:
        raise UsageError(f"{name!r} is a kind of version; choose another alias")
    if isinstance(version, Ref) and version.kind == USERS:
        raise UsageError(f"{version} holds users; an alias names an embedding version of items")
    info = get_version(store, version)
    ref = str(info.ref)
    encoder = ref if store.artifact("encoders", ref).is_dir() else None
    full = None if index is None else (index if index.startswith(f"{ref}/") else f"{ref}/{index}")
    if full is not None and not store.artifact("indexes", full).is_dir():
        raise UsageError(f"there is no index {full}; build it with `guided-store index build {ref}`")
    alias = Alias(name, info.ref, encoder, full, datetime.now(UTC))
    row = {"name": name, "version": ref, "encoder": encoder, "index": full, "time": alias.time}
    store.append(TABLE, pa.Table.from_pylist([row], schema=SCHEMA))
    return alias


def alias_history(store: Store, name: str | None = None) -> list[Alias]:
    """Every row ever set (for one alias), oldest first."""
    if not store.has_table(TABLE):
        return []
    rows = store.read(TABLE).to_pylist()
    found = [
        Alias(row["name"], parse_ref(row["version"]), row["encoder"], row["index"], row["time"])
        for row in rows
    ]
    return [alias for alias in found if name is None or alias.name == name]


def list_aliases(store: Store) -> list[Alias]:
    """The current row of every alias, by name: the latest wins."""
    current = {alias.name: alias for alias in alias_history(store)}
    return [current[name] for name in sorted(current)]


def resolve(store: Store, name: str | Ref) -> tuple[Ref, str | None]:
    """Version and index that "kind/name" or an alias stands for.

    Raises:
        UsageError: neither a version's form nor a known alias.
    """
    if isinstance(name, Ref):
        return name, None
    if "/" in name:
        return parse_ref(name), None
    current = {alias.name: alias for alias in list_aliases(store)}
    if name not in current:
        known = f"; the aliases are {', '.join(current)}" if current else ""
        raise UsageError(f"{name!r} is neither a version (kind/name) nor an alias of this store{known}")
    return current[name].version, current[name].index
