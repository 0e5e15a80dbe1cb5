"""One process at a time works on a store's batch jobs; readers of the store are not held up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from guided_store.errors import StoreLockedError
from guided_store.journal import jobs_folder
from guided_store.store import Store


@contextmanager
def working_on_jobs(store: Store, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of the store's batch jobs; what a kill left half-written is removed.

    The lock dies with its process. It is not the store's writer lock: uploads and downloads may take minutes,
    and nobody needs to wait for them.

    Raises:
        StoreLockedError: another process holds it for longer than `wait` seconds.
    """
    folder = jobs_folder(store.root)
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder / "lock", thread_local=False)
    try:
        lock.acquire(timeout=wait, poll_interval=0.05)
    except Timeout:
        raise StoreLockedError(
            f"another process is submitting or collecting the batch jobs of {store.root}; wait until it is "
            "done"
        ) from None
    try:
        for path in folder.glob(".tmp-*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in folder.glob("*/.tmp-*"):
            path.unlink(missing_ok=True)
        yield
    finally:
        lock.release()
