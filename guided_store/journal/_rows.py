"""From journal records to rows of the ledger, and moving them there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from guided_store.errors import StoreError
from guided_store.journal._reading import Reading, read_journal, set_aside
from guided_store.journal._records import Outcome, Sent
from guided_store.ledger import SCHEMA, RunRecord, append_rows, find_run
from guided_store.llm import Completion, Question, Usage, Verdict, judge, make_keys, read_completion
from guided_store.store import Store

INTERRUPTED = "interrupted: the process ended before the answer came"

UNUSABLE = frozenset({400, 422})
"""Refusals that are about what was asked: a failed attempt of its items, which asking again rarely cures."""

_TABLE = 256  # rows converted at once, which keeps every other thread, such as an event loop, from running
_ROWS = 4096  # in one commit
_OCTETS = 32 << 20  # of response bodies, likewise

Pair = tuple[Sent, Outcome | None]


def question_of(record: RunRecord) -> Question:
    """What a recorded run asks."""
    notes = str(record.settings.get("notes", ""))
    return Question(record.schema, record.allow_unknown, notes, record.subject)


def to_rows(record: RunRecord, pairs: Iterable[Pair]) -> pa.Table:
    """Requests with their outcomes as rows of the ledger, one per item; columns of `ledger.SCHEMA`.

    The same pair gives the same rows whenever it is asked for. Tokens and cost of a request are shared among
    its items so that they add up; the response stands in the first row. An answer without a count of its
    tokens costs what was estimated, as does a request whose fate is unknown: an upper bound.

    Args:
        record: the run of all of them.
        pairs: an outcome of None: the process ended before it was known.
    """
    question = question_of(record)
    tables = [SCHEMA.empty_table()]
    rows: list[dict[str, Any]] = []
    for sent, outcome in pairs:
        rows += _rows(record, question, sent, outcome)
        if len(rows) >= _TABLE:
            tables.append(pa.Table.from_pylist(rows, schema=SCHEMA))
            rows = []
    tables.append(pa.Table.from_pylist(rows, schema=SCHEMA))
    return pa.concat_tables(tables)


def move(
    store: Store,
    files: Sequence[Path],
    run: str,
    *,
    reading: Reading | None = None,
    done: Callable[[Path], None] = Path.unlink,
) -> int:
    """Move the outcomes in journal files to the `scores` table, then remove the files; returns the new rows.

    Repeating it after a kill adds nothing twice. Memory holds a few thousand rows, however long the files.

    Args:
        store: open for writing.
        files: files of one run, oldest first; sealed ones, or all files of a run that no process runs.
        run: whose they are.
        reading: filled with what of the files could not be used.
        done: removes a file; `Journal.discard` for the files of a running journal.

    Raises:
        StoreError: the run is not recorded, or the table cannot be written; the files are still there.
    """
    if not files:
        return 0
    record = find_run(store, run)
    if record is None:
        raise StoreError(
            f"the journal {files[0].parent} belongs to no recorded run; its answers stay there until the run "
            "is recorded"
        )
    reading = Reading() if reading is None else reading
    added = sum(append_rows(store, to_rows(record, part)) for part in parts(read_journal(files, reading)))
    set_aside(reading)
    # Oldest first: what a later file goes on with must not be left without it.
    for path in files:
        done(path)
    return added


def parts(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """The pairs in parts that fit in memory."""
    part: list[Pair] = []
    rows = octets = 0
    for sent, outcome in pairs:
        part.append((sent, outcome))
        rows += len(sent.item_ids)
        octets += len(outcome.body or "") if outcome else 0
        if rows >= _ROWS or octets >= _OCTETS:
            yield part
            part, rows, octets = [], 0, 0
    if part:
        yield part


def _rows(
    record: RunRecord, question: Question, sent: Sent, outcome: Outcome | None
) -> Iterator[dict[str, Any]]:
    n = len(sent.item_ids)
    completion: Completion | None = None
    if outcome is not None and outcome.kind == "answer":
        completion = read_completion(outcome.body or "")
        verdicts = judge(question, completion, make_keys(sent.request_id, n))
        states = [("ok" if verdict.values is not None else "failed", verdict) for verdict in verdicts]
    else:
        status, reason = _unanswered(outcome)
        states = [(status, Verdict(None, reason))] * n
    usage = completion.usage if completion else None
    cost = _cost(sent, outcome, usage)
    for position, (status, verdict) in enumerate(states):
        yield {
            "row_id": f"{sent.request_id}-{position}",
            "request_id": sent.request_id,
            "run": record.run,
            "item_id": sent.item_ids[position],
            "sample": sent.sample,
            "attempt": sent.attempts[position],
            "status": status,
            "reason": _utf8(verdict.reason),
            "provider": record.provider,
            "model": _utf8(completion.model if completion and completion.model else record.model),
            "values": verdict.values,
            "raw_answer": _utf8(outcome.body) if outcome and position == 0 else None,
            "finish_reason": _utf8(completion.finish_reason) if completion else None,
            "schema_digest": record.schema.digest,
            "prompt_hash": record.prompt_hash,
            "text_hash": sent.text_hashes[position],
            "tokens_in": _share(usage.tokens_in, position, n) if usage else None,
            "tokens_out": _share(usage.tokens_out, position, n) if usage else None,
            "cost": None if cost is None else cost / n,
            "latency": outcome.latency if outcome else None,
            "created": datetime.fromtimestamp(outcome.time if outcome else sent.time, UTC),
        }


def _unanswered(outcome: Outcome | None) -> tuple[str, str]:
    """Status and reason of a request without an answer."""
    if outcome is None:
        return "unknown", INTERRUPTED
    if outcome.kind == "unknown":
        return "unknown", outcome.reason or "the connection was lost before the answer came"
    reason = outcome.reason or ("not sent" if outcome.http is None else f"http {outcome.http}")
    return ("failed" if outcome.http in UNUSABLE else "error"), reason


def _cost(sent: Sent, outcome: Outcome | None, usage: Usage | None) -> float | None:
    """US dollars of a request; None where prices are not known."""
    if outcome is not None and outcome.kind == "error":
        return None if sent.prices is None else 0.0
    if usage is not None and sent.prices is not None:
        return sent.prices.cost(usage)
    return sent.estimate


def _share(total: int, position: int, n: int) -> int:
    """An item's share of a whole number, so that all shares add up to it."""
    return (position + 1) * total // n - position * total // n


def _utf8(text: str | None) -> str | None:
    """A text that can be stored; a lone surrogate, which no UTF-8 has, becomes a question mark."""
    return None if text is None else text.encode("utf-8", "replace").decode()
