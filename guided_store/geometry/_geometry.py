"""What the comparison of two clouds of item vectors finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from guided_store.evaluation import Interval
from guided_store.geometry._named import NamedItem
from guided_store.geometry._shape import Shape


@dataclass(frozen=True)
class NeighbourOverlap:
    """How much of their `k` nearest items two versions agree on.

    Attributes:
        k: how many neighbours.
        overlap: share of the k that are the same, mean over items; `interval`: over resampled items, which
            says how far the figure depends on which items the catalogue has. Items share neighbours and so
            are not independent: it is a little too narrow.
        jaccard: mean of Jaccard's index of the two sets.
        chance: overlap expected of neighbours drawn at random.
        seeds: overlap of two seeds of one recipe, mean over the sides that have several; None without.
        beyond, beyond_interval: `overlap` less `seeds`, paired by item; below 0 the versions differ more than
            two seeds do.
    """

    k: int
    overlap: float
    interval: Interval | None
    jaccard: float
    chance: float
    seeds: float | None = None
    beyond: float | None = None
    beyond_interval: Interval | None = None


@dataclass(frozen=True)
class ChangedItem:
    """One item whose neighbourhood changed.

    Attributes:
        item: which; `events`: its training events, None where these are not known.
        overlap: share of its nearest items (of the smallest k) that stayed.
        rbo: rank-biased overlap of the lists of its nearest items (of the largest k).
        before, after: the nearest in the reference, and in the version, nearest first.
    """

    item: NamedItem
    events: int | None
    overlap: float
    rbo: float
    before: tuple[NamedItem, ...]
    after: tuple[NamedItem, ...]


@dataclass(frozen=True)
class Geometry:
    """One version (or recipe) held against a reference, by the cosine of their item vectors; biases aside.

    Attributes:
        label, reference: what was compared.
        common: items that all vectors are known of.
        items: those compared: `common` without items of fewer than `least_events` training events, and
            without vectors of length 0. Neighbours are looked for among these alone.
        least_events: see there.
        neighbours: one per k.
        cka: linear CKA of the vectors, see `linear_cka`; None where one side has one vector for all.
        seeds_cka: of two seeds of one recipe, as `NeighbourOverlap.seeds`.
        shapes: of the reference, then of the version.
        changed: the items whose neighbourhood changed most, most first.
        notes: what was left out.
    """

    label: str
    reference: str
    common: int
    items: int
    least_events: int
    neighbours: tuple[NeighbourOverlap, ...]
    cka: float | None
    seeds_cka: float | None
    shapes: tuple[Shape, Shape]
    changed: tuple[ChangedItem, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self)
