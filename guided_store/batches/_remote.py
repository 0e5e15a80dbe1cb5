"""The steps on the server, each between two writes of the job's record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from guided_store.batches._client import RemoteError, call
from guided_store.errors import GuidedStoreError
from guided_store.journal import Job, job_folder, save_job
from guided_store.store import Store, replacing

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

ENDPOINT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
WINDOW: Literal["24h"] = "24h"

ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
"""What the server calls a batch that will answer no more."""

SETTLE = 10.0
"""Seconds that a request which was cut off may still need to become a batch that the server lists."""

RETRIES = 3
"""Times that a step which only reads is tried again; steps that make something are never repeated blindly."""

_ABOUT_CONTENT = frozenset({400, 404, 413, 422})
_CHUNK = 1 << 20


class GoneError(RemoteError):
    """The server does not know a batch or a file (any more)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, 404)


def upload(store: Store, job: Job, client: openai.OpenAI) -> Job:
    """Upload a prepared job's requests; the file is streamed from disk.

    A kill before its id is written leaves a file on the server that no batch uses and that costs nothing.
    """
    path = job_folder(store.root, job.job) / "requests.jsonl"
    with path.open("rb") as file, call(client, f"batch job {job.job} was not uploaded"):
        # A handle, not a path: of a path the client reads the whole file into memory.
        made = client.files.create(file=(f"{job.job}.jsonl", file), purpose="batch")
    return save_job(store.root, job, state="uploaded", file_id=made.id, creating=None)


def create(store: Store, job: Job, client: openai.OpenAI) -> Job:
    """Make the batch of an uploaded job.

    That it is being made is on disk before the server is asked, so that after a kill the batch is looked up
    and not made again.
    """
    if job.file_id is None:
        raise GuidedStoreError(f"batch job {job.job} has no uploaded file to submit")
    file_id = job.file_id
    job = save_job(store.root, job, creating=time.time())
    try:
        with call(client, f"batch job {job.job} was not submitted"):
            made = client.batches.create(
                completion_window=WINDOW,
                endpoint=ENDPOINT,
                input_file_id=file_id,
                metadata={"guided_store": store.uuid, "job": job.job},
            )
    except RemoteError as error:
        if error.status is not None and error.status < 500:
            # Refused for certain: there is no batch. It may be for the file (they expire): it is sent anew.
            anew = error.status in _ABOUT_CONTENT
            save_job(store.root, job, creating=None, state="prepared" if anew else "uploaded")
            if anew:
                error = RemoteError(
                    f"{error}; `score batch abandon {job.job}` gives its items back", error.status
                )
            raise error from None
        found = find(store, job, client)
        if found is None:
            raise
        return adopt(store, job, found)
    return adopt(store, job, made)


def find(store: Store, job: Job, client: openai.OpenAI, *, settle: bool = False) -> Batch | None:
    """The batch that was made of a job whose record does not say so, by its metadata or its file.

    All batches of the account are gone through: one that is overlooked would be bought twice.

    Args:
        store, job, client: whose batch, and where.
        settle: look again until `SETTLE` seconds have passed since the server was asked to make it.
    """
    begun = time.monotonic()
    while True:
        with call(client, f"batch job {job.job} could not be looked up"):
            for batch in client.with_options(max_retries=RETRIES).batches.list(limit=100):
                marks = batch.metadata or {}
                if marks.get("guided_store") == store.uuid and marks.get("job") == job.job:
                    return batch
                if job.file_id is not None and batch.input_file_id == job.file_id:
                    return batch
        # No longer than that from now, should the clock have been set back meanwhile.
        left = min((job.creating or 0.0) - time.time(), begun - time.monotonic()) + SETTLE
        if not settle or left <= 0:
            return None
        time.sleep(min(left, SETTLE / 4))


def refresh(store: Store, job: Job, client: openai.OpenAI) -> Job:
    """Ask the server how a submitted job stands.

    Raises:
        GoneError: the server does not know the batch; that is written in the job.
        GuidedStoreError: the server cannot be asked.
    """
    assert job.batch_id is not None
    try:
        with call(client, f"batch job {job.job} could not be looked up"):
            found = client.with_options(max_retries=RETRIES).batches.retrieve(job.batch_id)
    except RemoteError as error:
        if error.status != 404:
            raise
        fault = (
            f"the server does not know batch {job.batch_id} of job {job.job}: it was deleted, or belongs to "
            f"another key or endpoint; `score batch abandon {job.job}` gives its items back"
        )
        save_job(store.root, job, fault=fault, checked=time.time())
        raise GoneError(fault) from None
    return adopt(store, job, found)


def cancel(store: Store, job: Job, client: openai.OpenAI) -> Job:
    """Ask the server to stop a submitted job; what it answered by then can still be collected."""
    assert job.batch_id is not None
    with call(client, f"batch job {job.job} was not cancelled"):
        return adopt(store, job, client.batches.cancel(job.batch_id))


def adopt(store: Store, job: Job, batch: Batch) -> Job:
    """Write what the server says of a job's batch."""
    counts = batch.request_counts
    held = {} if counts is None else counts.model_dump(include={"total", "completed", "failed"})
    return save_job(
        store.root,
        job,
        state="submitted",
        batch_id=batch.id,
        status=batch.status,
        counts=held,
        checked=time.time(),
        file_id=job.file_id or batch.input_file_id,
        output_file_id=batch.output_file_id,
        error_file_id=batch.error_file_id,
        fault=_fault(batch),
    )


def download(store: Store, client: openai.OpenAI, job: Job, file_id: str, path: Path) -> None:
    """Stream one file of results to disk, whole or not at all.

    Raises:
        GoneError: the server does not have it.
        GuidedStoreError: it cannot be had now.
    """
    try:
        with replacing(path) as temporary, call(client, f"the results of batch job {job.job} were not read"):
            files = client.with_options(max_retries=RETRIES).files
            with files.with_streaming_response.content(file_id) as response, temporary.open("wb") as file:
                for part in response.iter_bytes(_CHUNK):
                    file.write(part)
    except RemoteError as error:
        if error.status != 404:
            raise
        fault = (
            f"the server does not have file {file_id} with results of batch job {job.job} any more; "
            f"`score batch abandon {job.job}` gives its items back"
        )
        save_job(store.root, job, fault=fault)
        raise GoneError(fault) from None


def has_results(client: openai.OpenAI, job: Job) -> bool:
    """Whether the server still has every result file of an ended job, and there is one."""
    named = [file_id for file_id in (job.output_file_id, job.error_file_id) if file_id is not None]
    try:
        with call(client, f"the results of batch job {job.job} could not be looked up"):
            for file_id in named:
                client.with_options(max_retries=RETRIES).files.retrieve(file_id)
    except RemoteError as error:
        if error.status != 404:
            raise
        return False
    return bool(named)


def _fault(batch: Batch) -> str | None:
    """Why the server refused the batch, in one sentence; None where it did not."""
    found = (batch.errors.data if batch.errors else None) or []
    if not found:
        return "the server refused the batch and does not say why" if batch.status == "failed" else None
    first: Any = found[0]
    place = "" if first.line is None else f" at line {first.line} of the file"
    words = " ".join((first.message or first.code or "no reason given").split())[:300].rstrip(".")
    more = f" (and {len(found) - 1:,} more)" if len(found) > 1 else ""
    return f"the server refused the batch{place}: {words}{more}"
