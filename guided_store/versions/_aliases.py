"""Aliases: names such as `production` that move from version to version, with their history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

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
        pa.field("evidence", pa.string()),
    ]
)
"""`evidence` is JSON; tables of stores that were made before it have no such column until a row is added."""


@dataclass(frozen=True)
class Alias:
    """Where an alias points: version, encoder and index move together, as one row.

    Attributes:
        name: the alias.
        version: "kind/name".
        encoder: name of the encoder artifact, or None where the version has none.
        index: name of the index artifact ("kind/name/index"), or None for an exact search in memory.
        time: when it was set, UTC.
        evidence: what it was judged by before it was set (gates and figures, JSON-serialisable), or None.
    """

    name: str
    version: Ref
    encoder: str | None
    index: str | None
    time: datetime
    evidence: Mapping[str, object] | None = None

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "alias": self.name,
            "version": str(self.version),
            "encoder": self.encoder,
            "index": self.index,
            "time": self.time.isoformat(),
            "evidence": self.evidence,
        }


def plan_alias(store: Store, name: str, version: str | Ref, *, index: str | None = None) -> Alias:
    """The row that `set_alias` would write, without writing it; the same arguments and errors."""
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
    return Alias(name, info.ref, encoder, full, datetime.now(UTC))


def set_alias(
    store: Store,
    name: str,
    version: str | Ref,
    *,
    index: str | None = None,
    evidence: Mapping[str, object] | None = None,
) -> Alias:
    """Point `name` at a version, its encoder and (optionally) one of its indexes.

    Args:
        store: open for writing.
        name: the alias.
        version: "kind/name".
        index: "kind/name/index" or just "index".
        evidence: what the version was judged by, JSON-serialisable; kept with the row.

    Raises:
        UsageError: an illegal name, one that could be taken for a kind, or an index that does not exist.
        VersionError: no such version.
    """
    alias = replace(plan_alias(store, name, version, index=index), evidence=evidence)
    row = {
        "name": name,
        "version": str(alias.version),
        "encoder": alias.encoder,
        "index": alias.index,
        "time": alias.time,
        "evidence": None if evidence is None else json.dumps(evidence, sort_keys=True, allow_nan=False),
    }
    _evolve(store)
    store.append(TABLE, pa.Table.from_pylist([row], schema=SCHEMA))
    return alias


def _evolve(store: Store) -> None:
    """Add the columns that an older table lacks, null in all its rows; a kill leaves it with or without."""
    if not (store.writable and store.has_table(TABLE)):
        return
    dataset = store.dataset(TABLE)
    if missing := [field for field in SCHEMA if field.name not in dataset.schema.names]:
        dataset.add_columns(pa.schema(missing))


def alias_history(store: Store, name: str | None = None) -> list[Alias]:
    """Every row ever set (for one alias), oldest first."""
    if not store.has_table(TABLE):
        return []
    found = [_parse(row) for row in store.read(TABLE).to_pylist()]
    return [alias for alias in found if name is None or alias.name == name]


def _parse(row: dict[str, Any]) -> Alias:
    evidence = row.get("evidence")
    return Alias(
        row["name"],
        parse_ref(row["version"]),
        row["encoder"],
        row["index"],
        row["time"],
        None if evidence is None else json.loads(evidence),
    )


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
