"""Which schema is meant where none is given: the one that the scores at hand were given on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from guided_store.attributes import AttributeSchema, list_packs, load_schema
from guided_store.errors import UsageError
from guided_store.ledger import find_run, list_runs
from guided_store.scoring._guided import guided_schema
from guided_store.store import Store
from guided_store.versions import KINDS, Ref, get_version, list_versions

FILES = (".csv", ".tsv", ".parquet")
"""Endings by which a source is known as a file."""


def source_kind(source: str) -> Literal["run", "version", "file"]:
    """What a source is, told by its name alone: KIND/NAME a version, by its ending a file, else a run."""
    if Path(source).suffix in FILES:
        return "file"
    return "version" if source.partition("/")[0] in KINDS and "/" in source else "run"


def find_schema(store: Store | None, sources: Sequence[str]) -> AttributeSchema:
    """The schema that the sources were scored on, from the first of them that tells.

    A run of a model and a guided version carry theirs. An imported run carries a digest, for which the
    store's guided versions and the bundled schemas are searched. Files do not tell.

    Raises:
        UsageError: no source tells, or there is no such run.
        UnknownVersionError: there is no such version.
    """
    for source in sources:
        kind = source_kind(source)
        if store is None or kind == "file":
            continue
        if kind == "version":
            return guided_schema(get_version(store, source))
        record = find_run(store, source)
        if record is not None:
            return record.schema
        runs = list_runs(store)
        for info in runs:
            if info.run == source and (found := _by_digest(store, info.schema_digest)):
                return found
        if not any(info.run == source for info in runs):
            names = ", ".join(info.run for info in runs)
            raise UsageError(
                f"the ledger has no run {source!r}" + (f"; it has {names}" if names else " and no other yet")
            )
    raise UsageError(
        f"which attributes were scored cannot be told from {', '.join(sources)}; give the schema"
    )


def _by_digest(store: Store, digest: str) -> AttributeSchema | None:
    for info in reversed(list_versions(store, "guided")):
        if info.recipe.get("schema_digest") == digest:
            return guided_schema(info)
    packs = (load_schema(name) for name in list_packs())
    return next((pack for pack in packs if pack.digest == digest), None)


def choose_schema(
    store: Store, *, runs: Sequence[str] | None = None, extend: str | Ref | None = None
) -> AttributeSchema:
    """The schema to build a guided version on.

    Args:
        store: the store.
        runs: the runs to build from; None looks at all but those of purpose "check".
        extend: the version to extend, whose schema it is then.

    Raises:
        UsageError: nothing was scored, nothing tells, or runs were scored on different schemas.
        VersionError: the version to extend is missing or damaged.
    """
    if extend is not None:
        return guided_schema(get_version(store, extend))
    found = (
        [info.run for info in list_runs(store) if info.purpose == "score" and info.subject == "items"]
        if runs is None
        else runs
    )
    if not found:
        raise UsageError("nothing was scored yet; begin with `score run` or `score import`")
    schemas = {schema.digest: schema for schema in (find_schema(store, [run]) for run in found)}
    if len(schemas) > 1:
        names = ", ".join(schema.name for schema in schemas.values())
        raise UsageError(
            f"{', '.join(found)} were scored on different schemas ({names}); name the runs, or one schema"
        )
    return next(iter(schemas.values()))
