"""A version under the lens: its vectors, its encoder, and sampled cases with their queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guided_store.encoders import Encoder, UserPriors, load_encoder, priors_of
from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.store import Store
from guided_store.versions import Embedding, Ref, load_embedding

_FLOATS = 4_000_000
"""Scores held at a time (32 MB in float64)."""


@dataclass(frozen=True)
class Subject:
    """A version with its encoder, over the items that a split can ask for.

    A *place* is a position among these K items, in the order of their codes, so that ties go to the lower
    code as in `target_ranks`.

    Attributes:
        embedding, encoder, priors: as `load_scorer` has them.
        codes: item code of each place, int64 (K,).
        rows: row of the embedding of each place, int64 (K,).
    """

    embedding: Embedding
    encoder: Encoder
    priors: UserPriors | None
    codes: NDArray[np.int64]
    rows: NDArray[np.int64]

    @property
    def attributes(self) -> tuple[str, ...]:
        return self.embedding.attributes

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Vector of each place, float32 (K, d)."""
        return self.embedding.vectors[self.rows]

    @cached_property
    def bias(self) -> NDArray[np.float32]:
        """Bias of each place, float32 (K,)."""
        bias = self.embedding.bias
        return np.zeros(len(self.rows), np.float32) if bias is None else bias[self.rows]

    @cached_property
    def centred(self) -> NDArray[np.float64]:
        """Attribute columns less their mean over the places, float64 (K, A)."""
        guided = self.vectors[:, : len(self.attributes)].astype(np.float64)
        found: NDArray[np.float64] = guided - guided.mean(axis=0)
        return found

    def scores(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score of every place for each query, float32 (m, K)."""
        found: NDArray[np.float32] = queries @ self.vectors.T + self.bias
        return found

    def terms(self, queries: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Attribute terms relative to the average item, float64 (m, k, A), at `places` (m, k).

        c_a(u, i) = q_u[a] (g_i[a] - mean_j g_j[a]): what item i gains on the average item by attribute a. A
        term that is the same for all items moves no ranking, so it explains none.
        """
        asked = queries[:, None, : len(self.attributes)].astype(np.float64)
        return asked * self.centred[places]


@dataclass(frozen=True)
class Reading:
    """Sampled cases as one version reads them.

    Attributes:
        numbers: of the cases, int64 (m,), ascending.
        users: user of each, int64 (m,).
        histories: int32 rows of the embedding, oldest first, none empty, m of them.
        priors: float32 (m, A) for the encoder, or None.
        queries: float32 (m, d).
        hidden: (case of the reading, place), int64 (n,) each: what its list leaves out.
    """

    numbers: NDArray[np.int64]
    users: NDArray[np.int64]
    histories: list[NDArray[np.int32]]
    priors: NDArray[np.float32] | None
    queries: NDArray[np.float32]
    hidden: tuple[NDArray[np.int64], NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.numbers)

    def allowed(self, which: NDArray[np.int64], places: int) -> NDArray[np.bool_]:
        """What the lists of some cases of the reading may hold, bool (len(which), places)."""
        case, place = self.hidden
        start = np.searchsorted(case, which)
        lengths = np.searchsorted(case, which, side="right") - start
        stops = np.cumsum(lengths)
        total = int(stops[-1]) if len(stops) else 0
        at = np.arange(total) - np.repeat(stops - lengths, lengths) + np.repeat(start, lengths)
        found = np.ones((len(which), places), np.bool_)
        found[np.repeat(np.arange(len(which)), lengths), place[at]] = False
        return found


def load_subject(store: Store, ref: str | Ref, cases: Cases) -> Subject:
    """A version with its encoder.

    Raises:
        UsageError: it has no encoder, or knows none of the split's items.
        VersionError, EncoderError: as `load_embedding` and `load_encoder`.
    """
    embedding = load_embedding(store, ref)
    encoder = load_encoder(store, embedding)
    row_of = embedding.item_index
    ids = cases.sequences.item_ids
    rows = np.fromiter((row_of.get(item, -1) for item in ids), np.int64, len(ids))
    codes = np.flatnonzero(rows >= 0)
    if not len(codes):
        raise UsageError(f"{embedding.ref} knows none of the split's {len(ids):,} items")
    return Subject(embedding, encoder, priors_of(store, encoder, embedding), codes, rows[codes])


def sample_cases(cases: Cases, sample: int, seed: int) -> NDArray[np.int64]:
    """Numbers of `sample` cases drawn without replacement, or of all where there are no more, ascending.

    Raises:
        UsageError: a sample below 1.
    """
    if sample < 1:
        raise UsageError(f"a sample needs 1 case or more, not {sample}")
    if sample >= len(cases):
        return np.arange(len(cases))
    return np.sort(np.random.default_rng(seed).choice(len(cases), sample, replace=False))


def read_cases(subject: Subject, cases: Cases, numbers: NDArray[np.int64]) -> Reading:
    """Cases as a version reads them; those whose history it knows nothing of are left out.

    Raises:
        UsageError: none is left.
    """
    place_of = np.full(cases.sequences.n_items, -1, np.int64)
    place_of[subject.codes] = np.arange(len(subject.codes))
    case, item = cases.histories(numbers)
    place = place_of[item]
    case, place = case[place >= 0], place[place >= 0]
    lengths = np.bincount(case, minlength=len(numbers))
    kept = np.flatnonzero(lengths)
    if not len(kept):
        raise UsageError(
            f"{subject.embedding.ref} knows no item of the histories of any of the {len(numbers):,} cases"
        )
    row = subject.rows[place].astype(np.int32)
    histories = np.split(row, np.cumsum(lengths[kept])[:-1])
    users = cases.users[numbers[kept]]
    priors = None
    if subject.priors is not None:
        priors = subject.priors.rows(cases.sequences.user_ids[user] for user in users)
    queries = subject.encoder.encode(histories, priors)
    hidden = np.searchsorted(kept, case), place
    if cases.repeats == "allow":
        hidden = np.empty(0, np.int64), np.empty(0, np.int64)
    return Reading(numbers[kept], users, histories, priors, queries, hidden)


def batches(cases: int, places: int) -> Iterator[NDArray[np.int64]]:
    """Numbers 0 to `cases` - 1, as many at a time as keep their scores within bounds."""
    step = max(1, _FLOATS // max(1, places))
    for start in range(0, cases, step):
        yield np.arange(start, min(start + step, cases))


def best_places(
    scores: NDArray[np.float32], allowed: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The `k` best allowed places of each row by (-score, place), int64 (m, k), and which of them exist.

    Which of several equal scores come in at the end of a list is left to `argpartition`.
    """
    shown = np.where(allowed, -scores, np.inf)
    k = min(k, shown.shape[1])
    if k < shown.shape[1]:
        best = np.sort(np.argpartition(shown, k - 1, axis=1)[:, :k], axis=1)
    else:
        best = np.broadcast_to(np.arange(k), shown.shape)
    order = np.argsort(np.take_along_axis(shown, best, axis=1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    return best, np.take_along_axis(allowed, best, axis=1)


def lists(subject: Subject, reading: Reading, k: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The lists of a reading as places, int64 (m, k'), and which entries exist, bool (m, k')."""
    found = [
        best_places(subject.scores(reading.queries[which]), reading.allowed(which, len(subject.rows)), k)
        for which in batches(len(reading), len(subject.rows))
    ]
    return np.concatenate([order for order, _ in found]), np.concatenate([there for _, there in found])
