"""Making the runs of a plan one after another, several processes side by side."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from guided_store.catalogue import Split
from guided_store.errors import GuidedStoreError, UsageError
from guided_store.progress import SILENT, Progress, Task
from guided_store.reproduction._board import Board, Unit
from guided_store.reproduction._datasets import Prepared, prepare
from guided_store.reproduction._estimate import clock, estimate
from guided_store.reproduction._execute import Place, execute
from guided_store.reproduction._plan import SYSTEMS, Cell, Plan
from guided_store.reproduction._records import SELECT_BY

WAIT = 2.0
"""Seconds between two looks at what other workers do, where all that is ready is theirs."""

KEPT = "refined"
"""The system whose run of the first seed stays with its store, beside those that others start from."""


@dataclass(frozen=True)
class Summary:
    """What a call of `run_plan` did.

    Attributes:
        made: trials and runs that were made.
        left: that are still to be made, by others or later.
        seconds: of wall time.
        stopped: "finished" where nothing is ready any more, or "deadline".
        errors: sentences about systems that could not be run.
    """

    made: int
    left: int
    seconds: float
    stopped: str
    errors: tuple[str, ...]


def run_plan(
    plan: Plan,
    work: Path,
    *,
    datasets: Path | None = None,
    workers: int = 1,
    deadline: float | None = None,
    threads: int = 1,
    device: str = "cpu",
    progress: Progress = SILENT,
) -> Summary:
    """Make what is missing of a plan, in its order of priority.

    Every finished trial and run is one file under `work/runs`, which is not made again; a training run that
    was killed or interrupted goes on from its checkpoint. Several processes may run the same plan in the same
    folder: each takes what no other is at. The test cases are read once for each chosen run, after the
    choice.

    Args:
        plan: what to make.
        work: the working folder.
        datasets: folder with the datasets' files; may be None where `work` has them.
        workers: how many processes share the work, for the estimate of the time that is left.
        deadline: seconds after which nothing new is begun.
        threads: of torch, in this process.
        device: torch device.
        progress: where to report.

    Raises:
        UsageError: missing files, or a work folder of other files.
        DataError: a damaged record.
        KeyboardInterrupt: after the checkpoint was written.
    """
    if workers < 1 or threads < 1:
        raise UsageError("there must be at least one worker and one thread")
    began = time.monotonic()
    prepared: dict[str, Prepared] = {}
    splits: dict[str, Split] = {}
    digests: dict[str, str] = {}
    for name in dict.fromkeys(cell.dataset for cell in plan.cells()):
        prepared[name] = prepare(plan.datasets[name], datasets, work, progress=progress)
        digests[name] = prepared[name].split
    board = Board(plan, work, digests)
    place = Place(work, device, _Quiet(progress))
    made, stopped = 0, "finished"
    errors: dict[Cell, str] = {}
    with _threads(threads):
        while True:
            if deadline is not None and time.monotonic() - began >= deadline:
                stopped = "deadline"
                break
            taken, busy = _take(board, work, errors)
            if taken is None:
                if not busy:
                    break
                time.sleep(WAIT)
                continue
            unit, lock = taken
            name = unit.settings.cell.dataset
            try:
                if name not in splits:
                    splits[name] = prepared[name].load_split()
                execute(
                    place,
                    prepared[name],
                    splits[name],
                    unit.kind,
                    unit.settings,
                    unit.before,
                    unit.seconds_before,
                )
                _tidy(board, place, unit)
                made += 1
                progress.log(_line(board, unit, workers))
            except GuidedStoreError as error:
                # The other systems need not wait until somebody reads this.
                errors[unit.group] = f"{unit}: {error}"
                progress.log(f"error: {errors[unit.group]}")
            finally:
                lock.release()
    return Summary(made, len(board.left()), time.monotonic() - began, stopped, tuple(errors.values()))


def _take(board: Board, work: Path, blocked: Collection[Cell]) -> tuple[tuple[Unit, FileLock] | None, bool]:
    """The most urgent unit that nobody is at, with its lock held; and whether others are at something."""
    busy = False
    locks = work / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    for unit in board.ready():
        if unit.group in blocked:
            continue
        lock = FileLock(locks / f"{unit.settings.digest}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            busy = True
            continue
        if board.record(unit.kind, unit.settings) is None:
            return (unit, lock), busy
        lock.release()  # another worker finished it between our look and the lock
        busy = True
    return None, busy


def _tidy(board: Board, place: Place, unit: Unit) -> None:
    """Remove stores that nothing needs any more."""
    cell = unit.settings.cell
    first = board.plan.first_seed(cell)
    whole = board.plan.datasets[cell.dataset].schedules[cell.encoder].trial_epochs is None
    if unit.kind == "trial":
        if not whole:  # a whole trial may become the run of the first seed
            _remove(place, unit)
        return
    starts_others = any(system.after == cell.system for system in SYSTEMS.values())
    if whole and cell.seed == first:
        for settings in board.trials(cell) or ():
            if settings.digest != unit.settings.digest:
                _remove(place, replace(unit, settings=settings))
    if not (starts_others or (cell.system == KEPT and cell.seed == first)):
        _remove(place, unit)


def _remove(place: Place, unit: Unit) -> None:
    shutil.rmtree(place.store_of(unit.settings).parent, ignore_errors=True)


def _line(board: Board, unit: Unit, workers: int) -> str:
    record = board.record(unit.kind, unit.settings)
    assert record is not None
    if record.failed:
        told = f"failed: {record.content['error']}"
    else:
        told = f"validation {SELECT_BY} {record.score:.4f} (epoch {record.content['best_epoch']}"
        told += f" of {record.content['epochs']}, {record.seconds:.0f} s)"
    seconds, unknown = estimate(board, workers)
    told += f"; {len(board.left())} runs left, about {clock(seconds)}"
    if unknown:
        told += f" and {unknown} of a kind that none was made of yet"
    return f"{unit}: {told}"


class _Quiet:
    """Shows bars, and of what is said the warnings alone: an epoch's line is in the record."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @contextmanager
    def task(self, title: str, total: float | None) -> Iterator[Task]:
        with self._progress.task(title, total) as task:
            yield task

    def log(self, text: str) -> None:
        if text.startswith("warning"):
            self._progress.log(text)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
