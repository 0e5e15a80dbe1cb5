"""The requests of a submission, made one by one from the catalogue."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

from guided_store.errors import UsageError
from guided_store.journal import Sent
from guided_store.ledger import RunRecord, iter_texts
from guided_store.llm import Question
from guided_store.progress import Progress
from guided_store.runs import Budget, Composer, ScoringOptions, Unit, select, spent_before
from guided_store.store import Store

_MOST_ROOM = 4


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
    spent = spent_before(selection.holdings, options.prices) + selection.set_aside
    budget = Budget(options.max_cost, spent)
    notes = str(record.settings.get("notes", ""))
    compose = Composer(Question(record.schema, record.allow_unknown, notes), options)
    texts = iter_texts(store, record.fields, max_chars=record.max_chars)
    for made, unit in enumerate(selection.units(texts)):
        # An answer may have been unusable because it was cut off: the next has more room.
        unit.room = min(2 ** max(ask.failures for ask in unit.asks), _MOST_ROOM)
        request = compose(unit)
        if not budget.reserve(request.bound):
            said = f"the next request may cost up to ${request.bound:,.4f}, more than --max-cost leaves"
            if not made:
                raise UsageError(f"{said}; nothing new was submitted")
            progress.log(f"{said}; submitted are the {made:,} requests before it")
            return
        yield _sent(record, options, unit, request.request_id, request.bound), request.body


def _sent(record: RunRecord, options: ScoringOptions, unit: Unit, request_id: str, bound: float) -> Sent:
    return Sent(
        request_id=request_id,
        run=record.run,
        sample=unit.asks[0].sample,
        item_ids=tuple(ask.text.item_id for ask in unit.asks),
        text_hashes=tuple(ask.text.hash for ask in unit.asks),
        attempts=tuple(ask.attempt for ask in unit.asks),
        estimate=None if options.prices is None else bound,
        prices=options.prices,
        time=time.time(),
    )
