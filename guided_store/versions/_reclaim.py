"""Giving back the disk space of a kind's table that no named version uses."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from guided_store.errors import StoreError
from guided_store.store import Store
from guided_store.versions._names import table_of
from guided_store.versions._registry import VersionInfo


def table_folder(store: Store, kind: str) -> Path:
    """Where a kind's table is."""
    return store.root / "tables" / f"{table_of(kind)}.lance"


def data_files(store: Store, kind: str, version: int | None = None) -> set[str]:
    """Names of the data files that one Lance version of a table reads; the newest by default."""
    return _files(store.dataset(table_of(kind), version=version))


def unused_octets(store: Store, kind: str, used: Iterable[str]) -> int:
    """Bytes of the data files of a table that are not among `used`."""
    folder, used = table_folder(store, kind) / "data", set(used)
    found = 0
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if entry.name not in used:
                with contextlib.suppress(FileNotFoundError):
                    found += entry.stat().st_size
    return found


def reclaim(store: Store, kind: str, kept: Iterable[VersionInfo]) -> None:
    """Remove every Lance version and data file of a kind's table that none of `kept` needs.

    Lance never removes the newest version of a table: where no kept version uses its rows, a kept one becomes
    the newest (its files are shared, not copied), or all rows are deleted where nothing is kept. A kill
    leaves every kept version as it was, and a second call completes the work. Files that no version names (an
    interrupted write left them) go too: under the writer's lock nothing else writes them.

    Raises:
        StoreError: the store is open for reading only, or a kept version's tag or content is not in order.
    """
    if not store.writable:
        raise StoreError(f"the store at {store.root} is open for reading only; open it with write=True")
    kept = list(kept)
    _need_tags(store, kind, kept)
    needed = {name for info in kept for name in data_files(store, kind, info.table_version)}
    with lance_errors(store, kind):
        newest = store.dataset(table_of(kind))
        if not _files(newest) <= needed:
            if kept:
                store.dataset(table_of(kind), version=max(info.table_version for info in kept)).restore()
            else:
                newest.delete("true")
        store.dataset(table_of(kind)).cleanup_old_versions(
            older_than=timedelta(0), delete_unverified=True, error_if_tagged_old_versions=False
        )


def _need_tags(store: Store, kind: str, kept: Iterable[VersionInfo]) -> None:
    """Lance keeps what has a tag: a version whose tag was lost gets it again before anything is removed."""
    tags = store.tags(table_of(kind))
    for info in kept:
        if tags.get(info.ref.name, info.table_version) != info.table_version:
            raise StoreError(
                f"the tag of {info.ref} names table version {tags[info.ref.name]}, its registry row "
                f"{info.table_version}; nothing was removed: restore the store from a copy"
            )
        if info.ref.name not in tags:
            store.tag(table_of(kind), info.ref.name, info.table_version)


def _files(dataset: Any) -> set[str]:
    return {Path(file.path).name for fragment in dataset.get_fragments() for file in fragment.data_files()}


@contextmanager
def lance_errors(store: Store, kind: str) -> Iterator[None]:
    """Lance's refusals as one sentence; those of the operating system are clearer as they are."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        what = str(error).splitlines()[0][:300]
        raise StoreError(
            f"table {kind!r} of the store at {store.root} could not be pruned: {what}"
        ) from error
