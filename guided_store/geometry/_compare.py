"""Two versions as clouds of item vectors: whose neighbours stayed, whose changed, and their shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import REPLICATES, Cases, bootstrap_means
from guided_store.geometry._geometry import ChangedItem, Geometry, NeighbourOverlap
from guided_store.geometry._means import between, within
from guided_store.geometry._named import named, number
from guided_store.geometry._neighbours import chance_overlap, jaccard, nearest, overlap_at
from guided_store.geometry._ranked import rank_biased_overlap
from guided_store.geometry._shape import linear_cka, shape_of
from guided_store.versions import Embedding
from guided_store.wording import counted

NEIGHBOURS = (10, 50)
"""How many nearest items are compared."""

SHOWN = 5
"""Neighbours that are named of an item."""


def compare_geometry(
    a: Embedding | Sequence[Embedding],
    b: Embedding | Sequence[Embedding],
    *,
    labels: tuple[str, str] | None = None,
    cases: Cases | None = None,
    least_events: int = 0,
    ks: Sequence[int] = NEIGHBOURS,
    titles: Mapping[str, str] | None = None,
    changed: int = 10,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Geometry:
    """Hold the item vectors of `b` against those of the reference `a`.

    Items are matched by id, and dimensions may differ. Given several seeds of a recipe, figures are means
    over the pairs of a seed of `a` and a seed of `b`, and two seeds of one side are the yardstick: a
    retrained model moves every neighbourhood, and what matters is whether it moves them further. The
    neighbours that are named come from the first seed of each.

    Args:
        a, b: one version, or one per seed.
        labels: names of `a` and `b`; None takes their references.
        cases: whose training events count for `least_events` and popularity; None knows none.
        least_events: training events that an item needs; rarely seen ones move whatever is done.
        ks: how many neighbours to compare; what a small catalogue does not have is left out, with a note.
        titles: by item id.
        changed: how many changed items to name.
        replicates, seed: of the bootstrap over items.

    Raises:
        UsageError: no version, `least_events` without `cases`, a k below 1, or fewer than 3 items in common.
    """
    sides = ([a] if isinstance(a, Embedding) else list(a), [b] if isinstance(b, Embedding) else list(b))
    if not all(sides):
        raise UsageError("there is no version to compare: give at least one of each side")
    names = labels or (_name(sides[0]), _name(sides[1]))
    if least_events and cases is None:
        raise UsageError("least_events counts training events: give the cases whose training data is meant")
    if not ks or min(ks) < 1 or changed < 0:
        raise UsageError("neighbours are compared at 1 or more, and 0 or more items are named")
    ids, events, common, notes = _compared(sides, names, cases, least_events)
    kept = tuple(sorted({k for k in ks if k < len(ids) - 1})) or (len(ids) - 2,)
    if dropped := sorted(set(ks) - set(kept)):
        notes.append(
            f"neighbours at {', '.join(map(str, dropped))} are not compared: "
            f"there are only {counted(len(ids), 'item')}"
        )
    vectors = [[_rows(each, ids) for each in side] for side in sides]
    lists = [[nearest(each, kept[-1]) for each in side] for side in vectors]

    def agreed(x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.float64]:
        """Overlap at each k and RBO of the whole lists, a row an item."""
        return np.column_stack([overlap_at(x, y, kept), rank_biased_overlap(x, y)])

    apart, seeds = between(lists[0], lists[1], agreed), within(lists, agreed)
    rbo = apart[:, -1]
    seeds_cka = within(vectors, linear_cka)
    # Of equals, those whose vector rests on the most events say the most.
    order = np.lexsort((np.arange(len(ids)) if events is None else -events, rbo))
    return Geometry(
        label=names[1],
        reference=names[0],
        common=common,
        items=len(ids),
        least_events=least_events,
        neighbours=_overlaps(kept, apart[:, :-1], None if seeds is None else seeds[:, :-1], replicates, seed),
        cka=number(float(between(vectors[0], vectors[1], linear_cka))),
        seeds_cka=None if seeds_cka is None else number(float(seeds_cka)),
        shapes=(shape_of(names[0], vectors[0], events), shape_of(names[1], vectors[1], events)),
        changed=tuple(
            ChangedItem(
                item=named([ids[row]], titles)[0],
                events=None if events is None else int(events[row]),
                overlap=float(apart[row, 0]),
                rbo=float(rbo[row]),
                before=named((ids[at] for at in lists[0][0][row, :SHOWN]), titles),
                after=named((ids[at] for at in lists[1][0][row, :SHOWN]), titles),
            )
            for row in order[:changed].tolist()
            if rbo[row] < 1
        ),
        notes=tuple(notes),
    )


def _compared(
    sides: Sequence[Sequence[Embedding]], names: tuple[str, str], cases: Cases | None, least: int
) -> tuple[list[str], NDArray[np.int64] | None, int, list[str]]:
    """Ids compared in the order of the reference, their events, how many are common, and notes."""
    first, *others = [each for side in sides for each in side]
    everywhere = set(first.item_ids).intersection(*(each.item_ids for each in others))
    ids = [item for item in first.item_ids if item in everywhere]
    common, notes = len(ids), []
    events: NDArray[np.int64] | None = None
    if cases is not None:
        code = cases.sequences.item_index
        counts = np.append(cases.train_counts, 0)  # the last is of items that the split does not know
        events = counts[[code.get(item, -1) for item in ids]]
    keep = np.ones(len(ids), bool) if events is None else events >= least
    pointed = np.ones(len(ids), bool)
    for each in (first, *others):
        pointed &= _rows(each, ids).any(axis=1)
    if missing := int((keep & ~pointed).sum()):
        notes.append(f"{counted(missing, 'item')} left out: a vector of length 0 has no neighbours")
    keep &= pointed
    if keep.sum() < 3:
        raise UsageError(
            f"{names[0]} and {names[1]} have {counted(int(keep.sum()), 'item')} in common"
            f"{f' with {least} training events or more' if least else ''}: neighbours need 3 or more"
        )
    kept = [item for item, wanted in zip(ids, keep.tolist(), strict=True) if wanted]
    return kept, None if events is None else events[keep], common, notes


def _name(side: Sequence[Embedding]) -> str:
    return "+".join(str(each.ref) for each in side)


def _rows(embedding: Embedding, ids: Sequence[str]) -> NDArray[np.float32]:
    index = embedding.item_index
    return embedding.vectors[[index[item] for item in ids]]


def _overlaps(
    ks: Sequence[int],
    between: NDArray[np.float64],
    within: NDArray[np.float64] | None,
    replicates: int,
    seed: int,
) -> tuple[NeighbourOverlap, ...]:
    """Means over items, between and within both (n, len(ks))."""
    n = len(between)
    columns = between if within is None else np.concatenate([between, between - within], axis=1)
    found = bootstrap_means(np.arange(n), columns, replicates=replicates, seed=seed)
    plain = [
        NeighbourOverlap(
            k,
            overlap=found[at].value,
            interval=found[at].interval,
            jaccard=float(jaccard(between[:, at]).mean()),
            chance=chance_overlap(n, k),
        )
        for at, k in enumerate(ks)
    ]
    if within is None:
        return tuple(plain)
    return tuple(
        replace(
            one,
            seeds=float(within[:, at].mean()),
            beyond=found[len(ks) + at].value,
            beyond_interval=found[len(ks) + at].interval,
        )
        for at, one in enumerate(plain)
    )
