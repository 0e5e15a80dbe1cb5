"""What a recorded run shows of what it asks about, items or users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from guided_store.ledger._runs import RunRecord
from guided_store.ledger._texts import ItemText, iter_texts
from guided_store.ledger._users import iter_user_texts
from guided_store.store import Store


def iter_shown(store: Store, record: RunRecord, fields: Sequence[str] | None = None) -> Iterator[ItemText]:
    """The texts of a run in storage order, as `iter_texts` and `iter_user_texts` give them.

    Args:
        store: the store.
        record: the run.
        fields: columns of the items table, instead of the run's own (where one of these is gone).
    """
    chosen = record.fields if fields is None else tuple(fields)
    if record.users is not None:
        return iter_user_texts(store, chosen, record.users)
    return iter_texts(store, chosen, max_chars=record.max_chars)
