"""Cases whose target is cold, and cases whose target is warm beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.coldstart._sets import kept_before, mask_of
from guided_store.errors import UsageError


@dataclass(frozen=True)
class Cases:
    """Next-item cases with the user that each belongs to.

    Attributes:
        split: the cases are its test part. Nothing of it may train.
        users: int64 (C,), whose case it is, by row of the whole sequences: what intervals draw.
    """

    split: Split
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.users)

    @property
    def targets(self) -> NDArray[np.int32]:
        """Item code of each target, int32 (C,)."""
        return self.split.test.items(self.split.sequences)

    def sample(self, most: int, seed: int = 0) -> Cases:
        """At most so many of the cases, drawn with a seed."""
        if len(self) <= most:
            return self
        drawn = np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False))
        test = Targets(self.split.test.users[drawn], self.split.test.ends[drawn])
        return Cases(_with_test(self.split, test), self.users[drawn])


def warm_cases(warm: Split, part: str) -> Cases:
    """The "validation" or the "test" cases of a split made by `without_items`."""
    if part not in ("validation", "test"):
        raise UsageError(f"unknown part {part!r} of a split: it is 'test' or 'validation'")
    targets = warm.validation if part == "validation" else warm.test
    if not len(targets):
        raise UsageError(f"the {warm.kind} split has no {part} cases of warm items")
    return Cases(_with_test(warm, targets), targets.users)


def cold_cases(split: Split, wanted: Iterable[str], hidden: Iterable[str]) -> Cases:
    """The held-out events of cold items as cases, with histories that hold no cold item.

    Held out are the events that the split predicts: with leave-one-out each user's last and last but one,
    so that a user may have two cases. Events of cold items before them are asked about by nobody, since
    their users' later events have trained the model.

    Args:
        split: the *whole* split, before items were removed.
        wanted: the cold items that are targets.
        hidden: all cold items; none of them stands in a history.

    Returns:
        The cases, each on a row of its own. Those that lose their whole history are left out.

    Raises:
        UsageError: there is no such event.
    """
    sequences = split.sequences
    target, cold = mask_of(sequences, wanted), mask_of(sequences, hidden)
    if (target & ~cold).any():
        raise UsageError("the wanted items must be among the hidden ones, or histories would hold them")
    places = [sequences.indptr[part.users] + part.ends for part in (split.validation, split.test)]
    place = np.unique(np.concatenate(places))
    place = place[target[sequences.items[place]]]
    kept = kept_before(sequences, cold)
    users = np.searchsorted(sequences.indptr, place, side="right") - 1
    first = kept[sequences.indptr[users]]
    lengths = kept[place] - first
    some = lengths > 0
    place, users, first, lengths = place[some], users[some], first[some], lengths[some]
    if not len(place):
        raise UsageError("no held-out event is of a cold item; draw more items, or use another seed")
    # A row per case: the user's warm events before the target, then the target.
    indptr = np.append(0, np.cumsum(lengths + 1))
    offset = np.arange(indptr[-1]) - np.repeat(indptr[:-1], lengths + 1)
    warm_places = np.append(np.flatnonzero(~cold[sequences.items]), 0)
    source = warm_places[np.repeat(first, lengths + 1) + offset]
    source[indptr[1:] - 1] = place
    rows = Sequences(
        user_ids=tuple(f"{sequences.user_ids[user]} case {case}" for case, user in enumerate(users)),
        item_ids=sequences.item_ids,
        indptr=indptr,
        items=sequences.items[source],
        times=None if sequences.times is None else sequences.times[source],
    )
    none = Targets(np.zeros(0, np.int64), np.zeros(0, np.int64))
    parameters = {**split.parameters, "cold_targets": int(target.sum()), "cold_items": int(cold.sum())}
    notes = ("targets are the held-out events of cold items; histories hold no cold item",)
    test = Targets(np.arange(len(users)), lengths)
    return Cases(Split(split.kind, rows, lengths, none, test, parameters, notes), users)


def _with_test(split: Split, test: Targets) -> Split:
    return Split(split.kind, split.sequences, split.train_ends, split.validation, test, split.parameters)
