"""What collecting brought in, for a person and for a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guided_store.journal import Job

_SHOWN = 3


@dataclass(frozen=True)
class CollectReport:
    """The outcome of `collect_batches`.

    Attributes:
        collected: jobs whose answers are now in the ledger.
        refused: jobs that the server refused whole; `Job.fault` says why.
        waiting: jobs that may still answer, or were never submitted.
        resubmitted: jobs newly made for what others left unanswered.
        faults: one sentence for each job that could not be asked about or fetched, and why nothing was
            resubmitted.
        rows: rows that are new in the ledger.
        statuses: rows read by status ("ok", "failed", "error"); more than `rows` where a killed collect had
            moved some before.
        reasons: how often the server gave which error.
        damaged: lines of result files that could not be read; the files are kept in the job's folder.
        spent: US dollars of the rows read; None without prices.
    """

    collected: tuple[Job, ...]
    refused: tuple[Job, ...]
    waiting: tuple[Job, ...]
    resubmitted: tuple[Job, ...]
    faults: tuple[str, ...]
    rows: int
    statuses: Mapping[str, int]
    reasons: Mapping[str, int]
    damaged: int
    spent: float | None

    @property
    def unanswered(self) -> int:
        """Requests of collected jobs that the server did not answer; they cost nothing."""
        return sum(job.unanswered for job in self.collected)

    def lines(self) -> list[str]:
        """The report as plain lines."""
        lines: list[str] = []
        if self.collected:
            ok, failed = self.statuses.get("ok", 0), self.statuses.get("failed", 0)
            errors = self.statuses.get("error", 0)
            parts = [f"{ok:,} scored"]
            parts += [f"{failed:,} without usable scores"] if failed else []
            parts += [f"{errors:,} refused"] if errors else []
            cost = "" if self.spent is None else f", ${self.spent:,.4f}"
            lines.append(f"{_jobs(len(self.collected))} collected: {', '.join(parts)}{cost}")
            lines.append(f"ledger: {self.rows:,} rows added")
        if self.unanswered:
            told = ", ".join(
                f"{job.job} {job.status}: {job.unanswered:,} of {job.requests:,}"
                for job in self.collected
                if job.unanswered
            )
            lines.append(f"{self.unanswered:,} requests were not answered and cost nothing ({told})")
        for reason, times in list(self.reasons.items())[:_SHOWN]:
            lines.append(f"{times:,} x {reason}")
        lines += [f"{job.job}: {job.fault}" for job in self.refused]
        lines += [f"{job.job}: {job.fault}" for job in self.collected if job.fault]
        lines += self.faults
        if self.damaged:
            lines.append(
                f"{self.damaged:,} lines of result files could not be read; the files are kept in the jobs' "
                "folders"
            )
        for job in self.waiting:
            if job.fault is None:
                lines += job.lines()
        if any(job.state != "submitted" for job in self.waiting):
            lines.append("`score batch submit` submits what is not yet, `score batch abandon` gives it up")
        if any(job.incomplete for job in (*self.collected, *self.refused)) and not self.resubmitted:
            lines.append("`score batch collect --resubmit` asks again for what is missing")
        lines += [f"resubmitted as {line}" for job in self.resubmitted for line in job.lines()]
        return lines or ["no batch job is open"]

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "collected": [job.to_dict() for job in self.collected],
            "refused": [job.to_dict() for job in self.refused],
            "waiting": [job.to_dict() for job in self.waiting],
            "resubmitted": [job.to_dict() for job in self.resubmitted],
            "faults": list(self.faults),
            "rows": self.rows,
            "statuses": dict(self.statuses),
            "reasons": dict(self.reasons),
            "unanswered": self.unanswered,
            "damaged": self.damaged,
            "spent": self.spent,
        }


def _jobs(number: int) -> str:
    return "1 batch job" if number == 1 else f"{number:,} batch jobs"
