"""Looking at batch jobs, stopping them, and giving them up."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow.compute as pc

from guided_store.batches._client import Clients, RemoteError
from guided_store.batches._lock import working_on_jobs
from guided_store.batches._remote import ENDED, adopt, cancel, find, has_results, refresh
from guided_store.batches._results import remove_files
from guided_store.errors import StoreError, UsageError
from guided_store.journal import Job, Outcome, read_job, read_jobs, read_sent, save_job, to_rows
from guided_store.ledger import append_rows, find_rows, find_run
from guided_store.store import Store, writing

_REASON = "the batch job was given up before its answers were collected"
_PIECE = 1024  # requests in one commit of the ledger


def list_batches(
    store: Store, refresh: bool = False, *, run: str | None = None, lock_wait: float = 60.0
) -> list[Job]:
    """The store's batch jobs, oldest first.

    Args:
        store: open for reading or for writing.
        refresh: ask the server how the open ones stand; a job whose submission was cut off is looked up. What
            cannot be asked about keeps its state, with the reason in `fault`.
        run: only this run's jobs.
        lock_wait: seconds to wait for another process that works on the jobs.

    Raises:
        UsageError: the key's environment variable is not set.
        StoreLockedError: another process works on the jobs.
    """
    if refresh and any(job.open for job in read_jobs(store.root, run)):
        with working_on_jobs(store, lock_wait), Clients() as clients:
            return [
                _refreshed(store, job, clients) if job.open else job for job in read_jobs(store.root, run)
            ]
    return read_jobs(store.root, run)


def cancel_batch(store: Store, job: str, *, lock_wait: float = 60.0) -> Job:
    """Ask the server to stop a job; what it answered by then is still to be collected, and paid.

    Raises:
        UsageError: no such job, or one that is not with the server.
        RemoteError: the server refused, or could not be asked.
    """
    with working_on_jobs(store, lock_wait), Clients() as clients:
        held = read_job(store.root, job)
        client = clients.of(held.base_url, held.key_env)
        if held.open and held.creating is not None and held.batch_id is None:
            held = _looked_up(store, held, clients)
        if held.state != "submitted":
            raise UsageError(f"batch job {job} is {held.state}: there is nothing to cancel on the server")
        return cancel(store, held, client)


@dataclass(frozen=True)
class Abandoned:
    """The outcome of `abandon_batch`.

    Attributes:
        job: the job as it is now.
        rows: rows with status "unknown" that are new in the ledger.
        cost: US dollars they count, an upper bound; None without prices.
    """

    job: Job
    rows: int
    cost: float | None

    def lines(self) -> list[str]:
        """The report as plain lines."""
        first = f"batch job {self.job.job} is given up; its {self.job.items:,} items can be asked again"
        if not self.rows:
            return [f"{first}; nothing was bought"]
        cost = (
            "" if self.cost is None else f" and counted with ${self.cost:,.4f}, the most they may have cost"
        )
        return [first, f"{self.rows:,} answers that may have been paid are recorded as unknown{cost}"]

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {"job": self.job.to_dict(), "rows": self.rows, "cost": self.cost}


def abandon_batch(store: Store, job: str, *, force: bool = False, lock_wait: float = 60.0) -> Abandoned:
    """Give up a job: its items are left again, and what it may have cost is recorded.

    A job that was never submitted cost nothing. Of one that the server does not know any more each item
    becomes a row with status "unknown" and the estimated cost, unless its answer is in the ledger.

    Args:
        store: open for reading or for writing.
        job: its name.
        force: also where the server still has it, or cannot be asked.
        lock_wait: seconds to wait for another writer of the store.

    Raises:
        UsageError: no such job, one that is over, or one that the server still has (without `force`).
        RemoteError: the server cannot be asked (without `force`).
    """
    with working_on_jobs(store, lock_wait), Clients() as clients:
        held = read_job(store.root, job)
        if not held.open:
            raise UsageError(f"batch job {job} is {held.state} already: there is nothing to give up")
        bought = held.state == "submitted" or held.creating is not None
        if bought and not force:
            held = _gone(store, held, clients)
            bought = held.state == "submitted"
        rows, cost = _record_unknown(store, held, lock_wait) if bought else (0, None)
        held = save_job(store.root, held, state="abandoned", collected=time.time(), spent=cost)
        remove_files(store.root, held)
        return Abandoned(held, rows, cost)


def _gone(store: Store, job: Job, clients: Clients) -> Job:
    """The job, if the server has no batch or no results of it any more."""
    if job.state != "submitted":
        job = _looked_up(store, job, clients, settle=True)
        if job.state != "submitted":
            return job  # never made: nothing was bought
    client = clients.of(job.base_url, job.key_env)
    try:
        job = refresh(store, job, client)
        if job.status in ENDED and not has_results(client, job):
            return job
    except RemoteError as error:
        if error.status == 404:
            return read_job(store.root, job.job)
        raise
    advice = "collect it" if job.status in ENDED else "cancel it and collect what it answered"
    raise UsageError(
        f"batch job {job.job} is {job.status} on the server: {advice}, or force giving it up (--force), "
        "which loses what was answered and may be billed"
    )


def _looked_up(store: Store, job: Job, clients: Clients, *, settle: bool = False) -> Job:
    """A job whose submission was cut off, with its batch if the server has one."""
    found = find(store, job, clients.of(job.base_url, job.key_env), settle=settle)
    return job if found is None else adopt(store, job, found)


def _refreshed(store: Store, job: Job, clients: Clients) -> Job:
    try:
        if job.state != "submitted":
            return job if job.creating is None else _looked_up(store, job, clients)
        if job.status in ENDED:
            return job
        return refresh(store, job, clients.of(job.base_url, job.key_env))
    except RemoteError as error:
        return replace(job, fault=str(error))


def _record_unknown(store: Store, job: Job, lock_wait: float) -> tuple[int, float | None]:
    """A row for each item of a job that may have been paid; the new rows, and what they cost at most."""
    record = find_run(store, job.run)
    if record is None:
        raise StoreError(f"run {job.run!r} of batch job {job.job} is not recorded in the store")
    added = 0
    cost: float | None = None
    requests = read_sent(store.root, job.job)
    now = time.time()
    while piece := list(islice(requests, _PIECE)):
        rows = to_rows(
            record, [(sent, Outcome(sent.request_id, "unknown", now, reason=_REASON)) for sent in piece]
        )
        with writing(store, lock_wait) as opened:
            # A killed collect may have brought some answers in.
            held = find_rows(opened, rows.column("row_id")).column("row_id").combine_chunks()
            rows = rows.filter(pc.invert(pc.is_in(rows.column("row_id"), value_set=held)))
            added += append_rows(opened, rows, known_new=True)
        if (more := pc.sum(rows.column("cost")).as_py()) is not None:
            cost = (cost or 0.0) + more
    return added, cost
