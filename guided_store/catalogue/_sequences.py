"""Users' event sequences as compressed sparse rows: the one in-memory form of interactions."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError


@dataclass(frozen=True)
class Sequences:
    """Every user's events in order.

    User `u` has events `items[indptr[u]:indptr[u + 1]]`, oldest first.

    Attributes:
        user_ids: user id of each row, length U.
        item_ids: item id of each item code, length V (the vocabulary).
        indptr: int64 (U + 1,), row boundaries.
        items: int32 (E,), item codes.
        times: int64 (E,) seconds since 1970, or None where the data has an order only.
    """

    user_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    times: NDArray[np.int64] | None = None

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @property
    def n_events(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Events per user, int64 (U,)."""
        return np.diff(self.indptr)

    @cached_property
    def user_index(self) -> dict[str, int]:
        """Row of each user id."""
        return {user: row for row, user in enumerate(self.user_ids)}

    @cached_property
    def item_index(self) -> dict[str, int]:
        """Code of each item id."""
        return {item: code for code, item in enumerate(self.item_ids)}

    def row(self, user: int) -> NDArray[np.int32]:
        """Item codes of one user, oldest first (a view)."""
        return self.items[self.indptr[user] : self.indptr[user + 1]]

    def history(self, user_id: str) -> list[str]:
        """Item ids of one user, oldest first; raises UsageError for an unknown user."""
        if user_id not in self.user_index:
            raise UsageError(f"unknown user {user_id!r}: no interactions of this user are in the store")
        return [self.item_ids[code] for code in self.row(self.user_index[user_id])]

    def counts(self) -> NDArray[np.int64]:
        """Events per item code, int64 (V,)."""
        return np.bincount(self.items, minlength=self.n_items).astype(np.int64)

    def restrict(self, item_ids: tuple[str, ...]) -> Sequences:
        """The same users over another vocabulary; events of items outside it are dropped."""
        new_code = np.full(self.n_items, -1, np.int32)
        for code, item in enumerate(item_ids):
            old = self.item_index.get(item)
            if old is not None:
                new_code[old] = code
        items = new_code[self.items]
        keep = items >= 0
        kept_before = np.zeros(self.n_events + 1, np.int64)
        np.cumsum(keep, out=kept_before[1:])
        times = None if self.times is None else self.times[keep]
        return Sequences(self.user_ids, item_ids, kept_before[self.indptr], items[keep], times)

    def head(self, ends: NDArray[np.int64]) -> Sequences:
        """The first `ends[u]` events of every user; users and vocabulary stay as they are."""
        indptr = np.zeros(self.n_users + 1, np.int64)
        np.cumsum(ends, out=indptr[1:])
        offset = np.arange(indptr[-1]) - np.repeat(indptr[:-1], ends)
        take = np.repeat(self.indptr[:-1], ends) + offset
        times = None if self.times is None else self.times[take]
        return Sequences(self.user_ids, self.item_ids, indptr, self.items[take], times)


@dataclass(frozen=True)
class Targets:
    """Next-item prediction cases on one `Sequences`.

    Case `c`: user row `users[c]`, history = that user's first `ends[c]` events, target = the event after.

    Attributes:
        users: int64 (C,) rows of the sequences.
        ends: int64 (C,) history lengths.
    """

    users: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)

    def items(self, sequences: Sequences) -> NDArray[np.int32]:
        """Target item code of each case, int32 (C,)."""
        items: NDArray[np.int32] = sequences.items[sequences.indptr[self.users] + self.ends]
        return items

    def history(self, sequences: Sequences, case: int) -> NDArray[np.int32]:
        """Item codes of one case's history, oldest first (a view)."""
        start = sequences.indptr[self.users[case]]
        return sequences.items[start : start + self.ends[case]]


@dataclass(frozen=True)
class Split:
    """Which events train, which validate, which test; made by `leave_one_out` or `time_split`.

    Attributes:
        kind: "leave-one-out", "time" or "none" (everything trains; validation and test are empty).
        sequences: all events.
        train_ends: int64 (U,), events of each user that train (a prefix).
        validation, test: prediction cases.
        parameters: what was asked for (thresholds), JSON-serialisable.
        notes: sentences a report should print beside its figures (leakage, users too short).
    """

    kind: str
    sequences: Sequences
    train_ends: NDArray[np.int64]
    validation: Targets
    test: Targets
    parameters: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @cached_property
    def train(self) -> Sequences:
        """The training events, same users and vocabulary."""
        return self.sequences.head(self.train_ends)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over ids, events in order, and all boundaries: equal digests mean equal splits."""
        sha = hashlib.sha256()
        sha.update(f"guided-store split 1 {self.kind}\0".encode())
        sequences = self.sequences
        for ids in (sequences.user_ids, sequences.item_ids):
            for name in ids:
                sha.update(name.encode() + b"\0")
            sha.update(b"\1")
        arrays = (sequences.indptr, sequences.items.astype(np.int64), self.train_ends)
        cases = (self.validation.users, self.validation.ends, self.test.users, self.test.ends)
        for array in (*arrays, *cases):
            sha.update(np.ascontiguousarray(array, "<i8").tobytes() + b"\1")
        return sha.hexdigest()
