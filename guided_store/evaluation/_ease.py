"""EASE: the closed-form linear item model, strong on sparse catalogues of up to some thousand items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import UsageError
from guided_store.evaluation._histories import Rows, binary_matrix, decayed_histories
from guided_store.evaluation._item_knn import HALF_LIVES, LONGEST
from guided_store.evaluation._tuning import best_on_validation
from guided_store.progress import SILENT, Progress

MOST_ITEMS = 10_000
"""Beyond, the dense items-by-items matrix takes over 400 MB and its inverse minutes."""

REGULARISATIONS = (50.0, 200.0, 1000.0)
DEFAULT_REGULARISATION = 200.0
DEFAULT_HALF_LIFE = 3.0


class EASE:
    """Scores items by `x B`, `x` the recency-weighted history and `B` the ridge regression of items on items.

    `P = (X^T X + regularisation I)^-1`, `B_ij = -P_ij / P_jj` off the diagonal, 0 on it: Steck,
    "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019), equation 8. `X` is binary; the weights
    `2 ** (-age / half_life)` of the history are ours, since the next item follows the latest ones.

    Args:
        weights: float32 (V, V), `B`.
        regularisation, half_life: how it was made and how histories are weighed.
    """

    name = "ease"
    trained = False

    def __init__(self, weights: NDArray[np.float32], regularisation: float, half_life: float) -> None:
        self._weights = weights
        self.regularisation = regularisation
        self.half_life = half_life

    @classmethod
    def fit(cls, split: Split, regularisation: float | None = None, progress: Progress = SILENT) -> EASE:
        """Solve for each regularisation of the grid and choose it and the half-life on validation.

        Args:
            regularisation: fixes it; the half-life is still chosen.

        Raises:
            UsageError: more than 10,000 items, or a regularisation that is not above 0.
        """
        if split.sequences.n_items > MOST_ITEMS:
            raise UsageError(
                f"EASE is meant for catalogues of up to {MOST_ITEMS:,} items, and this one has "
                f"{split.sequences.n_items:,}: use item-knn"
            )
        matrix = binary_matrix(split.train, LONGEST)
        together: NDArray[np.float32] = (matrix.T @ matrix).toarray()
        first = DEFAULT_REGULARISATION if regularisation is None else regularisation
        fallback = cls(solve(together, first), first, DEFAULT_HALF_LIFE)
        if not len(split.validation):
            return fallback
        lives = [cls(fallback._weights, first, life) for life in HALF_LIVES]
        best = best_on_validation(split, lives, fallback, progress)
        # The winner so far against the next: never more than two solutions in memory.
        for other in REGULARISATIONS if regularisation is None else ():
            if other != first:
                rival = cls(solve(together, other), other, best.half_life)
                best = best_on_validation(split, [best, rival], best, progress)
        return best

    @property
    def parameters(self) -> dict[str, object]:
        half_life = self.half_life if np.isfinite(self.half_life) else "infinite"
        return {"regularisation": self.regularisation, "half_life_events": half_life}

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        """float32 (m, n_items)."""
        histories = decayed_histories(sequences, targets, rows, self.half_life)
        return np.asarray(histories @ self._weights, np.float32)


def solve(together: NDArray[np.float32], regularisation: float) -> NDArray[np.float32]:
    """`B` of EASE, float32 (V, V), from the co-occurrences `X^T X` float32 (V, V)."""
    if regularisation <= 0:
        raise UsageError(f"EASE needs a regularisation above 0, not {regularisation:g}")
    gram = together.copy()
    np.fill_diagonal(gram, gram.diagonal() + np.float32(regularisation))
    inverse = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
    weights = np.asarray(inverse / -inverse.diagonal(), np.float32)
    np.fill_diagonal(weights, 0.0)
    return weights
