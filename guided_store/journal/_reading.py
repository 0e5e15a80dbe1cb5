"""Reading journal files: which request got which outcome, and what of the files cannot be used."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from guided_store.journal._records import OUTCOME_AT, OUTCOME_MARK, Outcome, Sealed, Sent, decode

_FILE = re.compile(r"\d{8,}\.jsonl")
_DAMAGED = "damaged-"


@dataclass
class Reading:
    """What a pass over journal files met; filled by `read_journal`.

    Attributes:
        torn: files that end in the middle of a line: a kill or a crash cut it, and it was never promised.
        damaged: per file, the lines that are no records, and outcomes of requests that are not in the files.
        in_flight: requests that a later file, not read here, goes on with.
    """

    torn: list[Path] = field(default_factory=list)
    damaged: dict[Path, list[bytes]] = field(default_factory=dict)
    in_flight: int = 0

    @property
    def damaged_lines(self) -> int:
        """Lines that cannot be used, of all files."""
        return sum(len(lines) for lines in self.damaged.values())


def journal_files(folder: Path) -> list[Path]:
    """The numbered files of a run's journal, oldest first; not those of damaged lines that were set aside."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _FILE.fullmatch(path.name)), key=file_number)


def damaged_files(folder: Path) -> list[Path]:
    """Where the lines stand that could not be used, oldest first."""
    return sorted(folder.glob(f"{_DAMAGED}*.jsonl"))


def file_number(path: Path) -> int:
    """The number of a journal file, or of the file whose damaged lines this one holds."""
    return int(path.stem.removeprefix(_DAMAGED))


def read_journal(
    paths: Iterable[Path], reading: Reading | None = None
) -> Iterator[tuple[Sent, Outcome | None]]:
    """The requests in journal files, each once; writes nothing.

    Requests with an outcome come in the order of their outcomes, the others at the end with None. A sealed
    file hands its open requests on to the next one: they come with None only if the last of `paths` is not
    sealed. So the sealed files of a running process give its outcomes and nothing that is in flight.

    A torn last line is dropped, a damaged line passed over; both are told in `reading`. Memory holds what is
    open, not the files. A file that is gone is passed over: its rows are in the table.

    Args:
        paths: files of one run, oldest first.
        reading: filled on the way.
    """
    reading = Reading() if reading is None else reading
    waiting: dict[str, Sent] = {}  # open, in the order of their files
    carried: set[str] = set()  # those of them that a sealed file handed on
    sealed = True
    for path in paths:
        sealed = False
        here: set[str] = set()  # a file that was left unsealed by an earlier process handed nothing on
        for line in _lines(path, reading):
            try:
                record = decode(line)
            except ValueError:
                record = None
            match record:
                case Sent():
                    waiting[record.request_id] = record
                    here.add(record.request_id)
                    carried.discard(record.request_id)
                case Outcome() if record.request_id in waiting:
                    carried.discard(record.request_id)
                    here.discard(record.request_id)
                    yield waiting.pop(record.request_id), record
                case Sealed():
                    sealed = True
                    carried.update(here)
                case _:
                    reading.damaged.setdefault(path, []).append(line)
    for request_id, sent in waiting.items():
        if sealed and request_id in carried:
            reading.in_flight += 1
        else:
            yield sent, None


def count_outcomes(path: Path) -> int:
    """Outcomes in a journal file, without parsing them."""
    with path.open("rb") as file:
        return sum(line[OUTCOME_AT] == OUTCOME_MARK for line in file)


def set_aside(reading: Reading) -> list[Path]:
    """Write damaged lines to `damaged-*.jsonl` beside their files, which can then be removed; returns these.

    Doing it again for the same file writes the same file again.
    """
    written = []
    for path, lines in reading.damaged.items():
        target = path.with_name(f"{_DAMAGED}{path.name}")
        # Not aside and renamed: until it is whole, its source is there, and it is written again.
        with target.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        written.append(target)
    return written


def _lines(path: Path, reading: Reading) -> Iterator[bytes]:
    """The whole lines of a file; a last line without newline only where it is a record all the same."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if not line.endswith(b"\n") and not _is_record(line):
                reading.torn.append(path)
                return
            yield line


def _is_record(line: bytes) -> bool:
    try:
        decode(line)
    except ValueError:
        return False
    return True
