"""What can rank an item that nobody has touched, without any training: chance, likeness, fame."""

from __future__ import annotations

from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from guided_store.catalogue import Sequences, Targets
from guided_store.coldstart._ranking import recent
from guided_store.errors import UsageError
from guided_store.evaluation import Rows

Features: TypeAlias = "NDArray[np.float32] | sparse.csr_array[np.float32]"

LASTS = (1, 3, 10, None)
"""How many newest events make up a history's mean; None for all. Chosen on the tuning set."""


class RandomScorer:
    """A random order for every case, the same however the cases are batched."""

    name = "random"
    trained = False

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items), uniform in [0, 1)."""
        # A number of its own for each pair of case and item, mixed as in SplitMix64 (Steele et al. 2014).
        users, ends = targets.users[rows].astype(np.uint64), targets.ends[rows].astype(np.uint64)
        case = ((users << np.uint64(40)) + (ends << np.uint64(20)) + np.uint64(self.seed)).astype(np.uint64)
        items = np.arange(sequences.n_items, dtype=np.uint64)
        mixed = _mix(np.add.outer(_mix(case), items).astype(np.uint64))
        return (mixed >> np.uint64(40)).astype(np.float32) / np.float32(2**24)


class ContentCosine:
    """Cosine between an item's features and the mean of the history's, each row at norm 1 first.

    Args:
        name: shown in tables.
        features: float32 (V, F) over the vocabulary, dense or sparse; a row of zeros scores 0.
        last: newest events in the mean, None for all.
    """

    trained = False

    def __init__(
        self,
        name: str,
        features: Features,
        last: int | None = None,
    ) -> None:
        self.name = name
        self.last = last
        self._features = _unit(features)

    @property
    def parameters(self) -> dict[str, object]:
        return {"last": self.last}

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items) in [-1, 1]."""
        case, item = recent(sequences, targets, rows, self.last)
        shape = (len(targets.users[rows]), sequences.n_items)
        history = sparse.csr_array(sparse.coo_array((np.ones(len(item), np.float32), (case, item)), shape))
        likeness = _unit(history @ self._features) @ self._features.T
        dense = likeness if isinstance(likeness, np.ndarray) else likeness.toarray()
        return np.asarray(dense, np.float32)


class AttributeScorer:
    """One attribute alone, higher is better, the same for everyone.

    Args:
        name: shown in tables.
        values: float (V,) over the vocabulary, NaN for items without a score, which take the mean.
    """

    trained = False

    def __init__(self, name: str, values: NDArray[np.float32]) -> None:
        if not np.isfinite(values).any():
            raise UsageError(f"{name}: no item has a score to rank by")
        self.name = name
        self._values = np.where(np.isfinite(values), values, np.nanmean(values)).astype(np.float32)

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items), one row repeated."""
        return np.broadcast_to(self._values, (len(targets.users[rows]), sequences.n_items))


def _unit(rows: Features) -> Features:
    """Rows at norm 1; rows of zeros stay."""
    if isinstance(rows, np.ndarray):
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(norms, 1e-12), np.float32)
    squares = np.asarray(rows.multiply(rows).sum(axis=1), np.float64).ravel()
    factors = sparse.diags_array(1 / np.maximum(np.sqrt(squares), 1e-12))
    return cast("sparse.csr_array[np.float32]", sparse.csr_array(factors @ rows).astype(np.float32))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        value = value + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
