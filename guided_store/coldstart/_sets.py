"""Items made cold: drawn at random, taken out of every sequence, and asked about where they stood.

Two disjoint sets leave the data at once, so that one trained model serves both: the first is for choosing
settings, the second is read once. Users keep the order of what is left of their events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import UsageError

SHARE = 0.1
"""Share of the items that each cold set takes."""

Half: TypeAlias = Literal["tune", "test"]


@dataclass(frozen=True)
class ColdSets:
    """Two disjoint sets of item ids, each sorted.

    Attributes:
        tune: settings and the calibration are chosen on these.
        test: read once, after every choice.
        share, seed: how they were drawn.
    """

    tune: tuple[str, ...]
    test: tuple[str, ...]
    share: float
    seed: int

    @property
    def both(self) -> tuple[str, ...]:
        """Every cold item, sorted: what training must never see."""
        return tuple(sorted({*self.tune, *self.test}))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over both sets: equal digests mean equal cold items."""
        sha = hashlib.sha256(b"guided-store cold sets 1\0")
        for items in (self.tune, self.test):
            for item in items:
                sha.update(item.encode() + b"\0")
            sha.update(b"\1")
        return sha.hexdigest()

    def of(self, half: Half) -> tuple[str, ...]:
        """One of the two by name; UsageError for another name."""
        if half not in ("tune", "test"):
            raise UsageError(f"a cold set is 'tune' or 'test', not {half!r}")
        return self.tune if half == "tune" else self.test

    def to_dict(self) -> dict[str, object]:
        """How they were drawn, how many there are, and the digest; JSON-serialisable, without the ids."""
        return {
            "share": self.share,
            "seed": self.seed,
            "tune": len(self.tune),
            "test": len(self.test),
            "digest": self.digest,
        }


def cold_sets(items: Sequences | Iterable[str], share: float = SHARE, seed: int = 1) -> ColdSets:
    """Draw the two sets uniformly over items (not over events), without replacement.

    The draw depends on the ids and the seed alone, not on the order in which items are listed.

    Args:
        items: sequences, of which every item with at least one event takes part; or item ids.
        share: of the items, for each set, above 0 and below 0.5.
        seed: of the draw.

    Raises:
        UsageError: a share outside (0, 0.5), or too few items for one in each set and one left.
    """
    if not 0 < share < 0.5:
        raise UsageError(f"the share of a cold set is {share:g}; it must lie between 0 and 0.5")
    if isinstance(items, Sequences):
        ids = sorted(items.item_ids[code] for code in np.flatnonzero(items.counts()))
    else:
        ids = sorted(set(items))
    size = round(share * len(ids))
    if not size or 2 * size >= len(ids):
        raise UsageError(f"{len(ids)} items are too few for two cold sets of {share:.0%} each")
    drawn = np.random.default_rng(seed).permutation(len(ids))[: 2 * size]
    tune, test = (tuple(sorted(ids[row] for row in half)) for half in (drawn[:size], drawn[size:]))
    return ColdSets(tune, test, share, seed)


def mask_of(sequences: Sequences, items: Iterable[str]) -> NDArray[np.bool_]:
    """Which item codes are among `items`, bool (V,); ids outside the vocabulary are passed over."""
    wanted = set(items)
    return np.fromiter((item in wanted for item in sequences.item_ids), np.bool_, sequences.n_items)


def without_items(split: Split, cold: Iterable[str]) -> Split:
    """The split with every event of some items removed; vocabulary and users stay as they are.

    Cases whose target is one of the items are dropped, as are those that lose their whole history. A case
    that stays keeps its target; its history is shorter. The digest differs from the whole split's.

    Args:
        split: any split.
        cold: item ids.

    Raises:
        UsageError: nothing is left to train on.
    """
    hidden = mask_of(split.sequences, cold)
    kept = kept_before(split.sequences, hidden)
    sequences = _filtered(split.sequences, hidden, kept)
    starts = split.sequences.indptr[:-1]
    train_ends = kept[starts + split.train_ends] - kept[starts]
    if not train_ends.any():
        raise UsageError("without the cold items no training event is left; choose a smaller share")

    def left(targets: Targets) -> Targets:
        warm = ~hidden[targets.items(split.sequences)]
        users, ends = targets.users[warm], targets.ends[warm]
        ends = kept[starts[users] + ends] - kept[starts[users]]
        return Targets(users[ends > 0], ends[ends > 0])

    number = int(hidden.sum())
    items = "1 cold item" if number == 1 else f"{number:,} cold items"
    return replace(
        split,
        sequences=sequences,
        train_ends=train_ends,
        validation=left(split.validation),
        test=left(split.test),
        parameters={**split.parameters, "cold_items": number},
        notes=(*split.notes, f"{items} and all their events are removed from training and from histories"),
    )


def kept_before(sequences: Sequences, hidden: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many events before each place stay, int64 (E + 1,)."""
    return np.append(0, np.cumsum(~hidden[sequences.items], dtype=np.int64))


def _filtered(sequences: Sequences, hidden: NDArray[np.bool_], kept: NDArray[np.int64]) -> Sequences:
    keep = ~hidden[sequences.items]
    return replace(
        sequences,
        indptr=kept[sequences.indptr],
        items=sequences.items[keep],
        times=None if sequences.times is None else sequences.times[keep],
    )
