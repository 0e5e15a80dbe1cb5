"""What a scorer is shown of a user: the texts of the items of the training history, the newest last.

Held-out events are never shown: a history ends where the training part of a split ends, whatever came later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from guided_store.catalogue import (
    Sequences,
    Split,
    has_interactions,
    leave_one_out,
    load_sequences,
    no_split,
    time_split,
)
from guided_store.errors import UsageError
from guided_store.ledger._texts import ItemText, iter_texts, text_hash
from guided_store.store import Store

SPLITS = ("loo", "time", "none")

CHARS = 200
"""Characters of each column of an item that are shown in a history."""

_PREFIX = "user:"


@dataclass(frozen=True)
class UserHistories:
    """Which histories are shown of users, and how much of them; part of the question that a run asks.

    Attributes:
        split: whose training part is shown: "loo" (all but each user's last two events), "time" (events
            before the validation period), or "none" (all events, for serving; nothing can be measured then).
        at: with "time", where the test period begins, as `time_split` takes it.
        newest: items shown, at most: the newest of them.
        chars: characters of each column of an item.
    """

    split: str = "loo"
    at: str | float | None = None
    newest: int = 50
    chars: int = CHARS

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"the split is {self.split!r}; choose one of {', '.join(SPLITS)}")
        if (self.split == "time") != (self.at is not None):
            raise UsageError(
                "scoring users by a time split needs its time, by --at; the default moves with new events"
                if self.split == "time"
                else "--at belongs to --split time"
            )
        for name, value in (("newest", self.newest), ("chars", self.chars)):
            if not 1 <= value <= 10_000:
                raise UsageError(f"{name} is {value:,}; it must be a number from 1 to 10,000")

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable form."""
        return asdict(self)

    def split_of(self, sequences: Sequences) -> Split:
        """The split whose training part is shown.

        Raises:
            UsageError: the events do not allow it.
        """
        if self.split == "loo":
            return leave_one_out(sequences)
        return no_split(sequences) if self.split == "none" else time_split(sequences, at=self.at)


def user_key(user_id: str) -> str:
    """What the ledger calls a user. Runs about users hold nothing else, and no run holds users and items."""
    return _PREFIX + user_id


def iter_user_texts(store: Store, fields: tuple[str, ...], shown: UserHistories) -> Iterator[ItemText]:
    """What a scorer is shown of each user, in storage order; `item_id` is the user's key.

    One line an item, numbered, the oldest first: its columns, cleaned as an item's are, with " | " between
    them. No text can begin a line of its own. Items without any text are left out; a user without a training
    event, or of whom nothing can be shown, has no data.
    """
    if not has_interactions(store):
        return
    sequences = load_sequences(store)
    split = shown.split_of(sequences)
    known = {
        text.item_id: " | ".join(text.data.values())
        for text in iter_texts(store, fields, max_chars=shown.chars)
        if text.data
    }
    lines = np.array([known.get(item, "") for item in sequences.item_ids], object)
    told = lines != ""
    for user, user_id in enumerate(sequences.user_ids):
        start = sequences.indptr[user]
        codes = sequences.items[start : start + split.train_ends[user]]
        chosen = lines[codes[told[codes]][-shown.newest :]]
        history = "\n".join(f"{number}. {line}" for number, line in enumerate(chosen, start=1))
        data = {"history": history} if history else {}
        yield ItemText(user_key(user_id), data, text_hash(data))


def histories_from_dict(content: Mapping[str, Any]) -> UserHistories:
    """Read back what `UserHistories.to_dict` gave."""
    return UserHistories(**content)
