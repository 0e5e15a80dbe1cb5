"""Writing what a batch job asks to disk, split where the server's limits are."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from guided_store.batches._remote import ENDPOINT
from guided_store.journal import Job, Sent, encode, job_folder, write_job
from guided_store.store import publish

MAX_REQUESTS = 50_000
"""Requests in a file, as OpenAI takes them."""

MAX_BYTES = 190_000_000
"""Bytes of a file; OpenAI takes 200 MB."""


@dataclass(frozen=True)
class Draft:
    """What all jobs of one submission share: their run, where they run, and the options they came from."""

    run: str
    options: Mapping[str, Any]
    base_url: str | None
    key_env: str
    max_requests: int = MAX_REQUESTS
    max_bytes: int = MAX_BYTES


Request = tuple[Sent, dict[str, object]]
"""A request and its body."""


def write_jobs(root: Path, draft: Draft, requests: Iterable[Request]) -> Iterator[Job]:
    """Write requests into as many jobs as the limits demand; each appears whole, before the next is begun.

    The requests are taken as they are written: none is held in memory but the one that opens the next job.
    """
    stream = iter(requests)
    first = next(stream, None)
    while first is not None:
        job, first = _write_job(root, draft, first, stream)
        yield job


def _write_job(
    root: Path, draft: Draft, first: Request, stream: Iterator[Request]
) -> tuple[Job, Request | None]:
    """One job, beginning with `first`; also the request that did not fit, None where all did."""
    name = time.strftime("%Y%m%d-%H%M%S-", time.gmtime()) + uuid.uuid4().hex[:6]
    requests = items = size = 0
    estimate: float | None = 0.0
    next_one: Request | None = first
    with publish(job_folder(root, name)) as folder:
        with (folder / "requests.jsonl").open("wb") as asked, (folder / "sent.jsonl").open("wb") as sent_file:
            while next_one is not None:
                sent, body = next_one
                line = _line(sent.request_id, body)
                if requests and (requests == draft.max_requests or size + len(line) > draft.max_bytes):
                    break
                asked.write(line)
                sent_file.write(encode(replace(sent, batch=name)))
                requests, items, size = requests + 1, items + len(sent.item_ids), size + len(line)
                estimate = None if estimate is None or sent.estimate is None else estimate + sent.estimate
                next_one = next(stream, None)
        job = Job(
            job=name,
            run=draft.run,
            state="prepared",
            created=time.time(),
            requests=requests,
            items=items,
            size=size,
            estimate=estimate,
            options=draft.options,
            base_url=draft.base_url,
            key_env=draft.key_env,
        )
        write_job(folder, job)
    return job, next_one


def _line(request_id: str, body: Mapping[str, object]) -> bytes:
    content = {"custom_id": request_id, "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
