"""Submitting what a run has still to ask as batch jobs, each request bought once whatever is killed when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, fields, replace
from typing import Any

from guided_store.attributes import AttributeSchema
from guided_store.batches._client import Clients
from guided_store.batches._lock import working_on_jobs
from guided_store.batches._remote import adopt, create, find, upload
from guided_store.batches._requests import plan_requests
from guided_store.batches._write import MAX_BYTES, MAX_REQUESTS, Draft, write_jobs
from guided_store.errors import StoreError, UsageError
from guided_store.journal import Job, read_jobs, read_sent, taking
from guided_store.ledger import RunRecord, UserHistories, find_run
from guided_store.llm import Prices
from guided_store.progress import SILENT, Progress
from guided_store.runs import ScoringOptions, plan_run
from guided_store.store import Store


def submit_batches(
    store: Store,
    schema: AttributeSchema,
    options: ScoringOptions,
    *,
    max_requests: int = MAX_REQUESTS,
    max_bytes: int = MAX_BYTES,
    lock_wait: float = 60.0,
    progress: Progress = SILENT,
) -> list[Job]:
    """Ask for all that a run still lacks by batch jobs, and return at once; `collect_batches` fetches it.

    What an earlier call began and did not end is ended first: a job on disk without a batch is looked up on
    the server, and submitted only if it is not there. Items in open jobs are not asked again.

    Args:
        store: open for reading or for writing.
        schema, options: as for `score_items`. `options.prices` are those of the batch, usually half the
            price; `options.max_cost` bounds the run with all its open jobs at their upper bounds. Limits of
            concurrency and rate do not matter here.
        max_requests, max_bytes: of one job; more requests make more jobs.
        lock_wait: seconds to wait for another writer of the store.
        progress: shows preparing and submitting.

    Returns:
        The jobs that this call brought to the server, begun earlier or new; [] where nothing is left to ask.

    Raises:
        UsageError: no key, no items, nothing fits into `max_cost`, or another run asked the same.
        StoreLockedError: the run is running, or another process works on the jobs.
        RemoteError: a step was refused or got no answer; what is on disk goes on with the next call.
    """
    if max_requests < 1 or max_bytes < 1:
        raise UsageError("a batch job holds at least one request")
    record = plan_run(store, schema, options)
    with Clients(options.timeout) as clients:
        clients.of(options.base_url, options.key_env)  # a missing key is said before anything is written
        return _submit(store, record, options, clients, (max_requests, max_bytes), None, lock_wait, progress)


def resubmit_missing(
    store: Store,
    clients: Clients,
    *,
    run: str | None = None,
    lock_wait: float = 60.0,
    progress: Progress = SILENT,
) -> list[Job]:
    """Submit the items of ended jobs that are still not scored, as one new job a run (more if it is too big).

    Items that were answered, that wait in another job or that were given up after `attempts` unusable
    answers are left out, so that doing it again asks for nothing twice. Options are those of the run's last
    ended job.

    Args:
        store, lock_wait, progress: as for `submit_batches`.
        clients: where to.
        run: only this run; None takes all.

    Raises:
        UsageError, StoreLockedError, RemoteError: as `submit_batches`.
    """
    jobs: list[Job] = []
    ended: dict[str, list[Job]] = {}
    for job in read_jobs(store.root, run):
        if not job.open:
            ended.setdefault(job.run, []).append(job)
    for name, old in ended.items():
        record = find_run(store, name)
        if record is None:
            raise StoreError(f"run {name!r} of batch job {old[-1].job} is not recorded in the store")
        items = {
            item
            for job in old
            if job.incomplete
            for sent in read_sent(store.root, job.job)
            for item in sent.item_ids
        }
        if items:
            options = replace(options_of(old[-1]), run=name)
            jobs += _submit(
                store, record, options, clients, (MAX_REQUESTS, MAX_BYTES), items, lock_wait, progress
            )
    return jobs


def finish(store: Store, job: Job, clients: Clients, progress: Progress = SILENT) -> Job:
    """Bring a job that is on disk to the server, from whatever step it was left at."""
    client = clients.of(job.base_url, job.key_env)
    if job.creating is not None and (found := find(store, job, client, settle=True)):
        progress.log(f"batch job {job.job} was submitted already as {found.id}")
        return adopt(store, job, found)
    if job.state == "prepared":
        job = upload(store, job, client)
    return create(store, job, client)


def options_to_dict(options: ScoringOptions) -> dict[str, Any]:
    """Options as JSON-serialisable fields; there is no key among them."""
    return asdict(options)


def options_of(job: Job) -> ScoringOptions:
    """The options that a job was made with, but for what concerned that call alone."""
    known = {field.name for field in fields(ScoringOptions)}
    held = {name: value for name, value in job.options.items() if name in known}
    prices, shown, users = (held.pop(name, None) for name in ("prices", "fields", "users"))
    options = ScoringOptions(
        **held,
        prices=None if prices is None else Prices(**prices),
        fields=None if shown is None else tuple(shown),
        users=None if users is None else UserHistories(**users),
    )
    return replace(options, again=False, limit=None, retry_failed=False)


def _submit(
    store: Store,
    record: RunRecord,
    options: ScoringOptions,
    clients: Clients,
    limits: tuple[int, int],
    only: Collection[str] | None,
    lock_wait: float,
    progress: Progress,
) -> list[Job]:
    with working_on_jobs(store, lock_wait):
        begun = [job for job in read_jobs(store.root, record.run) if job.state in ("prepared", "uploaded")]
        # Before anything new: if the server is down, nothing more is prepared for it.
        jobs = [finish(store, job, clients, progress) for job in begun]
        # The run's lock keeps a live run away until what is asked here can be seen on disk.
        with taking(store, record, lock_wait) as (record, _):
            draft = Draft(record.run, options_to_dict(options), options.base_url, options.key_env, *limits)
            prepared = []
            with progress.task("preparing batch jobs", None) as task:
                for job in write_jobs(
                    store.root, draft, plan_requests(store, record, options, only, progress)
                ):
                    prepared.append(job)
                    task.advance(job.requests)
        with progress.task("submitting batch jobs", len(prepared)) as task:
            for job in prepared:
                jobs.append(finish(store, job, clients, progress))
                task.advance()
    return jobs
