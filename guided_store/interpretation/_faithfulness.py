"""Whether explanations are true of the model: change a score, encode again, rank again.

An explanation of item i for user u names the attribute whose term gains most on the average item. For a
sampled pair two things are changed, each for the named attribute and for a random other one, by the same
number of points up and down on the raw scale, and the two ranks of i are compared (raised against lowered, so
that a score at an end of the scale still moves one way):

- the *item*: its own raw score, so also its vector, and the user's history is encoded again if it holds the
  item. If it does not, the query stays, and that the item moves the way the explanation says is arithmetic:
  with q_u[a] > 0 a higher score gains, with q_u[a] < 0 it loses. What this tells is how far: whether a point
  of the named attribute moves the item farther than a point of another.
- the *history*: the scores of all items that the user has read, which the encoder then reads anew. Nothing
  in the sum says what it makes of them. The explanation does: an item with more of the attribute than the
  average one comes forward when the history has more of it, an item with less goes back. So "you get this
  because of its humour" fails here where the encoder does not read humour as it scores it.

Vectors are rebuilt by the version's recipe (standardised, scaled, calibrated). In the residual form an item's
latent vector W f + delta changes with them, since the encoder adds W f itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.interpretation._change import Columns, encoder_of
from guided_store.interpretation._moves import Intervention, judge_moves
from guided_store.interpretation._subject import Reading, Subject, batches, best_places, lists
from guided_store.progress import SILENT, Progress
from guided_store.store import Store

POINTS = 2.0
"""How far a raw score is moved each way, on a scale of 0 to 10."""

PAIRS = 1000

_DOWN_UP = (-1.0, 1.0)


@dataclass(frozen=True)
class Faithfulness:
    """What changed scores do to recommended items.

    Attributes:
        pairs: sampled pairs of a user and a recommended item, one a user.
        points: how far raw scores are moved each way, within the scale.
        left_out: users whose sampled item has no positive term that could be changed, or no other attribute
            to hold it against.
        item, history: the two interventions.
    """

    pairs: int
    points: float
    left_out: int
    item: Intervention
    history: Intervention

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {
            "pairs": self.pairs,
            "points": self.points,
            "left_out": self.left_out,
            "item": self.item.to_dict(),
            "history": self.history.to_dict(),
        }


@dataclass(frozen=True)
class _Pairs:
    """Sampled pairs: `case` of the reading (P,), `place` (P,), `attribute` (P, 2), named and random."""

    case: NDArray[np.int64]
    place: NDArray[np.int64]
    attribute: NDArray[np.int64]
    left_out: int


def faithfulness(
    store: Store,
    subject: Subject,
    reading: Reading,
    *,
    pairs: int = PAIRS,
    k: int = 10,
    points: float = POINTS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Faithfulness | None:
    """Change scores and see; None for a version with fewer than 2 attributes, or where no pair can be made.

    Args:
        store: where the encoder is.
        subject, reading: the version and the sampled cases.
        pairs: users to take, at most those of the reading.
        k: length of the lists that the items are drawn from.
        points: how far to move a raw score each way.
        seed: of cases, items and random attributes.

    Raises:
        UsageError: as `Columns.of`.
        EncoderError: as `load_encoder`.
    """
    if len(subject.attributes) < 2:
        return None
    columns = Columns.of(subject.embedding)
    drawn = _draw(subject, reading, columns, pairs, k, seed)
    if not len(drawn.case):
        return None
    users = reading.users[drawn.case]
    with progress.task(f"changing scores of {subject.embedding.ref}", 2 * len(_DOWN_UP) * 2) as task:
        found = []
        for history in (False, True):
            ranks = np.empty((len(drawn.case), 2, len(_DOWN_UP)), np.int64)
            means = np.empty(ranks.shape)
            moved = np.zeros(ranks.shape[:2])
            for which in (0, 1):
                for at, direction in enumerate(_DOWN_UP):
                    one = _Change(drawn.case, drawn.place, drawn.attribute[:, which], direction * points)
                    ranks[:, which, at], means[:, which, at], by = one.ranks(
                        store, subject, reading, columns, history=history, k=k
                    )
                    moved[:, which] += np.abs(by)
                    task.advance()
            centred = subject.centred[drawn.place[:, None], drawn.attribute]
            asked = reading.queries[drawn.case[:, None], drawn.attribute]
            expected = np.sign(centred if history else asked).astype(np.int64)
            shift = means[:, :, 1] - means[:, :, 0] if history else None
            found.append(judge_moves("history" if history else "item", users, ranks, expected, moved, shift))
    return Faithfulness(len(drawn.case), points, drawn.left_out, *found)


def _draw(subject: Subject, reading: Reading, columns: Columns, pairs: int, k: int, seed: int) -> _Pairs:
    """One recommended item a case, its top-named attribute, and a random other one."""
    random = np.random.default_rng(seed)
    places, there = lists(subject, reading, k)
    case = random.permutation(np.flatnonzero(there.any(axis=1)))
    _, first = np.unique(reading.users[case], return_index=True)  # one a user, so that pairs are independent
    case = np.sort(case[np.sort(first)[:pairs]])
    at = random.integers(0, there[case].sum(axis=1))  # what exists comes first in a list
    place = places[case, at]
    terms = subject.terms(reading.queries[case], place[:, None])[:, 0]  # (P, A)
    terms = np.where(columns.movable, terms, 0)
    named = terms.argmax(axis=1)
    other = terms != 0
    other[np.arange(len(case)), named] = False
    good = (terms.max(axis=1) > 0) & other.any(axis=1)
    chance = np.where(other, random.random(terms.shape), -1)
    attribute = np.stack([named, chance.argmax(axis=1)], axis=1)
    return _Pairs(case[good], place[good], attribute[good], int((~good).sum()))


@dataclass(frozen=True)
class _Change:
    """One attribute of every pair, moved by the same number of points."""

    case: NDArray[np.int64]
    place: NDArray[np.int64]
    attribute: NDArray[np.int64]
    points: float

    def ranks(
        self,
        store: Store,
        subject: Subject,
        reading: Reading,
        columns: Columns,
        *,
        history: bool,
        k: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Rank of each pair's item (P,), mean raw score of its list (P,), and mean points moved (P,)."""
        queries, by = self._queries(store, subject, reading, columns, history)
        vectors, bias = subject.vectors[self.place], subject.bias[self.place]
        if not history:
            rows = subject.rows[self.place]
            vectors, by = columns.moved(rows, self.attribute, np.full(len(rows), self.points))
        own = (queries * vectors).sum(axis=1, dtype=np.float64).astype(np.float32) + bias
        raw = columns.raw[subject.rows]
        ranks, means = np.empty(len(own), np.int64), np.empty(len(own))
        for which in batches(len(own), len(subject.rows)):
            allowed = reading.allowed(self.case[which], len(subject.rows))
            place, mine = self.place[which], own[which, None]
            scores = subject.scores(queries[which])
            scores[np.arange(len(which)), place] = mine[:, 0]
            ahead = (scores > mine) | ((scores == mine) & (np.arange(scores.shape[1]) < place[:, None]))
            ranks[which] = 1 + (ahead & allowed).sum(axis=1)
            best, there = best_places(scores, allowed, k)
            of_list = raw[best, self.attribute[which, None]]
            means[which] = np.where(there, of_list, 0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        return ranks, means, by

    def _queries(
        self, store: Store, subject: Subject, reading: Reading, columns: Columns, history: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Queries (P, d) of the histories with changed items, and by how many points these moved (P,)."""
        limit = subject.encoder.config.max_length
        read = [reading.histories[case][-limit:] for case in self.case]
        lengths = np.array([len(rows) for rows in read])
        flat = np.concatenate(read).astype(np.int64)
        of = np.repeat(np.arange(len(read)), lengths)
        touched = np.ones(len(flat), np.bool_) if history else flat == subject.rows[self.place][of]
        # A changed item is the same for everybody: one more row for each pair of item and attribute.
        width = len(subject.attributes)
        key, new = np.unique(flat[touched] * width + self.attribute[of[touched]], return_inverse=True)
        if not len(key):
            return reading.queries[self.case], np.zeros(len(read))
        more, by = columns.moved(key // width, key % width, np.full(len(key), self.points))
        codes = flat.copy()
        codes[touched] = len(subject.embedding.item_ids) + new
        encoder = encoder_of(store, subject.embedding, more, [f"changed {one}" for one in key])
        changed = np.unique(of[touched])
        histories = np.split(codes.astype(np.int32), np.cumsum(lengths)[:-1])
        priors = None if reading.priors is None else reading.priors[self.case[changed]]
        queries = reading.queries[self.case].copy()
        queries[changed] = encoder.encode([histories[one] for one in changed], priors)
        moved = np.bincount(of[touched], weights=by[new], minlength=len(read))
        return queries, moved / lengths
