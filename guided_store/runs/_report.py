"""What a scoring run did, for a person and for a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from guided_store.errors import GuidedStoreError
from guided_store.wording import counted

Stopped = Literal["interrupted", "max-cost", "limit", "error"]

_REASONS: dict[str, str] = {
    "interrupted": "stopped on request; the same command goes on",
    "max-cost": "stopped before the next request could go beyond the maximum cost",
    "limit": "stopped at --limit; the same command goes on",
    "error": "stopped by an error; the same command goes on",
}


@dataclass(frozen=True)
class RunReport:
    """The outcome of one call of `score_items`. An answer is one item's, of one repeat.

    Attributes:
        run, model: the run's name, and who was asked.
        requests: requests sent in this call.
        ok: answers that could be used.
        failed: answers given up on, after `attempts` unusable ones.
        unknown: requests that were sent and whose fate was never learned; counted at their estimated cost.
        left: answers still to be had; the next call asks for them.
        without_text: items with nothing to send.
        already: answers that were there before, and were not bought again.
        given_up: answers that earlier calls gave up on; `retry_failed` asks for them again.
        in_batches: answers that wait in a batch job.
        spent, run_spent: US dollars in this call, and of the run in total; None without prices.
        tokens_in, tokens_out: tokens used in this call.
        seconds: from the first request to the last answer in the table.
        stopped: why it ended early; None: there was nothing more to ask.
        waiting: answers in the journal that the table does not hold yet, since another process was writing.
    """

    run: str
    model: str
    requests: int
    ok: int
    failed: int
    unknown: int
    left: int
    without_text: int
    already: int
    given_up: int
    in_batches: int
    spent: float | None
    run_spent: float | None
    tokens_in: int
    tokens_out: int
    seconds: float
    stopped: Stopped | None
    waiting: int

    @property
    def rate(self) -> float:
        """Usable answers per second."""
        return self.ok / self.seconds if self.seconds > 0 else 0.0

    def lines(self) -> list[str]:
        """The report as plain lines."""
        lines = [
            f"run {self.run}: {self.ok:,} scored by {self.model} in {_duration(self.seconds)} "
            f"({self.rate:,.1f}/s), {counted(self.requests, 'request')}",
        ]
        if self.already:
            lines.append(f"{self.already:,} were scored before and not bought again")
        if self.given_up:
            lines.append(f"{self.given_up:,} were given up before; --retry-failed asks for them again")
        if self.failed:
            lines.append(f"{self.failed:,} failed: no usable answer; `score status` says why")
        if self.unknown:
            lines.append(
                f"{self.unknown:,} requests were sent and never answered; counted at their estimated cost"
            )
        if self.without_text:
            lines.append(f"{counted(self.without_text, 'item')} without any text to send")
        if self.in_batches:
            lines.append(f"{self.in_batches:,} wait in batch jobs; fetch them with `score batch collect`")
        lines.append(
            f"tokens: {self.tokens_in:,} in, {self.tokens_out:,} out"
            + ("" if self.spent is None else f"; spent ${self.spent:,.4f}")
            + ("" if self.run_spent in (None, self.spent) else f" (the run in total: ${self.run_spent:,.4f})")
        )
        if self.waiting:
            lines.append(
                f"{self.waiting:,} answers wait in the journal, since another process is writing; the next "
                "command that writes moves them"
            )
        if self.stopped is not None:
            lines.append(f"{_REASONS[self.stopped]}; {self.left:,} left")
        elif self.left:
            lines.append(f"{self.left:,} left after repeated refusals; the same command asks again")
        return lines

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "run": self.run,
            "model": self.model,
            "requests": self.requests,
            "ok": self.ok,
            "failed": self.failed,
            "unknown": self.unknown,
            "left": self.left,
            "without_text": self.without_text,
            "already": self.already,
            "given_up": self.given_up,
            "in_batches": self.in_batches,
            "spent": self.spent,
            "run_spent": self.run_spent,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "seconds": self.seconds,
            "rate": self.rate,
            "stopped": self.stopped,
            "waiting": self.waiting,
        }


class ScoringError(GuidedStoreError):
    """The run had to stop: a refused key, an unreachable endpoint, an outage. All answers are kept.

    Attributes:
        report: what was done before.
    """

    def __init__(self, message: str, report: RunReport) -> None:
        super().__init__(message)
        self.report = report


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"
