"""Taking a run on: its record, its lock, and a journal with nothing of others left in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guided_store.journal._journal import Journal
from guided_store.journal._rows import move
from guided_store.ledger import RunRecord, record_run
from guided_store.store import Store, writing


@contextmanager
def taking(store: Store, record: RunRecord, wait: float = 0.0) -> Iterator[tuple[RunRecord, Journal]]:
    """Hold a run's journal for the block; gives the record as the store holds it, and the journal.

    What a killed process left in it is moved first: it is neither asked nor bought again.

    Raises:
        UsageError: the run of that name asks something else.
        StoreLockedError: the run is being run, or another process writes for longer than `wait` seconds.
    """
    with Journal.open(store.root, record.run) as journal:
        with writing(store, wait) as opened:
            record = record_run(opened, record)
            move(opened, journal.seal(), record.run, done=journal.discard)
        yield record, journal
