"""The requests of a submission, made one by one from the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from guided_store.errors import UsageError
from guided_store.journal import Sent, question_of
from guided_store.ledger import RunRecord, iter_shown
from guided_store.progress import Progress
from guided_store.runs import LARGEST_ROOM, Composer, ScoringOptions, budget_of, select
from guided_store.store import Store


def plan_requests(
    store: Store,
    record: RunRecord,
    options: ScoringOptions,
    only: Collection[str] | None,
    progress: Progress,
) -> Iterator[tuple[Sent, dict[str, object]]]:
    """What the run still lacks, as requests and their bodies; ends before one that could break `max_cost`.

    Args:
        store: the store.
        record: the run; it has been recorded.
        options: how to ask.
        only: ids of the items to ask about; None: all.
        progress: is told what was left out for its cost.

    Raises:
        UsageError: not even the first request fits into `max_cost`.
    """
    selection = select(store, record, options, only)
    budget = budget_of(options, selection)
    compose = Composer(question_of(record), options)
    texts = iter_shown(store, record)
    for made, unit in enumerate(selection.units(texts)):
        # An answer may have been unusable because it was cut off: the next has more room.
        unit.room = min(2 ** max(ask.failures for ask in unit.asks), LARGEST_ROOM)
        request = compose(unit)
        if not budget.reserve(request.bound):
            said = f"the next request may cost up to ${request.bound:,.4f}, more than --max-cost leaves"
            if not made:
                raise UsageError(f"{said}; nothing new was submitted")
            progress.log(f"{said}; submitted are the {made:,} requests before it")
            return
        yield request.to_sent(record.run, unit, request.bound, options.prices), request.body
