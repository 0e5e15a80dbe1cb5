"""What one version offers to some cases, each item with the reasons that a sheet gives in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.evaluation import Cases
from guided_store.retrieval import Preferences, Recommender

WORDS = 3
"""Attributes that a sentence names, at most."""

FAINT = 0.25
"""What adds less than this share of the strongest attribute, or event, is not named."""

EVENTS = 2
"""Events of the history that a sentence names, at most."""


@dataclass(frozen=True)
class Offer:
    """One recommended item and why.

    Attributes:
        item_id: the item.
        more, less: attributes by which it lies above and below the average item of the catalogue and gains by
            it, strongest first.
        because: item ids of the shown history whose removal takes most from it, strongest first.
    """

    item_id: str
    more: tuple[str, ...]
    less: tuple[str, ...]
    because: tuple[str, ...]


def best_rows(
    recommender: Recommender, cases: Cases, chosen: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], list[NDArray[np.int32]]]:
    """The k best rows of the version for each chosen case, the queries, and the histories as rows.

    Ties go to the lower row. A case whose history the version cannot read, or that has fewer than k items
    left, gets -1 throughout.

    Returns:
        int64 (m, k), float32 (m, d), m histories.
    """
    embedding = recommender.embedding
    sequences, targets = cases.sequences, cases.targets
    row_of = np.array([embedding.item_index.get(item, -1) for item in sequences.item_ids], np.int32)
    histories = [row_of[targets.history(sequences, int(case))] for case in chosen]
    histories = [rows[rows >= 0] for rows in histories]
    best = np.full((len(chosen), k), -1, np.int64)
    queries = np.zeros((len(chosen), embedding.vectors.shape[1]), np.float32)
    readable = [place for place, rows in enumerate(histories) if len(rows)]
    if not readable:
        return best, queries, histories
    users = [sequences.user_ids[targets.users[chosen[place]]] for place in readable]
    queries[readable] = recommender.queries([histories[place] for place in readable], Preferences(), users)
    scores = queries[readable] @ embedding.vectors.T
    if embedding.bias is not None:
        scores += embedding.bias
    for line, place in zip(scores, readable, strict=True):
        line[recommender.excluded(histories[place], cases.repeats)] = -np.inf
        order = np.argsort(-line, kind="stable")[:k]
        if len(order) == k and np.isfinite(line[order[-1]]):
            best[place] = order
    return best, queries, histories


def offers(
    recommender: Recommender,
    user: str,
    history: NDArray[np.int32],
    query: NDArray[np.float32],
    best: NDArray[np.int64],
    *,
    shown: int,
    words: Collection[str],
) -> tuple[Offer, ...]:
    """A list with its reasons.

    Attributes: `q_a (v_ia - mean_a)`, what attribute a adds to item i over what it adds to the average item;
    the largest positive ones are named.

    Events: without event h the encoder asks for `q_h` instead of `q`, and item i loses
    `(q - q_h) . (v_i - mean)` against the average item; the largest losses are named. This is measured by
    encoding the history again without the event, and needs no attributes, so that it holds of every version.

    Args:
        recommender: the version.
        user: whose history it is.
        history: int32 rows of the version, oldest first.
        query: float32 (d,), what the encoder asks for after it.
        best: int64 (k,) rows.
        shown: only the newest so many events are named, since a reader sees these.
        words: attributes that may be named.
    """
    embedding = recommender.embedding
    apart = embedding.vectors[best] - embedding.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    events = np.arange(max(0, len(history) - shown), len(history))
    pulls = np.zeros((len(events), len(best)), np.float32)
    if len(history) > 1:
        without = [np.delete(history, event) for event in events]
        pulls = (query - recommender.queries(without, Preferences(), [user] * len(events))) @ apart.T
    width = len(embedding.attributes)
    terms = query[:width] * apart[:, :width]
    allowed = np.array([name in words for name in embedding.attributes], np.bool_)
    terms[:, ~allowed] = 0
    found = []
    for place, row in enumerate(best):
        named = _strongest(terms[place], WORDS)
        above = apart[place, :width] > 0
        # An item may stand in the history several times; it is named once.
        causes = dict.fromkeys(int(history[events[at]]) for at in _strongest(pulls[:, place], EVENTS))
        found.append(
            Offer(
                embedding.item_ids[row],
                tuple(embedding.attributes[at] for at in named if above[at]),
                tuple(embedding.attributes[at] for at in named if not above[at]),
                tuple(embedding.item_ids[cause] for cause in causes),
            )
        )
    return tuple(found)


def common_words(versions: Sequence[Recommender]) -> frozenset[str]:
    """The attributes that all versions have."""
    return frozenset.intersection(*(frozenset(version.embedding.attributes) for version in versions))


def _strongest(values: NDArray[np.float32], count: int) -> list[int]:
    """Places of the largest positive values, none of them faint beside the largest."""
    order = [int(place) for place in np.argsort(-values, kind="stable")[:count]]
    return [place for place in order if values[place] > 0 and values[place] >= FAINT * values[order[0]]]
