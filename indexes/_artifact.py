"""Index directories on disk: written whole or not at all, read with checks.

A save writes into a hidden sibling, syncs every file, then renames it into place; a kill at any moment leaves
the old index, the new one, or none, and at worst a hidden sibling that the next save of that name clears.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from indexes._errors import VectorIndexError, faiss_reason
from indexes._faiss import faiss
from indexes._manifest import INDEX_FILE, MANIFEST_FILE, Manifest

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

_limit_lock = threading.Lock()


def write_index(
    path: Path, engine: Any, manifest_of: Callable[[int, str], Manifest], overwrite: bool
) -> Manifest:
    """Write the directory `path` atomically; `manifest_of(size, sha256)` gives the manifest of `index.faiss`.

    Raises:
        VectorIndexError: `path` exists (unless it is an empty folder, or an index and `overwrite`), or
            the disk refuses.
    """
    _check_target(path, overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _draft(path) as draft:
            faiss.write_index(engine, str(draft / INDEX_FILE))
            manifest = manifest_of(*_sync_and_hash(draft / INDEX_FILE))
            (draft / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
            _sync_and_hash(draft / MANIFEST_FILE)
            _sync_directory(draft)
            _place(draft, path)
            _sync_directory(path.parent)
        _clear_leftovers(path)
    except OSError as error:
        raise VectorIndexError(f"cannot save index {path}: {error.strerror or error}") from error
    except RuntimeError as error:
        raise VectorIndexError(f"cannot save index {path}: {faiss_reason(error)}") from error
    return manifest


def read_index(path: Path, manifest: Manifest, mmap: bool) -> Any:
    """Open `index.faiss`: a file that is read whole is hashed first, one that is mapped has its size checked.

    Raises:
        VectorIndexError: the file is missing, has another size or content, or FAISS cannot read it.
    """
    file = path / INDEX_FILE
    if mmap:
        _check_size(file, manifest)
    else:
        check_content(path, manifest)
    # IO_FLAG_MMAP_IFC maps every kind of index; the older IO_FLAG_MMAP inverted lists only.
    ways = [faiss.IO_FLAG_MMAP_IFC, faiss.IO_FLAG_MMAP] if mmap else [0]
    reason = ""
    for flags in ways:
        try:
            with _allocation_limit(manifest.file_size):
                return faiss.read_index(str(file), flags)
        except (RuntimeError, MemoryError, OSError) as error:
            reason = faiss_reason(error)
    raise VectorIndexError(f"{file} is damaged and FAISS cannot read it ({reason}): rebuild the index")


def check_content(path: Path, manifest: Manifest) -> None:
    """Compare the whole of `index.faiss` with the recorded SHA-256; raises VectorIndexError."""
    file = path / INDEX_FILE
    _check_size(file, manifest)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != manifest.sha256:
        raise VectorIndexError(
            f"{file} is damaged (its SHA-256 differs from the manifest): rebuild the index"
        )


@contextlib.contextmanager
def _allocation_limit(size: int) -> Iterator[None]:
    """Keep FAISS from allocating more for one array than the file holds, as a damaged length would."""
    with _limit_lock:
        before = faiss.get_deserialization_vector_byte_limit()
        faiss.set_deserialization_vector_byte_limit(size)
        try:
            yield
        finally:
            faiss.set_deserialization_vector_byte_limit(before)


def _check_size(file: Path, manifest: Manifest) -> None:
    try:
        size = file.stat().st_size
    except OSError:
        raise VectorIndexError(f"{file} is missing though its manifest is there: rebuild the index") from None
    if size != manifest.file_size:
        raise VectorIndexError(
            f"{file} is damaged ({size} bytes, the manifest says {manifest.file_size}): rebuild the index"
        )


def _check_target(path: Path, overwrite: bool) -> None:
    if not path.name:
        raise VectorIndexError(f"cannot save an index as {path}: name a folder")
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        raise VectorIndexError(f"cannot save an index as {path}: something that is no folder has that name")
    names = {entry.name for entry in path.iterdir()}
    if names and not overwrite:
        raise VectorIndexError(f"{path} exists already: choose another name, or say overwrite=True")
    if not names <= {INDEX_FILE, MANIFEST_FILE}:
        raise VectorIndexError(
            f"{path} holds other files than an index, so it is not overwritten: choose another name"
        )


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A new hidden sibling of `path`, locked while this process lives, removed at the end if still there."""
    draft = path.parent / f".{path.name}.saving-{secrets.token_hex(4)}"
    draft.mkdir()
    lock = _lock(draft)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _lock(directory: Path) -> int | None:
    """An exclusive lock on a directory (None on Windows, which has none); BlockingIOError if it is held."""
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _clear_leftovers(path: Path) -> None:
    """Remove what killed saves of this name left; a save that still runs holds its lock and is left alone."""
    if sys.platform == "win32":
        return
    leftovers = list(path.parent.glob(f".{path.name}.saving-*"))
    if path.exists():
        leftovers += path.parent.glob(f".{path.name}.replaced-*")
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            handle = _lock(leftover)
            shutil.rmtree(leftover, ignore_errors=True)
            if handle is not None:
                os.close(handle)


def _place(draft: Path, path: Path) -> None:
    """Rename `draft` to `path`; an index already there is swapped out and ends up under the draft's name."""
    if not path.exists() or not any(path.iterdir()):
        os.rename(draft, path)
        return
    if _exchange(draft, path):
        return
    aside = path.parent / f".{path.name}.replaced-{secrets.token_hex(4)}"
    os.rename(path, aside)
    os.rename(draft, path)
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two directories in one step (Linux renameat2); False where that is not to be had."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _sync_and_hash(file: Path) -> tuple[int, str]:
    """Force a file onto the disk; its size and SHA-256."""
    with file.open("r+b") as stream:
        os.fsync(stream.fileno())
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest


def _sync_directory(directory: Path) -> None:
    if os.name != "posix":  # elsewhere directories cannot be opened, and need no sync
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
