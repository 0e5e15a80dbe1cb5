"""What a kill left in a store's folder: half-written files and folders that no name leads to."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guided_store.store._files import TEMPORARY

ROOMS = ("encoders", "indexes", "checkpoints")


def find_leftovers(root: Path) -> list[Path]:
    """Temporary files and folders below a store's folder, sorted; those of a running writer are among them.

    These are the ".tmp-*" siblings of `publish`, `write_json` and checkpoints, and the ".NAME.saving-*" and
    ".NAME.replaced-*" folders of an index save. An index that was moved aside and has no successor is none:
    it is the only copy.
    """
    found = set(root.glob(f"{TEMPORARY}*"))
    for room in ROOMS:
        found.update((root / room).rglob(f"{TEMPORARY}*"))
    for path in (root / "indexes").glob("*/*/.*"):
        name, saving, _ = path.name[1:].rpartition(".saving-")
        if name and saving:
            found.add(path)
        name, replaced, _ = path.name[1:].rpartition(".replaced-")
        if name and replaced and path.with_name(name).exists():
            found.add(path)
    return sorted(found)


def remove_leftovers(root: Path) -> int:
    """Remove what `find_leftovers` finds; needs the writer's lock. Returns how many were removed.

    An index save that still runs (by a program that uses `indexes` without a store) holds a lock on its
    folder, which is then left alone.
    """
    removed = 0
    for path in find_leftovers(root):
        with contextlib.suppress(FileNotFoundError), _unused(path) as unused:
            if not unused:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
            removed += 1
    return removed


@contextmanager
def _unused(path: Path) -> Iterator[bool]:
    """Whether no index save works in this folder; holds its lock meanwhile, so that none can begin."""
    if path.name.startswith(TEMPORARY):  # written under the store's lock only
        yield True
        return
    if (
        sys.platform == "win32"
    ):  # there a folder cannot be locked, and a running save not told from a dead one
        yield False
        return
    import fcntl

    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)
