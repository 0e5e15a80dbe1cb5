"""Batch jobs on disk: one folder each in `<store>/batches/`, and which items wait in them.

    <job>/job.json          the job: its state, the ids the server gave, what came of it
    <job>/sent.jsonl        what was asked, one `Sent` record a line
    <job>/requests.jsonl    what is uploaded, one request a line; removed when the job is over
    <job>/output.jsonl, errors.jsonl    what was downloaded; removed once it is in the ledger

A folder appears whole (`publish`), and `job.json` is replaced whole before and after each step on the server,
so that whatever a kill interrupts can be told from what is written there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from guided_store.errors import StoreError, UsageError
from guided_store.journal._records import Sent, decode
from guided_store.store import Store, write_json

FOLDER = "batches"
FORMAT = 1

State = Literal["prepared", "uploaded", "submitted", "collected", "failed", "abandoned"]

OPEN: frozenset[State] = frozenset({"prepared", "uploaded", "submitted"})
"""States in which a job may still answer: its items are not asked elsewhere meanwhile."""


@dataclass(frozen=True)
class Job:
    """One batch job.

    Attributes:
        job: its name, the name of its folder.
        run: whose items it asks about.
        state: "prepared" (on disk), "uploaded" (the file is with the server), "submitted" (the batch is
            made), "collected" (its answers are in the ledger), "failed" (the server refused it whole) or
            "abandoned".
        created: when it was prepared; Unix time, like all times here.
        requests, items: how many it holds; an item asked twice in independent samples counts twice.
        size: bytes of the uploaded file.
        estimate: US dollars it may cost at most, None without prices.
        options: the `ScoringOptions` it was made with, JSON-serialisable.
        base_url, key_env: where it runs, and the environment variable that holds the key (never the key).
        file_id: of the uploaded file.
        creating: when the server was last asked to make the batch; with `batch_id` None, it is not known
            whether it did.
        batch_id, status, counts: the batch as the server last described it; counts of requests by "total",
            "completed" and "failed".
        checked: when that was.
        output_file_id, error_file_id: the files of its results.
        fault: why it cannot be collected or was refused, in one sentence.
        answered, refused, unanswered: requests with an answer, with an error, and with neither, once it is
            collected.
        unusable: items whose answer gave no scores.
        spent: US dollars of its rows in the ledger, None without prices.
        collected: when its answers were all in the ledger, or it was found failed or abandoned.
    """

    job: str
    run: str
    state: State
    created: float
    requests: int
    items: int
    size: int
    estimate: float | None
    options: Mapping[str, Any]
    base_url: str | None
    key_env: str
    file_id: str | None = None
    creating: float | None = None
    batch_id: str | None = None
    status: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    checked: float | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    fault: str | None = None
    answered: int = 0
    refused: int = 0
    unanswered: int = 0
    unusable: int = 0
    spent: float | None = None
    collected: float | None = None

    @property
    def open(self) -> bool:
        """Whether it may still answer."""
        return self.state in OPEN

    @property
    def incomplete(self) -> bool:
        """Whether it ended and left items without scores."""
        lacking = self.refused or self.unanswered or self.unusable
        return self.state == "failed" or (self.state == "collected" and lacking > 0)

    def lines(self) -> list[str]:
        """The job as plain lines, the first with what matters most."""
        words = [f"{self.job}: {self.requests:,} requests for {self.items:,} items of run {self.run}"]
        words.append(self._progress())
        if self.batch_id:
            words.append(self.batch_id)
        return [", ".join(words), *([self.fault] if self.fault else [])]

    def _progress(self) -> str:
        if self.state == "submitted":
            done = self.counts.get("completed", 0) + self.counts.get("failed", 0)
            return f"{self.status} ({done:,} of {self.requests:,} done)"
        if self.state == "uploaded" and self.creating is not None:
            return "uploaded, not known whether it was submitted"
        if self.state == "collected":
            return (
                f"collected ({self.answered:,} answered, {self.refused:,} refused, "
                f"{self.unanswered:,} unanswered)"
            )
        return f"{self.state}, not submitted" if self.open else self.state

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return asdict(self)


def jobs_folder(root: Path) -> Path:
    """Where a store keeps its batch jobs."""
    return root / FOLDER


def job_folder(root: Path, job: str) -> Path:
    """The folder of one job."""
    return jobs_folder(root) / job


def save_job(root: Path, job: Job, **changes: Any) -> Job:
    """Write a job with these changes, whole or not at all; returns the changed job."""
    changed = replace(job, **changes)
    write_job(job_folder(root, job.job), changed)
    return changed


def write_job(folder: Path, job: Job) -> None:
    """Write `job.json` into a folder."""
    write_json(folder / "job.json", {"format": FORMAT, **asdict(job)})


def read_job(root: Path, job: str) -> Job:
    """One job.

    Raises:
        UsageError: there is none of that name.
        StoreError: its record is damaged.
    """
    known = job_names(root)
    if job not in known:
        raise UsageError(
            f"there is no batch job {job!r}" + (f"; there are {', '.join(known[-5:])}" if known else " yet")
        )
    path = job_folder(root, job) / "job.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = int(content.pop("format"))
        if version > FORMAT:
            raise StoreError(f"{path} has format {version}, newer than this program's; upgrade guided-store")
        names = {entry.name for entry in fields(Job)}
        return Job(**{name: value for name, value in content.items() if name in names})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"the batch job's record {path} cannot be read ({error})") from None


def job_names(root: Path) -> list[str]:
    """Names of the jobs, sorted; they begin with the time in seconds."""
    found = jobs_folder(root).glob("*/job.json")
    return sorted(path.parent.name for path in found if not path.parent.name.startswith("."))


def read_jobs(root: Path, run: str | None = None) -> list[Job]:
    """All jobs, oldest first, or those of one run; errors as in `read_job`."""
    jobs = [read_job(root, name) for name in job_names(root)]
    jobs.sort(key=lambda job: (job.created, job.job))
    return [job for job in jobs if run is None or job.run == run]


def read_sent(root: Path, job: str) -> Iterator[Sent]:
    """What a job asked, in order.

    Raises:
        StoreError: a record is damaged or the file is missing.
    """
    path = job_folder(root, job) / "sent.jsonl"
    number = 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                yield parse_sent(line)
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}, line {number}: the record cannot be read ({error})") from None


def parse_sent(line: bytes) -> Sent:
    """One line of `sent.jsonl`; raises ValueError where it is damaged."""
    record = decode(line)
    if not isinstance(record, Sent):
        raise ValueError("not the record of a request")
    return record


def batch_items(store: Store, run: str) -> set[tuple[str, str, int]]:
    """The (item, text hash, sample) that a run's open jobs ask about; a live run leaves them alone."""
    return {
        (item, text_hash, sent.sample)
        for job in read_jobs(store.root, run)
        if job.open
        for sent in read_sent(store.root, job.job)
        for item, text_hash in zip(sent.item_ids, sent.text_hashes, strict=True)
    }
