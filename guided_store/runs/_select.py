"""What a run still has to ask, by all that is known of it."""

from __future__ import annotations

from collections.abc import Collection

from guided_store.journal import batch_items, read_jobs
from guided_store.ledger import Holdings, RunRecord
from guided_store.runs._options import ScoringOptions
from guided_store.runs._work import Selection
from guided_store.store import Store


def select(
    store: Store, record: RunRecord, options: ScoringOptions, only: Collection[str] | None = None
) -> Selection:
    """What the run still has to ask, by what the ledger and the open batch jobs hold."""
    # The jobs before the ledger: what is collected meanwhile is then seen twice, and not overlooked.
    estimates = [job.estimate or 0.0 for job in read_jobs(store.root, record.run) if job.open]
    waiting = batch_items(store, record.run)
    return Selection(
        Holdings.load(store, record.run),
        repeats=options.repeats,
        items_per_request=options.items_per_request,
        attempts=options.attempts,
        retry_failed=options.retry_failed,
        limit=options.limit,
        waiting=waiting,
        set_aside=sum(estimates),
        only=only,
    )
