"""From downloaded result files to outcomes and ledger rows, piece by piece in flat memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from guided_store.journal import Job, Outcome, Sent, job_folder, parse_sent
from guided_store.llm import read_error

FILES = ("output.jsonl", "errors.jsonl")
"""Names of the downloaded files in a job's folder; both are read in the same way."""

NEVER_PROCESSED = frozenset({"batch_expired", "batch_cancelled"})
"""Error codes of requests that the server did not come to: nothing was asked, nothing billed."""

_ROWS = 4096  # in one commit of the ledger
_BYTES = 32 << 20  # of result lines, likewise


class SentIndex:
    """The requests of one job by id; only their places in the file are held in memory."""

    def __init__(self, root: Path, job: str) -> None:
        self._file = (job_folder(root, job) / "sent.jsonl").open("rb")
        self._places: dict[str, int] = {}
        place = 0
        for line in self._file:
            self._places[parse_sent(line).request_id] = place
            place += len(line)

    def __enter__(self) -> SentIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def take(self, request_id: object) -> Sent | None:
        """A request that was not taken before; None for one that was, and for unknown ones."""
        place = self._places.pop(request_id, None) if isinstance(request_id, str) else None
        if place is None:
            return None
        self._file.seek(place)
        return parse_sent(self._file.readline())


@dataclass
class Reading:
    """Reads the result files of one job; counts while it does.

    Attributes:
        sent: what the job asked; what is left in it was not answered.
        time: when the server ended the batch, Unix time.
        answered, refused: requests with an answer, and with an error of the server.
        reasons: how often each error was given.
        damaged: lines that are no result of a request of this job.
    """

    sent: SentIndex
    time: float
    answered: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    damaged: int = 0

    def pieces(self, paths: list[Path]) -> Iterator[list[tuple[Sent, Outcome]]]:
        """What became of the requests, in pieces that fit into memory, in the order of the files."""
        piece: list[tuple[Sent, Outcome]] = []
        rows = size = 0
        for path in paths:
            with path.open("rb") as file:
                for line in file:
                    if not line.strip():
                        continue
                    pair = self._read(line)
                    if pair is not None:
                        piece.append(pair)
                        rows, size = rows + len(pair[0].item_ids), size + len(line)
                    if rows >= _ROWS or size >= _BYTES:
                        yield piece
                        piece, rows, size = [], 0, 0
        if piece:
            yield piece

    def _read(self, line: bytes) -> tuple[Sent, Outcome] | None:
        """One line; None where it says nothing of a request, or that the server did not come to it."""
        try:
            content = json.loads(line)
            custom_id, response, error = content["custom_id"], content.get("response"), content.get("error")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.damaged += 1
            return None
        code = error.get("code") if isinstance(error, dict) else None
        if not isinstance(response, dict) and code in NEVER_PROCESSED:
            return None
        # A line that says nothing more than its id leaves the request unanswered, as its absence would.
        if not isinstance(response, dict) and error is None:
            self.damaged += 1
            return None
        sent = self.sent.take(custom_id)
        if sent is None:
            self.damaged += 1
            return None
        outcome = self._outcome(sent.request_id, response, error)
        if outcome.kind == "answer":
            self.answered += 1
        else:
            self.refused += 1
            self.reasons[outcome.reason or "no reason given"] += 1
        return sent, outcome

    def _outcome(self, request_id: str, response: object, error: object) -> Outcome:
        if not isinstance(response, dict):
            return Outcome(request_id, "error", self.time, reason=_sentence(error), body=_text(error))
        status, body = response.get("status_code"), response.get("body")
        if status == 200:
            return Outcome(request_id, "answer", self.time, http=200, body=_text(body))
        told = body.get("error", body) if isinstance(body, dict) else error
        http = status if isinstance(status, int) else None
        return Outcome(request_id, "error", self.time, http=http, body=_text(body), reason=_sentence(told))


def _text(body: object) -> str:
    """A body as it would have come by itself."""
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _sentence(error: object) -> str:
    told = read_error(_text(error))
    return told.message or told.code or "no reason given"


def remove_files(root: Path, job: Job) -> None:
    """Remove the big files of a job that is over; what it asked and its record stay."""
    for name in ("requests.jsonl", *FILES):
        (job_folder(root, job.job) / name).unlink(missing_ok=True)
