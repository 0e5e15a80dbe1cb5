"""Scoring a catalogue with a language model, from the question to the ledger."""

from __future__ import annotations

import time
from collections.abc import Collection
from itertools import takewhile

from guided_store.attributes import AttributeSchema
from guided_store.journal import Journal, question_of, taking
from guided_store.ledger import RunRecord, iter_shown
from guided_store.llm import make_client
from guided_store.progress import SILENT, Progress, Task
from guided_store.runs._attend import Attendant, flush
from guided_store.runs._budget import budget_of
from guided_store.runs._interrupt import run_interruptible
from guided_store.runs._loop import ScoringLoop
from guided_store.runs._options import ScoringOptions
from guided_store.runs._plan import plan_run
from guided_store.runs._report import RunReport, ScoringError, Stopped
from guided_store.runs._select import select
from guided_store.runs._send import Sender
from guided_store.runs._work import Tally, count
from guided_store.store import Store

_LAST_WAIT = 10.0  # seconds for another process to finish writing, at the end


def score_items(
    store: Store,
    schema: AttributeSchema,
    options: ScoringOptions,
    *,
    progress: Progress = SILENT,
    wait: float = 0.0,
) -> RunReport:
    """Ask a language model to score every item of the catalogue that the run has no score for.

    With `options.users` it is every user with a training history, by that history alone.

    Every answer is in the journal before anything else happens to it, so that the same call goes on after
    Ctrl-C (SIGTERM likewise: what is in flight may end, a second one gives it up) or a kill, and buys nothing
    twice. An event loop may be running already; the work is then done in a thread.

    Args:
        store: open for reading, where each flush takes the writer's lock for a moment; or for writing.
        schema: the attributes.
        options: the model, and how to ask it.
        progress: shows the rate, the cost and what is left.
        wait: seconds to wait for another writer of the store.

    Raises:
        UsageError: no key, no items, unknown fields, or the same was asked already under another name.
        StoreLockedError: this run is being run elsewhere, or another process writes for longer than `wait`.
        ScoringError: the endpoint refuses or cannot be reached, or nothing was answered for `options.outage`
            seconds; carries the report.
    """
    record = plan_run(store, schema, options)
    return run_scoring(store, record, options, progress=progress, wait=wait)


def run_scoring(
    store: Store,
    record: RunRecord,
    options: ScoringOptions,
    *,
    only: Collection[str] | None = None,
    progress: Progress = SILENT,
    wait: float = 0.0,
) -> RunReport:
    """Score for a run that was planned, as `score_items` does; `only` names the items to look at."""
    client = make_client(
        base_url=options.base_url,
        key_env=options.key_env,
        concurrency=options.concurrency,
        timeout=options.timeout,
    )
    with taking(store, record, wait) as (record, journal):
        selection = select(store, record, options, only)
        tally = count(selection, iter_shown(store, record))
        started = time.perf_counter()
        texts = takewhile(lambda _: not loop.stopping, iter_shown(store, record))
        loop = ScoringLoop(
            record.run,
            question_of(record),
            options,
            selection.units(texts),
            sender=Sender(client, options.timeout),
            journal=journal,
            budget=budget_of(options, selection),
            fresh=not tally.done,
            say=progress.log,
        )

        async def work(task: Task) -> None:
            attendant = Attendant(store, journal, record.run, loop, task, priced=options.prices is not None)
            try:
                await loop.run(attendant)
            finally:
                await attendant.finish()
                await client.close()

        with progress.task("scoring", tally.left - tally.beyond) as task:
            run_interruptible(lambda: work(task), loop.interrupt)
        flush(store, journal, record.run, max(wait, _LAST_WAIT))
        report = _report(record, options, loop, tally, journal, time.perf_counter() - started)
    if loop.fault is not None:
        raise ScoringError(loop.fault, report)
    return report


def _report(
    record: RunRecord,
    options: ScoringOptions,
    loop: ScoringLoop,
    tally: Tally,
    journal: Journal,
    seconds: float,
) -> RunReport:
    counts, priced = loop.counts, options.prices is not None
    stopped: Stopped | None = loop.stopped
    if stopped is None and tally.beyond:
        stopped = "limit"
    return RunReport(
        run=record.run,
        model=record.model,
        requests=counts.requests,
        ok=counts.ok,
        failed=counts.failed,
        unknown=counts.unknown,
        left=tally.left - counts.ok - counts.failed,
        without_text=tally.without_text,
        already=tally.done,
        given_up=tally.given_up,
        in_batches=tally.in_batches,
        spent=loop.budget.spent - loop.budget.before if priced else None,
        run_spent=loop.budget.spent if priced else None,
        tokens_in=counts.tokens_in,
        tokens_out=counts.tokens_out,
        seconds=seconds,
        stopped=stopped,
        waiting=journal.pending,
    )
