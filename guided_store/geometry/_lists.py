"""Recommendation lists of versions held against each other, user by user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import REPLICATES, Cases, Interval, Judgement, bootstrap_means
from guided_store.geometry._means import between, mean_known, within
from guided_store.geometry._named import NamedItem, named, number
from guided_store.geometry._ranked import PERSISTENCE, list_overlap_at, order_agreement, rank_biased_overlap

SHOWN = 3
"""Items of each list that are named of a user."""


@dataclass(frozen=True)
class ListPair:
    """How alike the lists of two labels are, mean over users; or of one label's own seeds.

    Attributes:
        label, reference: what was compared; the same label twice for its seeds among themselves.
        models: pairs of trained models that the figures are means over.
        rbo, rbo_interval: rank-biased overlap of the whole lists, and its interval over resampled users.
        overlap, overlap_interval: share of the first k in common, whatever the order.
        order: Kendall's tau of the items that both lists have, over users who have two such or more; None
            where nobody has.
        ordered: share of the cases that `order` is over.
        seeds: rank-biased overlap of two seeds of one recipe, mean over the sides that have several; None
            without, and for seeds themselves.
        beyond, beyond_interval: `rbo` less `seeds`, paired by user; below 0 the lists differ more than those
            of two seeds do.
    """

    label: str
    reference: str
    models: int
    rbo: float | None
    rbo_interval: Interval | None
    overlap: float | None
    overlap_interval: Interval | None
    order: float | None
    ordered: float
    seeds: float | None = None
    beyond: float | None = None
    beyond_interval: Interval | None = None

    @property
    def own_seeds(self) -> bool:
        """Whether one recipe's seeds were compared among themselves."""
        return self.label == self.reference


@dataclass(frozen=True)
class ChangedUser:
    """A user whose list changed.

    Attributes:
        user_id: who; `events`: length of the history.
        label, reference: between which lists.
        rbo, overlap: as in `ListPair`, for this case; overlap over the first k.
        before, after: the first items of the reference's list, and of the label's (of the first seed).
    """

    user_id: str
    events: int
    label: str
    reference: str
    rbo: float
    overlap: float
    before: tuple[NamedItem, ...]
    after: tuple[NamedItem, ...]


@dataclass(frozen=True)
class ListOverlap:
    """What `list_overlap` found.

    Attributes:
        k: length at which overlap is taken; depth: of the lists that RBO and order see.
        persistence: p of rank-biased overlap.
        users, cases: how many.
        pairs: each label against the reference, then seeds among themselves.
        changed: the users whose lists changed most, by label, most first.
    """

    k: int
    depth: int
    persistence: float
    users: int
    cases: int
    pairs: tuple[ListPair, ...]
    changed: tuple[ChangedUser, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self)


def list_overlap(
    judged: Mapping[str, Sequence[Judgement]],
    cases: Cases,
    k: int = 10,
    *,
    persistence: float = PERSISTENCE,
    titles: Mapping[str, str] | None = None,
    changed: int = 5,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> ListOverlap:
    """How far the lists of several versions agree with those of the first, and seeds with each other.

    With several seeds of a recipe, a user's figure is the mean over the pairs of a seed of one side and a
    seed of the other; the pairs of seeds of one side are the yardstick for it.

    Args:
        judged: label -> one judgement per seed, the first label being the reference.
        cases: what was judged.
        k: length at which overlap is taken.
        persistence: p of `rank_biased_overlap`.
        titles: by item id.
        changed: users to name for each label.
        replicates, seed: of the bootstrap over users.

    Raises:
        UsageError: fewer than two models in all, judgements of other cases, or an argument outside its range.
    """
    if sum(map(len, judged.values())) < 2 or not all(judged.values()):
        raise UsageError("lists of one model have nothing to agree with: give two versions, or seeds of one")
    depth = min(one.items.shape[1] for seeds in judged.values() for one in seeds)
    if k < 1 or changed < 0:
        raise UsageError(
            f"lists are compared at a length of 1 or more, not {k}, and 0 or more users are named"
        )
    lists = {label: [one.items[:, :depth] for one in seeds] for label, seeds in judged.items()}
    if any(len(one) != len(cases) for seeds in lists.values() for one in seeds):
        raise UsageError("the lists are of other cases than those given: judge all versions on one split")

    def agreed(x: NDArray[np.int32], y: NDArray[np.int32]) -> NDArray[np.float64]:
        """RBO, overlap and order, a row a case."""
        measures = (rank_biased_overlap(x, y, persistence), list_overlap_at(x, y, k), order_agreement(x, y))
        return np.column_stack(measures)

    reference, *others = lists
    own = {label: within([runs], agreed) for label, runs in lists.items()}
    pairs, moved = [], []
    for label in others:
        apart = between(lists[reference], lists[label], agreed)
        known = [values[:, 0] for values in (own[reference], own[label]) if values is not None]
        yardstick = mean_known(known) if known else None
        models = len(lists[reference]) * len(lists[label])
        pairs.append(_pair(cases, label, reference, models, apart, yardstick, replicates, seed))
        moved += _moved(cases, (reference, label), lists, apart, titles, changed)
    for label, values in own.items():
        if values is not None:
            models = sum(1 for _ in combinations(lists[label], 2))
            pairs.append(_pair(cases, label, label, models, values, None, replicates, seed))
    users = len(np.unique(cases.users))
    return ListOverlap(min(k, depth), depth, persistence, users, len(cases), tuple(pairs), tuple(moved))


def _pair(
    cases: Cases,
    label: str,
    reference: str,
    models: int,
    values: NDArray[np.float64],
    yardstick: NDArray[np.float64] | None,
    replicates: int,
    seed: int,
) -> ListPair:
    columns = values if yardstick is None else np.column_stack([values, values[:, 0] - yardstick])
    rbo, overlap, order, *beyond = bootstrap_means(cases.users, columns, replicates=replicates, seed=seed)
    return ListPair(
        label=label,
        reference=reference,
        models=models,
        rbo=number(rbo.value),
        rbo_interval=rbo.interval,
        overlap=number(overlap.value),
        overlap_interval=overlap.interval,
        order=number(order.value),
        ordered=float((~np.isnan(values[:, 2])).mean()),
        seeds=None if yardstick is None else number(float(mean_known(yardstick))),
        beyond=number(beyond[0].value) if beyond else None,
        beyond_interval=beyond[0].interval if beyond else None,
    )


def _moved(
    cases: Cases,
    names: tuple[str, str],
    lists: Mapping[str, Sequence[NDArray[np.int32]]],
    values: NDArray[np.float64],
    titles: Mapping[str, str] | None,
    most: int,
) -> list[ChangedUser]:
    """The case of the lowest RBO of each user, lowest first, of equals those of the longest history."""
    order = np.lexsort((-cases.history_lengths, np.nan_to_num(values[:, 0], nan=np.inf)))
    _, first_of_user = np.unique(cases.users[order], return_index=True)
    order = order[np.sort(first_of_user)][:most]
    ids = cases.sequences.item_ids

    def first(label: str, row: int) -> tuple[NamedItem, ...]:
        return named((ids[code] for code in lists[label][0][row, :SHOWN].tolist() if code >= 0), titles)

    return [
        ChangedUser(
            user_id=cases.sequences.user_ids[int(cases.users[row])],
            events=int(cases.history_lengths[row]),
            label=names[1],
            reference=names[0],
            rbo=float(values[row, 0]),
            overlap=float(values[row, 1]),
            before=first(names[0], row),
            after=first(names[1], row),
        )
        for row in order.tolist()
        if values[row, 0] < 1
    ]
