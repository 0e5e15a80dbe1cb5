"""What waits in a store's journals, and moving it to the table when the store is opened for writing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guided_store.journal._journal import FOLDER, journal_folder
from guided_store.journal._lock import RunLock, is_running
from guided_store.journal._reading import Reading, damaged_files, journal_files, read_journal
from guided_store.journal._records import Outcome, Sent
from guided_store.journal._rows import move
from guided_store.store import Store


@dataclass(frozen=True)
class ReplayReport:
    """What `replay` did.

    Attributes:
        runs: runs whose journals were moved.
        rows: rows that are new in the ledger.
        damaged: lines that could not be used; they stand in `damaged-*.jsonl` in the run's journal folder.
        problems: one sentence for each journal that stays as it is, and why.
    """

    runs: tuple[str, ...] = ()
    rows: int = 0
    damaged: int = 0
    problems: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The report as plain lines; none where there is nothing to say."""
        lines = []
        if self.rows:
            names = ", ".join(self.runs)
            lines.append(f"{self.rows:,} rows that an earlier process left are now in the ledger ({names})")
        if self.damaged:
            lines.append(
                f"{self.damaged:,} damaged lines of the journal were set aside; `doctor` says where they are"
            )
        return [*lines, *self.problems]


@dataclass(frozen=True)
class Waiting:
    """What one run's journal holds beyond the table.

    Attributes:
        run: the run's name.
        running: whether a process runs it now.
        files: its journal files, oldest first.
        damaged: files of damaged lines that were set aside.
    """

    run: str
    running: bool
    files: tuple[Path, ...]
    damaged: tuple[Path, ...]


def replay(store: Store) -> ReplayReport:
    """Move what killed processes left in their journals to the `scores` table.

    Journals of runs that are being run are left alone. Idempotent, and never an obstacle: what is damaged is
    set aside, and a journal that cannot be moved (a full disk) stays for the next time.

    Args:
        store: open for writing.
    """
    runs: list[str] = []
    problems: list[str] = []
    rows = damaged = 0
    for folder in _folders(store.root):
        lock, reading = RunLock(folder), Reading()
        try:
            if not journal_files(folder) or not lock.try_acquire():
                continue
            try:
                # Looked at again: a process may have ended, and another moved its files, in between.
                if files := journal_files(folder):
                    rows += move(store, files, folder.name, reading=reading)
                    damaged += reading.damaged_lines
                    runs.append(folder.name)
            finally:
                lock.release()
        except Exception as error:  # whatever it is, a store that cannot be written to any more is worse
            problems.append(f"the journal of run {folder.name} was not moved: {error}")
    return ReplayReport(tuple(runs), rows, damaged, tuple(problems))


def waiting(store: Store, run: str | None = None) -> list[Waiting]:
    """The journals of a store, or of one run; reads names only, writes nothing."""
    folders = _folders(store.root) if run is None else [journal_folder(store.root, run)]
    return [
        Waiting(folder.name, is_running(folder), tuple(journal_files(folder)), tuple(damaged_files(folder)))
        for folder in folders
        if folder.is_dir()
    ]


def pending(
    store: Store, run: str | None = None, *, reading: Reading | None = None
) -> Iterator[tuple[Sent, Outcome | None]]:
    """What stands in the journals and may not be in the table yet; writes nothing and takes no lock for long.

    Of a run that is being run only requests with an outcome; of others also those that were interrupted, with
    None. Some may be in the table already (a kill between writing there and removing the file): rows are told
    by their `row_id`. To miss nothing of a running process, read this before the table.

    Args:
        store: open for reading.
        run: one run; all by default.
        reading: counts what is in flight, among others.
    """
    reading = Reading() if reading is None else reading
    for entry in waiting(store, run):
        for sent, outcome in read_journal(entry.files, reading):
            if outcome is None and entry.running:
                reading.in_flight += 1
            else:
                yield sent, outcome


def _folders(root: Path) -> list[Path]:
    folder = root / FOLDER
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
