"""What if an attribute had no say: lists without it, one attribute at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Targets
from guided_store.encoders import load_encoder, priors_of
from guided_store.errors import UsageError
from guided_store.evaluation import LEVEL, REPLICATES, Cases, Interval, Judgement, Rows, judge, ndcg_at
from guided_store.fairness._exposure import list_shares, rank_weights
from guided_store.fairness._groups import Grouping, Labels, make_grouping
from guided_store.fairness._lean import list_means
from guided_store.fairness._resampling import Resampling, interval, ratio
from guided_store.fairness._standing import popularity
from guided_store.progress import SILENT, Progress
from guided_store.store import Store
from guided_store.versions import Embedding, Ref, load_embedding

SAMPLE = 2000
"""Cases looked at by default."""


@dataclass(frozen=True)
class ExposureWithout:
    """Exposure of one group of items without an attribute over that with it; `interval` over users."""

    grouping: str
    group: str
    ratio: float | None
    interval: Interval | None


@dataclass(frozen=True)
class WithoutAttribute:
    """What taking one attribute out of the queries does.

    Attributes:
        attribute: its name.
        overlap: mean share of the list that stays; `overlap_interval`: of it.
        moved: mean number of places that the items that stay move by.
        target_rank: geometric mean of the target's rank without over that with; above 1, it falls.
        ndcg: change of NDCG@k, negative where the attribute helps; `ndcg_interval`: paired.
        raw_with, raw_without: mean raw score (0 to 10) of the listed items on this attribute; None where no
            listed item was scored.
        raw_interval: of `raw_without - raw_with`.
        exposure: of the groups of items.
    """

    attribute: str
    overlap: float
    overlap_interval: Interval | None
    moved: float
    target_rank: float
    ndcg: float
    ndcg_interval: Interval | None
    raw_with: float | None
    raw_without: float | None
    raw_interval: Interval | None
    exposure: tuple[ExposureWithout, ...]


@dataclass(frozen=True)
class Counterfactual:
    """A version's lists without each of its attributes.

    Attributes:
        version: of which; cases: looked at, of `all_cases`; k: length of the lists; ndcg: NDCG@k with all.
        rows: by attribute, the one whose absence changes lists most first.
    """

    version: str
    cases: int
    all_cases: int
    k: int
    ndcg: float
    level: float
    rows: tuple[WithoutAttribute, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return asdict(self)


def counterfactual(
    store: Store,
    ref: str | Ref,
    cases: Cases,
    *,
    attributes: Sequence[str] | None = None,
    item_groups: Mapping[str, Labels] | None = None,
    sample: int = SAMPLE,
    k: int = 10,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Counterfactual:
    """Give each attribute the weight 0 in the query, as `recommend --weight NAME=0` does, and rank again.

    Histories are read as before and encoded once: what changes is what is asked of the items, whichever way
    the user leans on that attribute. An audit by intervention on the input, after Datta, Sen and Zick,
    "Algorithmic transparency via quantitative input influence" (IEEE S&P 2016), with zero, the average item,
    in place of a random value.

    Args:
        store: an open store.
        ref: a refined version with an encoder.
        cases: what to ask.
        attributes: which; all by default.
        item_groups: groups over `cases.sequences.item_ids` whose exposure to follow; popularity always is.
        sample: cases drawn at most.
        k: length of the lists.
        replicates, level, seed: of the bootstrap over users, and `seed` of the sample.

    Raises:
        UsageError: a version without attributes or encoder, an unknown attribute, or no sample.
        VersionError, EncoderError: as `load_embedding` and `load_encoder`.
    """
    embedding = load_embedding(store, ref)
    names = _named(embedding, attributes)
    if sample < 1:
        raise UsageError(f"a sample needs 1 case or more, not {sample}")
    drawn = _sample(cases, sample, seed)
    # Popularity and groups as the whole split has them: the sample holds the same training events.
    groupings = [popularity(cases), *(make_grouping(n, v) for n, v in (item_groups or {}).items())]
    scorer = _Weighed.made(store, embedding, drawn)
    raw = _raw(embedding, drawn.sequences.item_ids)
    resampling = Resampling(drawn.users, replicates, level, seed)
    full = judge(scorer, drawn, k)
    rows = []
    with progress.task(f"ranking {embedding.ref} without each attribute", len(names)) as task:
        for name in names:
            column = embedding.attributes.index(name)
            without = judge(scorer.without(column), drawn, k)
            rows.append(_compare(name, full, without, raw[:, [column]], groupings, k, resampling))
            task.advance(1)
    return Counterfactual(
        version=str(embedding.ref),
        cases=len(drawn),
        all_cases=len(cases),
        k=k,
        ndcg=float(ndcg_at(full.ranks, k).mean()),
        level=level,
        rows=tuple(sorted(rows, key=lambda row: row.overlap)),
    )


@dataclass(frozen=True)
class _Weighed:
    """A scorer on queries that were encoded once, each column times a factor."""

    name: str
    queries: NDArray[np.float32]
    known: NDArray[np.bool_]  # cases with a readable history
    columns: NDArray[np.int64]  # item codes that the version holds
    vectors: NDArray[np.float32]  # of these, (n, d)
    bias: NDArray[np.float32]

    @classmethod
    def made(cls, store: Store, embedding: Embedding, cases: Cases) -> _Weighed:
        """Encode the histories of all cases, as `load_scorer` does for a batch."""
        encoder = load_encoder(store, embedding)
        priors = priors_of(store, encoder, embedding)
        sequences = cases.sequences
        row_of = np.array([embedding.item_index.get(item, -1) for item in sequences.item_ids], np.int32)
        case, item = cases.histories()
        history = row_of[item]
        readable = history >= 0
        lengths = np.bincount(case[readable], minlength=len(cases))
        known = lengths > 0
        queries = np.zeros((len(cases), embedding.vectors.shape[1]), np.float32)
        if known.any():
            histories = np.split(history[readable], np.cumsum(lengths[known])[:-1])
            users = [sequences.user_ids[user] for user in cases.users[known]]
            queries[known] = encoder.encode(histories, None if priors is None else priors.rows(users))
        columns = np.flatnonzero(row_of >= 0)
        wanted = row_of[columns]
        bias = np.zeros(len(embedding.vectors), np.float32) if embedding.bias is None else embedding.bias
        return cls(str(embedding.ref), queries, known, columns, embedding.vectors[wanted], bias[wanted])

    def without(self, column: int) -> _Weighed:
        """The same with one column of the query at zero."""
        queries = self.queries.copy()
        queries[:, column] = 0
        return replace(self, queries=queries)

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """Scores over the vocabulary of the cases it was made for."""
        found = np.full((len(targets.users[rows]), sequences.n_items), -np.inf, np.float32)
        known = np.flatnonzero(self.known[rows])
        found[known[:, None], self.columns] = self.queries[rows][known] @ self.vectors.T + self.bias
        return found


def _compare(
    name: str,
    full: Judgement,
    without: Judgement,
    raw: NDArray[np.float32],
    groupings: Sequence[Grouping],
    k: int,
    resampling: Resampling,
) -> WithoutAttribute:
    same = (full.items[:, :, None] == without.items[:, None, :]) & (full.items[:, :, None] >= 0)
    kept = same.any(axis=2).sum(axis=1) / np.maximum((full.items >= 0).sum(axis=1), 1)
    _, before, after = np.nonzero(same)
    ndcg = ndcg_at(without.ranks, k) - ndcg_at(full.ranks, k)
    ranked = np.isfinite(full.ranks) & np.isfinite(without.ranks)
    fall = np.log(without.ranks[ranked] / full.ranks[ranked])
    means = np.concatenate([list_means(full.items, raw), list_means(without.items, raw)], axis=1)
    scored = ~np.isnan(means).any(axis=1)
    means = np.where(scored[:, None], means, 0)
    member = np.concatenate([grouping.member for grouping in groupings], axis=1)
    weights = rank_weights(full.items.shape[1])
    shares = [list_shares(items, member, weights) for items in (full.items, without.items)]
    parts = [kept[:, None], ndcg[:, None], np.ones((len(kept), 1)), means, scored[:, None], *shares]
    sums, draws = resampling.sums(np.concatenate(parts, axis=1).astype(np.float64))
    ends = resampling.bounds(draws[:, :2] / draws[:, 2:3])
    width = member.shape[1]
    shares_ends = resampling.bounds(ratio(draws[:, 6 + width :], draws[:, 6 : 6 + width]))
    shares_ratio = ratio(sums[6 + width :], sums[6 : 6 + width])
    labels = [(grouping.name, label) for grouping in groupings for label in grouping.labels]
    return WithoutAttribute(
        attribute=name,
        overlap=float(sums[0] / sums[2]),
        overlap_interval=interval(ends, 0),
        moved=float(np.abs(after - before).mean()) if len(before) else 0.0,
        target_rank=float(np.exp(fall.mean())) if len(fall) else 1.0,
        ndcg=float(sums[1] / sums[2]),
        ndcg_interval=interval(ends, 1),
        raw_with=float(sums[3] / sums[5]) if sums[5] else None,
        raw_without=float(sums[4] / sums[5]) if sums[5] else None,
        raw_interval=interval(resampling.bounds(ratio(draws[:, 4] - draws[:, 3], draws[:, 5]))),
        exposure=tuple(
            ExposureWithout(
                grouping,
                label,
                None if np.isnan(shares_ratio[place]) else float(shares_ratio[place]),
                interval(shares_ends, place),
            )
            for place, (grouping, label) in enumerate(labels)
        ),
    )


def _named(embedding: Embedding, attributes: Sequence[str] | None) -> tuple[str, ...]:
    if not embedding.attributes:
        raise UsageError(f"{embedding.ref} has no attributes to take out; name a refined version")
    for name in attributes or ():
        if name not in embedding.attributes:
            there = ", ".join(embedding.attributes)
            raise UsageError(f"{embedding.ref} has no attribute {name!r}; there are {there}")
    return embedding.attributes if attributes is None else tuple(dict.fromkeys(attributes))


def _sample(cases: Cases, sample: int, seed: int) -> Cases:
    """Some of the cases, in their order, on the same training events."""
    if sample >= len(cases):
        return cases
    rows = np.sort(np.random.default_rng(seed).choice(len(cases), sample, replace=False))
    targets = Targets(cases.targets.users[rows], cases.targets.ends[rows])
    split = (
        replace(cases.split, test=targets)
        if cases.part == "test"
        else replace(cases.split, validation=targets)
    )
    return replace(cases, split=split)


def _raw(embedding: Embedding, item_ids: Sequence[str]) -> NDArray[np.float32]:
    """Raw scores in the order of the vocabulary, float32 (V, A); NaN where there are none."""
    found = np.full((len(item_ids), len(embedding.attributes)), np.nan, np.float32)
    if embedding.raw is not None:
        rows = np.array([embedding.item_index.get(item, -1) for item in item_ids], np.int64)
        found[rows >= 0] = embedding.raw[rows[rows >= 0]]
    return found
