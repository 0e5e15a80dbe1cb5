"""How far the runs of a store are: what is done, failed, unknown and left, over the catalogue of today."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from guided_store.journal import Reading, batch_items, parts, pending, to_rows, waiting
from guided_store.ledger import RunRecord, iter_shown, need_run, run_batches, run_records
from guided_store.runs._counts import COLUMNS, RowCounts, Texts
from guided_store.runs._suspicious import Suspicion, find_suspicious
from guided_store.store import Store

_ATTEMPTS = 3  # where a run's record does not say


@dataclass(frozen=True)
class RunStatus:
    """How far one run is. The counts are of answers: one item of the current catalogue in one repeat.

    done + failed + unknown + in_batches + left = (items - without_text) x samples. An item whose text changed
    since it was asked about counts by its new text alone.

    Attributes:
        run, provider, model, purpose: as recorded.
        subject: what it scores, "items" or "users"; users are counted as items are.
        samples: independent repeats.
        items: items in the catalogue.
        without_text: those of them that have nothing to be judged by.
        done: answered.
        failed: given up on, after as many unusable answers as the run allows.
        unknown: asked last by a request whose fate is unknown; the next call asks again.
        in_batches: asked by a batch job that is not collected.
        left: not answered yet, what is in flight among them.
        in_flight: requests that the running process waits for.
        requests: requests sent, whatever became of them, over all texts.
        spent: US dollars in total, unknown requests at their upper bound; None where prices were never given.
        tokens_in, tokens_out: in total.
        waiting_in_journal: requests that stand in the journal alone until the next command writes; they are
            counted above already.
        damaged_files: files of journal lines that could not be used.
        running: whether a process runs it now.
        failed_reasons: why the failed ones failed in the end, by kind of reason, most frequent first.
        suspicious: answers that look wrong, of those in the table.
        last: time of the newest row, UTC; None where there is none.
    """

    run: str
    provider: str
    model: str
    purpose: str
    subject: str
    samples: int
    items: int
    without_text: int
    done: int
    failed: int
    unknown: int
    in_batches: int
    left: int
    in_flight: int
    requests: int
    spent: float | None
    tokens_in: int
    tokens_out: int
    waiting_in_journal: int
    damaged_files: tuple[str, ...]
    running: bool
    failed_reasons: dict[str, int]
    suspicious: tuple[Suspicion, ...]
    last: datetime | None

    @property
    def total(self) -> int:
        """Answers to be had: items with text, times repeats."""
        return (self.items - self.without_text) * self.samples

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return asdict(self) | {
            "total": self.total,
            "damaged_files": list(self.damaged_files),
            "suspicious": [suspicion.to_dict() for suspicion in self.suspicious],
            "last": self.last.isoformat() if self.last else None,
        }


def run_status(store: Store, run: str | None = None) -> list[RunStatus]:
    """The state of one run, or of all that ask a model, oldest first; takes no lock and writes nothing.

    What a running or killed process left in its journal is counted as if it were in the table.

    Raises:
        UsageError: there is no such run, or it was imported.
    """
    records = run_records(store) if run is None else [need_run(store, run)]
    texts: dict[tuple[object, ...], Texts] = {}
    found = []
    for record in records:
        shown = (record.fields, record.max_chars, record.users)
        if shown not in texts:
            texts[shown] = _read_texts(store, record)
        found.append(_status(store, record, texts[shown]))
    return found


def _read_texts(store: Store, record: RunRecord) -> Texts:
    ids, hashes, present = [], [], []
    if store.count("items"):
        # A column that is gone is a text that is empty.
        names = store.dataset("items").schema.names
        fields = [name for name in record.fields if name in names]
        for text in iter_shown(store, record, fields):
            ids.append(text.item_id)
            hashes.append(text.hash)
            present.append(bool(text.data))
    return Texts(pa.array(ids, pa.string()), pa.array(hashes, pa.string()), np.array(present, bool))


def _status(store: Store, record: RunRecord, texts: Texts) -> RunStatus:
    # The journal before the table: what moves meanwhile is then seen twice, and told by its id, not missed.
    # So with the batch jobs.
    in_jobs = batch_items(store, record.run)
    entries = waiting(store, record.run)
    reading = Reading()
    journal = _journal_rows(store, record, reading)
    counts = RowCounts(texts)
    for batch in run_batches(store, record.run, COLUMNS):
        counts.add(batch)
        known = pc.is_in(journal.column("row_id"), value_set=batch.column("row_id"))
        journal = journal.filter(pc.invert(known))
    counts.add(journal)
    samples, states, reasons = counts.states(
        int(record.settings.get("repeats", 1)),
        int(record.settings.get("attempts", _ATTEMPTS)),
        in_jobs,
    )
    return RunStatus(
        run=record.run,
        provider=record.provider,
        model=record.model,
        purpose=record.purpose,
        subject=record.subject,
        samples=samples,
        items=len(texts.present),
        without_text=int((~texts.present).sum()),
        **states,
        in_flight=reading.in_flight,
        requests=counts.requests,
        spent=counts.spent,
        tokens_in=counts.tokens_in,
        tokens_out=counts.tokens_out,
        waiting_in_journal=pc.count_distinct(journal.column("request_id")).as_py(),
        damaged_files=tuple(str(path) for entry in entries for path in entry.damaged),
        running=any(entry.running for entry in entries),
        failed_reasons=reasons,
        suspicious=find_suspicious(store, record.run, record.schema),
        last=counts.last,
    )


def _journal_rows(store: Store, record: RunRecord, reading: Reading) -> pa.Table:
    """The rows that the run's journal would add."""
    names = [*COLUMNS, "request_id"]
    found = [
        to_rows(record, part).select(names) for part in parts(pending(store, record.run, reading=reading))
    ]
    return pa.concat_tables([to_rows(record, []).select(names), *found])
