"""The journal of a run: every request and every answer is written down here before anything else is done.

`<store>/journal/<run>/` holds numbered files of one record a line. A record is one write to a descriptor
opened for appending, so that a process killed at any moment leaves whole lines; a thread flushes them to the
disk twice a second, so that a machine that loses its power loses a second at most. From there the answers are
moved to the `scores` table (`move`), file by file, by whoever holds the store's writer lock.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from guided_store.errors import StoreError
from guided_store.journal._lock import RunLock
from guided_store.journal._reading import (
    Reading,
    count_outcomes,
    damaged_files,
    file_number,
    journal_files,
    read_journal,
)
from guided_store.journal._records import Outcome, Sealed, Sent, encode
from guided_store.versions import check_name

__all__ = ["Journal", "Reading", "journal_folder", "read_journal"]

FOLDER = "journal"

_SYNC_EVERY = 0.5  # seconds; with the flush itself well below the second that is promised


def journal_folder(root: Path, run: str) -> Path:
    """Where the journal of a run is, in a store's folder."""
    return root / FOLDER / run


@dataclass
class _File:
    """One open file of the journal."""

    path: Path
    descriptor: int
    outcomes: int = 0
    cut: bool = False  # a torn line could not be taken back; a newline must come first


class Journal:
    """The journal of a run that this process runs; a context manager.

    `sent` and `outcome` cost some microseconds and may be called from an event loop; `seal` and `close` wait
    for the disk and are better called in another thread. Any thread may call any of them.
    """

    def __init__(self, folder: Path, lock: RunLock) -> None:
        self._folder = folder
        self._lock = lock
        self._state = threading.Lock()  # what is current and in flight; held for a write, never for a flush
        self._disk = threading.Lock()  # flushing and closing of descriptors
        self._in_flight: dict[str, bytes] = {}  # the line of each request without an outcome
        self._sealed = {path: count_outcomes(path) for path in journal_files(folder)}
        self._retiring: list[_File] = []  # replaced, and not yet marked as sealed
        self._fault: str | None = None
        self._closed = False
        known = [*self._sealed, *damaged_files(folder)]
        self._number = max((file_number(path) for path in known), default=0)
        self._current = self._new_file(b"")
        self._dirty = threading.Event()
        self._stop = threading.Event()
        self._flusher = threading.Thread(target=self._flush_often, name="journal", daemon=True)
        try:
            _sync(folder)
            self._flusher.start()
        except BaseException:
            self._drop(self._current)
            raise

    @classmethod
    def open(cls, root: Path, run: str) -> Journal:
        """Take the run's lock and start a new file; files of an earlier process count as sealed.

        Args:
            root: the store's folder.
            run: the run's name.

        Raises:
            StoreLockedError: the run is being run already.
            UsageError: not a run's name.
            OSError: the folder cannot be written.
        """
        folder = journal_folder(root, check_name(run))
        folder.mkdir(parents=True, exist_ok=True)
        lock = RunLock(folder)
        lock.acquire()
        try:
            return cls(folder, lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pending(self) -> int:
        """Outcomes that are in files not yet discarded."""
        with self._state:
            files = [self._current, *self._retiring]
            return sum(self._sealed.values()) + sum(file.outcomes for file in files)

    @property
    def in_flight(self) -> int:
        """Requests without an outcome."""
        return len(self._in_flight)

    def sent(self, sent: Sent) -> None:
        """Write down a request; to be called before it is sent.

        Raises:
            OSError: the record could not be written (disk full); the journal is as before the call.
            StoreError: what was written earlier could not be flushed to the disk; buy no more.
        """
        if self._fault is not None:
            raise StoreError(self._fault)
        line = encode(sent)
        with self._state:
            if sent.request_id in self._in_flight:
                raise ValueError(f"request {sent.request_id} was sent before")
            self._write(line)
            self._in_flight[sent.request_id] = line
        self._dirty.set()

    def outcome(self, outcome: Outcome) -> None:
        """Write down what became of a request; to be called as soon as it is known.

        Raises:
            OSError: the record could not be written (disk full); the journal is as before the call, which can
                be repeated.
            ValueError: no such request is in flight.
        """
        line = encode(outcome)
        with self._state:
            if outcome.request_id not in self._in_flight:
                raise ValueError(f"request {outcome.request_id} is not in flight")
            self._write(line)
            del self._in_flight[outcome.request_id]
            self._current.outcomes += 1
        self._dirty.set()

    def seal(self) -> list[Path]:
        """Start a new file if the current one holds outcomes; the files that can be moved, oldest first.

        The new file begins with the requests still in flight and is on the disk before the old one is marked
        as sealed, so that each file can be moved and removed by itself.

        Raises:
            OSError: the disk refused; outcomes are where they were, and the next call tries again.
        """
        with self._disk:
            with self._state:
                self._need_open()
                if self._current.outcomes:
                    fresh = self._new_file(b"".join(self._in_flight.values()))
                    self._retiring.append(self._current)
                    self._current = fresh
            if self._retiring:
                self._sync_file(self._current)
                _sync(self._folder)
                self._retire()
            return sorted(self._sealed, key=file_number)

    def discard(self, path: Path) -> None:
        """Remove a sealed file whose rows are in the table; harmless where it is gone already."""
        with self._state:
            if path not in self._sealed:
                raise ValueError(f"{path} is not a sealed file of this journal")
        path.unlink(missing_ok=True)
        with self._state:
            del self._sealed[path]

    def close(self) -> None:
        """Flush, and give the run's lock back. What was not moved waits for the next `replay`.

        Raises:
            StoreError: something written could not be flushed to the disk.
        """
        if self._closed:
            return
        self._stop.set()
        self._dirty.set()
        self._flusher.join()
        try:
            with self._disk, self._state:
                self._closed = True
                empty = os.fstat(self._current.descriptor).st_size == 0
                for file in [*self._retiring, self._current]:
                    self._sync_file(file)
                    os.close(file.descriptor)
                if empty:
                    self._current.path.unlink()
        finally:
            self._lock.release()
        if self._fault is not None:
            raise StoreError(self._fault)

    # inside ----------------------------------------------------------------------------------------------

    def _need_open(self) -> None:
        if self._closed:
            raise ValueError("the journal is closed")

    def _new_file(self, start: bytes) -> _File:
        """The next file, holding `start`; nothing is left of it if that fails."""
        number = self._number + 1
        path = self._folder / f"{number:08d}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        file = _File(path, os.open(path, flags, 0o644))
        try:
            if start:
                _append(file, start)
        except BaseException:
            self._drop(file)
            raise
        self._number = number
        return file

    def _drop(self, file: _File) -> None:
        os.close(file.descriptor)
        file.path.unlink(missing_ok=True)

    def _write(self, line: bytes) -> None:
        self._need_open()
        _append(self._current, line)

    def _retire(self) -> None:
        """Mark replaced files as sealed and close them."""
        while self._retiring:
            file = self._retiring[0]
            _append(file, encode(Sealed(file_number(file.path))))
            self._sync_file(file)
            os.close(file.descriptor)
            with self._state:
                self._retiring.pop(0)
                self._sealed[file.path] = file.outcomes

    def _flush_often(self) -> None:
        while True:
            self._dirty.wait()
            if self._stop.wait(_SYNC_EVERY):
                return
            self._dirty.clear()
            with self._disk:
                for file in [*self._retiring, self._current]:
                    self._sync_file(file)

    def _sync_file(self, file: _File) -> None:
        try:
            os.fsync(file.descriptor)
        except OSError as error:
            # The kernel forgets such pages: a second fsync that succeeds would prove nothing.
            self._fault = (
                f"answers written to {file.path} may not have reached the disk ({error.strerror}); check the "
                "disk, then run the same command again to resume"
            )


def _append(file: _File, line: bytes) -> None:
    """Add whole lines with one write; where that fails, the file ends with what it held before."""
    data = b"\n" + line if file.cut else line
    done = 0
    try:
        while done < len(data):  # once, but for a disk that fills up within the line
            done += os.write(file.descriptor, data[done:])
    except OSError as error:
        if done:
            try:
                os.ftruncate(file.descriptor, os.fstat(file.descriptor).st_size - done)
            except OSError:
                file.cut = True
        raise OSError(error.errno, error.strerror, str(file.path)) from error
    file.cut = False


def _sync(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can."""
    with contextlib.suppress(PermissionError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
