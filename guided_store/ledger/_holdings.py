"""What a run's rows already answer, small enough to hold in memory for a million items."""

from __future__ import annotations

import hashlib
from collections import Counter

from guided_store.ledger._rows import run_batches
from guided_store.store import Store

_COLUMNS = ["item_id", "sample", "text_hash", "status", "cost", "tokens_in", "tokens_out"]


class Holdings:
    """An index of one run's rows in the ledger, by item, sample and the text that was shown.

    Attributes:
        spent: US dollars over all rows, unknown ones with their upper bound.
        tokens_in, tokens_out: tokens over all rows.
        unpriced_in, unpriced_out: those of them whose rows have no cost, since no prices were given.
        answered: rows with status "ok" or "failed".
    """

    def __init__(self) -> None:
        self.spent = 0.0
        self.tokens_in = 0
        self.tokens_out = 0
        self.unpriced_in = 0
        self.unpriced_out = 0
        self.answered = 0
        self._done: set[bytes] = set()
        self._failures: Counter[bytes] = Counter()
        self._attempts: Counter[bytes] = Counter()

    @classmethod
    def load(cls, store: Store, run: str) -> Holdings:
        """Read the rows of a run, in batches."""
        held = cls()
        for batch in run_batches(store, run, _COLUMNS):
            for row in zip(*(batch.column(name).to_pylist() for name in _COLUMNS), strict=True):
                held._add(*row)
        return held

    def is_done(self, item_id: str, text_hash: str, sample: int) -> bool:
        """Whether the item was scored by this text."""
        return _key(item_id, sample, text_hash) in self._done

    def failures(self, item_id: str, text_hash: str, sample: int) -> int:
        """Answers about this text that could not be used."""
        return self._failures[_key(item_id, sample, text_hash)]

    def attempts(self, item_id: str, sample: int) -> int:
        """Rows of this item, of whatever status and text; the next attempt is this + 1."""
        return self._attempts[_key(item_id, sample, "")]

    def _add(
        self,
        item_id: str,
        sample: int,
        text_hash: str | None,
        status: str,
        cost: float | None,
        tokens_in: int | None,
        tokens_out: int | None,
    ) -> None:
        self.spent += cost or 0.0
        self.tokens_in += tokens_in or 0
        self.tokens_out += tokens_out or 0
        if cost is None:
            self.unpriced_in += tokens_in or 0
            self.unpriced_out += tokens_out or 0
        self._attempts[_key(item_id, sample, "")] += 1
        if status == "ok":
            self._done.add(_key(item_id, sample, text_hash or ""))
        elif status == "failed":
            self._failures[_key(item_id, sample, text_hash or "")] += 1
        self.answered += status in ("ok", "failed")


def _key(item_id: str, sample: int, text_hash: str) -> bytes:
    # Twelve octets: among a million rows two agree with a probability of 1e-17.
    text = f"{item_id}\0{sample}\0{text_hash}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
