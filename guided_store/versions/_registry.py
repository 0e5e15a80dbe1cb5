"""The `versions` table: one row per named embedding version, written last."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from guided_store.errors import StoreError, UnknownVersionError
from guided_store.store import Store
from guided_store.versions._names import KINDS, Ref, parse_ref

TABLE = "versions"

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("table_version", pa.int64(), nullable=False),
        pa.field("dim", pa.int32(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("parents", pa.list_(pa.string())),
        pa.field("recipe", pa.string(), nullable=False),
        pa.field("digest", pa.string(), nullable=False),
        pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("metrics", pa.string(), nullable=False),
        pa.field("package", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class VersionInfo:
    """What the registry knows of one embedding version.

    Attributes:
        ref: kind and name.
        table_version: Lance version number of the kind's table.
        dim: vector dimensions.
        rows: items.
        parents: versions it was made from.
        recipe: how it was made, JSON-serialisable.
        digest: SHA-256 of the content, see `embedding_digest`.
        created: UTC.
        metrics: figures known when it was written (validation metrics of a training run).
        package: the guided-store version that wrote it.
    """

    ref: Ref
    table_version: int
    dim: int
    rows: int
    parents: tuple[str, ...]
    recipe: dict[str, object]
    digest: str
    created: datetime
    metrics: dict[str, object] = field(default_factory=dict)
    package: str = ""

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "version": str(self.ref),
            "table_version": self.table_version,
            "dim": self.dim,
            "rows": self.rows,
            "parents": list(self.parents),
            "recipe": self.recipe,
            "digest": self.digest,
            "created": self.created.isoformat(),
            "metrics": self.metrics,
            "package": self.package,
        }


def add_row(store: Store, info: VersionInfo) -> None:
    """Append one version's row: the act that makes it exist."""
    row = {
        "kind": info.ref.kind,
        "name": info.ref.name,
        "table_version": info.table_version,
        "dim": info.dim,
        "rows": info.rows,
        "parents": list(info.parents),
        "recipe": json.dumps(info.recipe, sort_keys=True),
        "digest": info.digest,
        "created": info.created.astimezone(UTC),
        "metrics": json.dumps(info.metrics, sort_keys=True),
        "package": info.package,
    }
    store.append(TABLE, pa.Table.from_pylist([row], schema=SCHEMA))


def remove_row(store: Store, ref: Ref) -> None:
    """Delete one version's row: from then on it does not exist, and what is left of it is an orphan."""
    if not store.writable:
        raise StoreError(f"the store at {store.root} is open for reading only; open it with write=True")
    # names hold nothing that SQL would read as more than letters, see `check_name`
    store.dataset(TABLE).delete(f"kind = '{ref.kind}' AND name = '{ref.name}'")


def _parse(row: dict[str, object]) -> VersionInfo:
    created = row["created"]
    assert isinstance(created, datetime)
    parents = row["parents"]
    assert parents is None or isinstance(parents, list)
    return VersionInfo(
        ref=Ref(str(row["kind"]), str(row["name"])),
        table_version=int(str(row["table_version"])),
        dim=int(str(row["dim"])),
        rows=int(str(row["rows"])),
        parents=tuple(str(parent) for parent in parents or ()),
        recipe=json.loads(str(row["recipe"])),
        digest=str(row["digest"]),
        created=created,
        metrics=json.loads(str(row["metrics"])),
        package=str(row["package"]),
    )


def _content(info: VersionInfo) -> str:
    return f"table version {info.table_version} with digest {info.digest[:12]}"


def list_versions(store: Store, kind: str | None = None) -> list[VersionInfo]:
    """All named versions (of one kind), oldest first.

    Raises:
        StoreError: the registry is damaged: a row cannot be read, or one name stands twice.
    """
    if not store.has_table(TABLE):
        return []
    try:
        found = [_parse(row) for row in store.read(TABLE).to_pylist()]
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise StoreError(f"the version registry of {store.root} is damaged: {error}") from error
    seen: dict[Ref, VersionInfo] = {}
    for info in found:
        first = seen.setdefault(info.ref, info)
        if first is not info:
            raise StoreError(
                f"the version registry of {store.root} is damaged: {info.ref} stands in it twice, as "
                f"{_content(first)} and as {_content(info)}; restore "
                f"{store.root / 'tables'} from a copy made before"
            )
    return [info for info in found if kind is None or info.ref.kind == kind]


def find_version(store: Store, ref: str | Ref) -> VersionInfo | None:
    """One version's row, or None."""
    wanted = parse_ref(ref)
    return next((info for info in list_versions(store, wanted.kind) if info.ref == wanted), None)


def get_version(store: Store, ref: str | Ref) -> VersionInfo:
    """One version's row; UnknownVersionError that names near misses where there is none."""
    wanted = parse_ref(ref)
    everything = list_versions(store)
    for info in everything:
        if info.ref == wanted:
            return info
    names = [str(info.ref) for info in everything]
    close = difflib.get_close_matches(str(wanted), names, n=3, cutoff=0.5)
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    elif names:
        hint = f"there are: {', '.join(names[-8:])}"
    else:
        hint = f"none was built yet; `guided-store build --help` makes {', '.join(KINDS)} versions"
    raise UnknownVersionError(f"there is no version {wanted} in {store.root}; {hint}")
