"""The cases that versions are held against each other on: who, from where, and what came next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.evaluation._histories import Rows, flatten_histories, part_of
from guided_store.evaluation._ranking import Part, Repeats, check_repeats


@dataclass(frozen=True)
class Cases:
    """One part of a split, with what every comparison asks of it.

    Item codes are those of `split.sequences` everywhere. Whatever describes users or items (counts, lengths,
    profiles) comes from `split.train` or from the case's own history, never from what is held out.

    Attributes:
        split: where the cases come from.
        part: "test" or "validation".
        repeats: "exclude" takes a case's history out of its ranking.

    Raises:
        UsageError: the part has no cases, or an argument is none of the allowed ones.
    """

    split: Split
    part: Part = "test"
    repeats: Repeats = "exclude"

    def __post_init__(self) -> None:
        part_of(self.split, self.part)
        check_repeats(self.repeats)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def sequences(self) -> Sequences:
        return self.split.sequences

    @property
    def targets(self) -> Targets:
        return part_of(self.split, self.part)

    @property
    def users(self) -> NDArray[np.int64]:
        """User row of each case, int64 (C,)."""
        return self.targets.users

    @property
    def history_lengths(self) -> NDArray[np.int64]:
        """Events before each target, int64 (C,)."""
        return self.targets.ends

    @cached_property
    def wanted(self) -> NDArray[np.int32]:
        """Item code of each target, int32 (C,)."""
        return self.targets.items(self.sequences)

    @cached_property
    def train_counts(self) -> NDArray[np.int64]:
        """Training events of each item, int64 (V,)."""
        return self.split.train.counts()

    def histories(self, rows: Rows = slice(None)) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Histories of cases end to end: place of the case within `rows`, and item code, oldest first."""
        case, item, _ = flatten_histories(self.sequences, self.targets, rows)
        return case, item
