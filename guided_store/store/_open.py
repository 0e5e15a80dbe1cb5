"""Opening and creating stores; the marker file that says a folder is one."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guided_store.errors import StoreError, UsageError
from guided_store.store._files import TEMPORARY, write_json
from guided_store.store._leftovers import remove_leftovers
from guided_store.store._lock import WriterLock
from guided_store.store._store import Store

MARKER = "guided-store.json"
FORMAT = 1


def _root(uri: str | Path) -> Path:
    if "://" in str(uri):
        raise UsageError(f"{uri} is not a local folder; this version keeps its store in a local folder only")
    return Path(uri).expanduser()


def _read_marker(root: Path) -> dict[str, object]:
    marker = root / MARKER
    if not root.is_dir():
        raise StoreError(f"there is no store at {root}; create one with `guided-store --store {root} init`")
    if not marker.exists():
        raise StoreError(
            f"{root} is not a guided store (it has no {MARKER}); name another folder with --store, or "
            "create a store in an empty one with `init`"
        )
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
        version = int(content["format"])
        str(content["uuid"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the store at {root} is damaged: {MARKER} cannot be read ({error})") from None
    if version > FORMAT:
        raise StoreError(
            f"the store at {root} has format {version}, newer than this program's {FORMAT}; upgrade "
            "guided-store"
        )
    assert isinstance(content, dict)
    return content


def _is_free(root: Path) -> bool:
    """Whether the folder is absent or empty, but for the half-written marker of a killed `create`."""
    if not root.exists():
        return True
    return root.is_dir() and all(path.name.startswith(TEMPORARY) for path in root.iterdir())


def create(uri: str | Path) -> Store:
    """Create an empty store in a new or empty folder and open it for writing.

    Raises:
        StoreError: the folder holds a store, or something else.
    """
    root = _root(uri)
    if root.exists() and not root.is_dir():
        raise StoreError(f"{root} is a file; a store needs a folder")
    if (root / MARKER).exists():
        raise StoreError(f"{root} holds a store already")
    if not _is_free(root):
        raise StoreError(f"{root} is not empty; a store is created in a new or empty folder")
    root.mkdir(parents=True, exist_ok=True)
    from guided_store import __version__

    write_json(
        root / MARKER,
        {
            "format": FORMAT,
            "uuid": str(uuid.uuid4()),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "created_by": f"guided-store {__version__}",
        },
    )
    return open(root, write=True)


def open(uri: str | Path = "store", *, write: bool = False, wait: float = 0.0) -> Store:
    """Open an existing store.

    Args:
        uri: the store's folder.
        write: take the writer's lock; what a crash left behind (orphaned tags, temporary folders) is removed,
            and answers that a killed scoring run left in its journal are moved to the ledger.
        wait: seconds to wait for another writer.

    Raises:
        StoreError: no store there, or a damaged or newer one.
        StoreLockedError: another writer holds it for longer than `wait`.
    """
    root = _root(uri)
    marker = _read_marker(root)
    if not write:
        return Store(root, str(marker["uuid"]), lock=None)
    lock = WriterLock(root)
    lock.acquire(wait)
    store = Store(root, str(marker["uuid"]), lock=lock)
    try:
        from guided_store.versions import recover

        remove_leftovers(root)
        recover(store)
        _replay_journals(store)
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def writing(store: Store, wait: float = 0.0) -> Iterator[Store]:
    """The store itself where it is open for writing, else a handle that is, for the length of the block.

    Raises:
        StoreLockedError: another process writes, for longer than `wait` seconds.
    """
    if store.writable:
        yield store
        return
    with open(store.root, write=True, wait=wait) as opened:
        yield opened


def _replay_journals(store: Store) -> None:
    """Move paid answers that a killed scoring run left in its journal to the ledger."""
    if any((store.root / "journal").glob("*/[0-9]*.jsonl")):
        from guided_store.journal import replay

        store.notes += replay(store).lines()


def open_or_create(uri: str | Path = "store", *, wait: float = 0.0) -> Store:
    """Open a store for writing, creating it where the folder is absent or empty."""
    root = _root(uri)
    if _is_free(root):
        return create(root)
    return open(root, write=True, wait=wait)
