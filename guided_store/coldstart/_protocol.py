"""The protocol of a cold-start experiment: which items, which cases, which catalogues."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Split
from guided_store.coldstart._cases import Cases, cold_cases, warm_cases
from guided_store.coldstart._sets import ColdSets, Half, mask_of, without_items


@dataclass(frozen=True)
class Protocol:
    """Everything that a cold-start experiment asks of a split.

    For tuning: held-out events of the tuning set, and the warm validation cases. For the test: held-out
    events of the test set, and the warm test cases. The catalogue of either half is every item but the other
    half's, so that a tenth of the items compete as cold ones, as a tenth is taken out.

    Attributes:
        whole: the split before items were removed.
        sets: the cold items.
    """

    whole: Split
    sets: ColdSets

    @cached_property
    def warm(self) -> Split:
        """The split to train on: both sets are gone from it."""
        return without_items(self.whole, self.sets.both)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Training events of each item code, int64 (V,); 0 for cold items."""
        return self.warm.train.counts()

    @property
    def trained(self) -> NDArray[np.bool_]:
        """Items with training events, bool (V,)."""
        return self.counts > 0

    def cold(self, half: Half) -> NDArray[np.bool_]:
        """Items of one cold set, bool (V,)."""
        return mask_of(self.whole.sequences, self.sets.of(half))

    def catalogue(self, half: Half) -> NDArray[np.bool_]:
        """What can be recommended in one half, bool (V,): every item but the other set's."""
        return ~self.cold("test" if half == "tune" else "tune")

    def cold_cases(self, half: Half) -> Cases:
        """Held-out events of one cold set."""
        return cold_cases(self.whole, self.sets.of(half), self.sets.both)

    def warm_cases(self, half: Half) -> Cases:
        """Warm validation cases for tuning, warm test cases for the test."""
        return warm_cases(self.warm, "validation" if half == "tune" else "test")

    @cached_property
    def tail(self) -> NDArray[np.bool_]:
        """The less popular half of the trained items by training events (ties by item code), bool (V,)."""
        codes = np.flatnonzero(self.trained)
        order = codes[np.argsort(self.counts[codes], kind="stable")]
        mask = np.zeros(len(self.counts), np.bool_)
        mask[order[: len(order) // 2]] = True
        return mask
