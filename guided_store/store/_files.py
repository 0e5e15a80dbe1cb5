"""Files and folders that are either there whole or not there at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from guided_store.errors import StoreError

TEMPORARY = ".tmp-"


def fsync_path(path: Path) -> None:
    """Flush one file or folder entry to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_tree(folder: Path) -> None:
    """Flush every file and folder below `folder`, deepest first, and `folder` itself."""
    for root, _, files in os.walk(folder, topdown=False):
        for name in files:
            fsync_path(Path(root) / name)
        fsync_path(Path(root))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling that takes the place of `path` when the block ends without an error.

    The content is fsynced before the one rename, so `path` is as before or as after; the sibling's name is
    its own, so that two writers never share one.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{uuid.uuid4().hex}")
    try:
        yield temporary
        fsync_path(temporary)
        temporary.replace(path)
        fsync_path(path.parent)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def octets(folder: Path) -> int:
    """Bytes of the files below a folder; what another process takes away meanwhile does not count."""
    found = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found += os.stat(os.path.join(parent, name)).st_size
    return found


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def publish(target: Path) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes `target` when the block ends without an error.

    The content is fsynced before the one rename, so after a crash `target` is whole or absent. A folder that
    a kill leaves behind has a name starting with ".tmp-" and is removed when the store is next opened for
    writing.

    Raises:
        StoreError: `target` exists already.
    """
    if target.exists():
        raise StoreError(f"{target} exists already; remove it or choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f"{TEMPORARY}{target.name}-{uuid.uuid4().hex}"
    temporary.mkdir()
    try:
        yield temporary
        fsync_tree(temporary)
        temporary.rename(target)
        fsync_path(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
