"""Fetching what batch jobs answered, and putting it into the ledger exactly once."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.compute as pc

from guided_store.batches._client import Clients, RemoteError
from guided_store.batches._lock import working_on_jobs
from guided_store.batches._remote import ENDED, adopt, download, find, refresh
from guided_store.batches._report import CollectReport
from guided_store.batches._results import FILES, Reading, SentIndex, remove_files
from guided_store.batches._submit import resubmit_missing
from guided_store.errors import GuidedStoreError, StoreError
from guided_store.journal import Job, job_folder, read_job, read_jobs, save_job, to_rows
from guided_store.ledger import append_rows, find_run, need_run
from guided_store.progress import SILENT, Progress
from guided_store.store import Store, writing

INTERVAL = 30.0
"""Seconds between two looks at the server while waiting."""

_FIRST_PAUSE = 1.0


def collect_batches(
    store: Store,
    *,
    run: str | None = None,
    resubmit: bool = False,
    wait: float | None = None,
    interval: float = INTERVAL,
    lock_wait: float = 60.0,
    progress: Progress = SILENT,
) -> CollectReport:
    """Ask the server about every open batch job, and move the answers of those that ended into the ledger.

    A kill at any moment loses and doubles nothing: result files are on disk before they are read, rows are
    known by their request, and a job counts as collected only when all its rows are in the ledger. Requests
    that the server did not answer leave no row; their items are left, for a live run or the next job.

    Args:
        store: open for reading (then each piece takes the writer's lock for itself) or for writing.
        run: only this run's jobs; None takes all.
        resubmit: afterwards submit the items of ended jobs that are still not scored, as one new job a run.
        wait: seconds to wait for jobs to end, `math.inf` as long as it takes; None looks once.
        interval: seconds between two looks while waiting; at first they come closer together.
        lock_wait: seconds to wait for another writer of the store.
        progress: shows waiting and reading.

    Raises:
        UsageError: no such run, or the key's environment variable is not set.
        StoreLockedError: another process works on the jobs, or writes for longer than `lock_wait`.
        RemoteError: the server could be asked about none of the jobs.
    """
    if run is not None:
        need_run(store, run)
    until = -math.inf if wait is None else time.monotonic() + wait
    tally = Tally()
    faults: list[GuidedStoreError]
    pause = min(_FIRST_PAUSE, interval)
    with Clients() as clients:
        while True:
            with working_on_jobs(store, lock_wait):
                waiting, faults = _look(store, run, clients, tally, lock_wait, progress)
            left = until - time.monotonic()
            if left <= 0 or not any(job.state == "submitted" and not job.fault for job in waiting):
                break
            _pause(min(left, pause), waiting, progress)
            pause = min(2 * pause, interval)
        if faults and not tally.ended and len(faults) == len(waiting):
            raise faults[0]
        again: list[Job] = []
        if resubmit:
            try:
                again = resubmit_missing(store, clients, run=run, lock_wait=lock_wait, progress=progress)
            except GuidedStoreError as error:
                faults.append(error)  # what was collected is to be told all the same
    return CollectReport(
        collected=tuple(job for job in tally.ended if job.state == "collected"),
        refused=tuple(job for job in tally.ended if job.state == "failed"),
        waiting=tuple(waiting),
        resubmitted=tuple(again),
        faults=tuple(str(fault) for fault in faults),
        rows=tally.rows,
        statuses=dict(sorted(tally.statuses.items())),
        reasons=dict(tally.reasons.most_common()),
        damaged=tally.damaged,
        spent=tally.spent,
    )


@dataclass
class Tally:
    """What one call of `collect_batches` brought in: see `CollectReport`."""

    ended: list[Job] = field(default_factory=list)
    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    damaged: int = 0
    spent: float | None = None


def _look(
    store: Store, run: str | None, clients: Clients, tally: Tally, lock_wait: float, progress: Progress
) -> tuple[list[Job], list[GuidedStoreError]]:
    """One round over the open jobs: those that are open still, and what went wrong with which.

    One job that cannot be had does not keep the others from being collected.
    """
    waiting: list[Job] = []
    faults: list[GuidedStoreError] = []
    for job in read_jobs(store.root, run):
        if not job.open:
            continue
        try:
            looked = _collect(store, job, clients, tally, lock_wait, progress)
        except RemoteError as error:
            faults.append(error)
            looked = read_job(store.root, job.job)
        if looked.open:
            waiting.append(looked)
        else:
            tally.ended.append(looked)
    return waiting, faults


def _collect(
    store: Store, job: Job, clients: Clients, tally: Tally, lock_wait: float, progress: Progress
) -> Job:
    """Bring one job as far as it goes now."""
    if job.state != "submitted":
        if job.creating is None:
            return job
        client = clients.of(job.base_url, job.key_env)
        found = find(store, job, client)
        if found is None:
            return job
        job = adopt(store, job, found)
    if job.status not in ENDED:
        job = refresh(store, job, clients.of(job.base_url, job.key_env))
        if job.status not in ENDED:
            return job
    paths = []
    for file_id, name in zip((job.output_file_id, job.error_file_id), FILES, strict=True):
        path = job_folder(store.root, job.job) / name
        if file_id is None:
            continue
        if not path.exists():
            download(store, clients.of(job.base_url, job.key_env), job, file_id, path)
        paths.append(path)
    if job.status == "failed" and not paths:
        job = save_job(store.root, job, state="failed", collected=time.time())
    else:
        before = tally.damaged
        job = _read(store, job, paths, tally, lock_wait, progress)
        if tally.damaged > before:
            return job  # the files stay, for a person to look at what could not be read
    remove_files(store.root, job)
    return job


def _read(
    store: Store, job: Job, paths: list[Path], tally: Tally, lock_wait: float, progress: Progress
) -> Job:
    """Put downloaded results into the ledger; the job is collected when all of them are there."""
    record = find_run(store, job.run)
    if record is None:
        raise StoreError(f"run {job.run!r} of batch job {job.job} is not recorded in the store")
    statuses: Counter[str] = Counter()
    spent: float | None = None
    with SentIndex(store.root, job.job) as sent:
        reading = Reading(sent, job.checked or time.time())
        with progress.task(f"collecting {job.job}", job.requests) as task:
            for piece in reading.pieces(paths):
                rows = to_rows(record, piece)
                with writing(store, lock_wait) as opened:
                    tally.rows += append_rows(opened, rows)
                statuses.update(rows.column("status").to_pylist())
                cost = pc.sum(rows.column("cost")).as_py()
                spent = spent if cost is None else (spent or 0.0) + cost
                task.advance(len(piece))
        unanswered = len(sent)
    completed = job.counts.get("completed", 0)
    fault = job.fault
    if reading.answered < completed:
        fault = f"the server counts {completed:,} answers, its files hold {reading.answered:,}"
    tally.statuses.update(statuses)
    tally.reasons.update(reading.reasons)
    tally.damaged += reading.damaged
    if spent is not None:
        tally.spent = (tally.spent or 0.0) + spent
    return save_job(
        store.root,
        job,
        state="collected",
        collected=time.time(),
        answered=reading.answered,
        refused=reading.refused,
        unanswered=unanswered,
        unusable=statuses["failed"],
        spent=spent,
        fault=fault,
    )


def _pause(seconds: float, waiting: list[Job], progress: Progress) -> None:
    """Wait for the next look, saying how far the jobs are."""
    total = sum(job.requests for job in waiting)
    done = sum(job.counts.get("completed", 0) + job.counts.get("failed", 0) for job in waiting)
    with progress.task(f"waiting for {len(waiting):,} batch jobs", total) as task:
        task.advance(done)
        task.note(", ".join(sorted({job.status or job.state for job in waiting})))
        time.sleep(seconds)
