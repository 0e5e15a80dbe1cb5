"""What evaluation asks of a model: scores of all items for a batch of cases, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Targets
from guided_store.errors import EncoderError
from guided_store.evaluation._histories import Rows, flatten_histories


class Scorer(Protocol):
    """Scores every item of the vocabulary for some cases.

    A scorer may look at `sequences` only through the history of each case (the user's first `ends` events);
    what lies behind is the answer. A scorer with an attribute `trained = True` is held against the baselines.
    """

    @property
    def name(self) -> str:
        """The name shown in tables."""
        ...

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """Scores float32 (m, n_items) over `sequences.item_ids`; `-inf` for what cannot be recommended."""
        ...


class HistoryEncoder(Protocol):
    """The part of an encoder that evaluation needs."""

    def encode(
        self, histories: list[NDArray[np.int32]], priors: NDArray[np.float32] | None = None, /
    ) -> NDArray[np.float32]:
        """Queries float32 (m, d) of histories of embedding row numbers, oldest first, none empty.

        `priors` float32 (m, A) are passed by a scorer that has some, and by no other.
        """
        ...


class Priors(Protocol):
    """What is known of users beside their events."""

    def rows(self, user_ids: Iterable[str], /) -> NDArray[np.float32]:
        """One row for each user in this order, float32 (m, A); zero where nothing is known."""
        ...


class EncodedScorer:
    """A trained encoder with its item vectors, as a `Scorer`: `<encode(history), vector_i> + bias_i`.

    Items of the vocabulary that the embedding lacks score `-inf`, and are left out of the histories. A case
    whose history has no known item at all has no query: it scores `-inf` everywhere, so it counts as missed.

    Args:
        name: shown in tables.
        encoder: gives queries from row numbers of `vectors`.
        item_ids: item id of each row of `vectors`.
        vectors: float32 (n, d), output side.
        bias: float32 (n,), or None.
        trained: whether to warn when a baseline does better.
        priors: what the encoder reads of the users beside their histories, or None.

    Raises:
        EncoderError: when ids, vectors and bias differ in length.
    """

    def __init__(
        self,
        name: str,
        encoder: HistoryEncoder,
        item_ids: Sequence[str],
        vectors: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        *,
        trained: bool = True,
        priors: Priors | None = None,
    ) -> None:
        if len(item_ids) != len(vectors) or (bias is not None and len(bias) != len(vectors)):
            raise EncoderError(
                f"{name}: {len(item_ids)} item ids, {len(vectors)} vectors"
                + ("" if bias is None else f" and {len(bias)} biases")
                + " do not belong together"
            )
        self.name = name
        self.trained = trained
        self._encoder, self._priors = encoder, priors
        self._row_of = {item: row for row, item in enumerate(item_ids)}
        self._vectors = np.ascontiguousarray(vectors, np.float32)
        self._bias = np.zeros(len(vectors), np.float32) if bias is None else np.asarray(bias, np.float32)
        self._bound: tuple[tuple[str, ...], NDArray[np.int32]] | None = None

    def _rows_of(self, sequences: Sequences) -> NDArray[np.int32]:
        """Embedding row of each item code of the vocabulary, -1 where it has none."""
        if self._bound is None or self._bound[0] is not sequences.item_ids:
            rows = np.fromiter((self._row_of.get(item, -1) for item in sequences.item_ids), np.int32)
            self._bound = (sequences.item_ids, rows)
        return self._bound[1]

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        embedding_row = self._rows_of(sequences)
        case, item, _ = flatten_histories(sequences, targets, rows)
        history = embedding_row[item]
        known = history >= 0
        lengths = np.bincount(case[known], minlength=len(targets.users[rows]))
        scores = np.full((len(lengths), sequences.n_items), -np.inf, np.float32)
        scored = np.flatnonzero(lengths)
        columns = np.flatnonzero(embedding_row >= 0)
        if len(scored):
            histories = np.split(history[known], np.cumsum(lengths[scored])[:-1])
            if self._priors is None:
                encoded = self._encoder.encode(histories)
            else:
                users = targets.users[rows][scored]
                priors = self._priors.rows(sequences.user_ids[user] for user in users)
                encoded = self._encoder.encode(histories, priors)
            queries = np.asarray(encoded, np.float32)
            wanted = embedding_row[columns]
            scores[scored[:, None], columns] = queries @ self._vectors[wanted].T + self._bias[wanted]
        return scores
