"""The cloud of vectors as a whole: how many directions it uses, where it points, how alike two are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from guided_store.errors import UsageError

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class Shape:
    """The vectors of one version (of several seeds: the means).

    Attributes:
        label: of the version or recipe.
        dim: columns of the vectors.
        effective: participation ratio, see `effective_dimension`.
        mean_cosine: see `mean_cosine`.
        norm_popularity: Spearman's correlation of the vectors' length with the training events of their
            items; None where these are not known, or do not vary.
    """

    label: str
    dim: int
    effective: float
    mean_cosine: float
    norm_popularity: float | None


def linear_cka(a: Matrix, b: Matrix) -> float:
    """Linear centred kernel alignment of two sets of vectors of the same items, 0 to 1.

    With columns centred, |B'A|_F^2 / (|A'A|_F |B'B|_F). It does not change under rotation or scaling of
    either side, and widths may differ. Two unrelated sets do not have 0 but about sqrt(d_a d_b) / n for
    vectors without preferred directions, so that it means little for a few items. Source: Kornblith, Norouzi,
    Lee and Hinton, "Similarity of neural network representations revisited", ICML 2019, section 3.

    Args:
        a, b: float (n, d_a) and (n, d_b), row by row the same items.

    Returns:
        NaN where one side has the same vector for every item.

    Raises:
        UsageError: another number of rows.
    """
    if len(a) != len(b):
        raise UsageError(f"{len(a)} and {len(b)} vectors cannot be aligned: give the same items")
    x, y = _centred(a), _centred(b)
    own = float(np.linalg.norm(x.T @ x)) * float(np.linalg.norm(y.T @ y))
    return min(1.0, float(np.linalg.norm(y.T @ x)) ** 2 / own) if own > 0 else float("nan")


def effective_dimension(vectors: Matrix) -> float:
    """Participation ratio of the covariance's eigenvalues, (sum l)^2 / sum l^2: from 1 to the width.

    How many directions would carry the same variance if each carried as much as the others; NaN where all
    vectors are one. Source: Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement"
    (bioRxiv 214262, 2017).
    """
    x = _centred(vectors)
    covariance = x.T @ x
    squares = float((covariance**2).sum())
    return float(np.trace(covariance)) ** 2 / squares if squares > 0 else float("nan")


def mean_cosine(vectors: Matrix) -> float:
    """Mean cosine over all pairs of different items: 0 where directions spread evenly, towards 1 in a cone.

    Source: Ethayarajh, "How contextual are contextualized word representations?", EMNLP 2019.
    Vectors of length 0 are left out; NaN with fewer than two others.
    """
    x = np.asarray(vectors, np.float64)
    length = np.linalg.norm(x, axis=1)
    unit = x[length > 0] / length[length > 0, None]
    n = len(unit)
    # Over all pairs without forming them: |sum u|^2 counts each twice, and each vector with itself once.
    return float((np.square(unit.sum(axis=0)).sum() - n) / (n * (n - 1))) if n > 1 else float("nan")


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where one side does not vary."""
    from scipy import stats

    ranked = np.stack([stats.rankdata(np.asarray(values, np.float64)) for values in (x, y)])
    return pearson(ranked[0], ranked[1])


def pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Pearson's r; NaN where one side does not vary."""
    if not len(x) or x.min() == x.max() or y.min() == y.max():
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def shape_of(label: str, vectors: list[Matrix], events: NDArray[np.int64] | None) -> Shape:
    """The shape of a version's vectors; of several seeds the means.

    Args:
        vectors: one (n, d) per seed, the same items.
        events: training events of each item, int64 (n,), or None.
    """
    popularity = (
        [spearman(np.linalg.norm(each, axis=1), events) for each in vectors] if events is not None else []
    )
    mean = float(np.mean(popularity)) if popularity else float("nan")
    return Shape(
        label,
        vectors[0].shape[1],
        float(np.mean([effective_dimension(each) for each in vectors])),
        float(np.mean([mean_cosine(each) for each in vectors])),
        None if np.isnan(mean) else mean,
    )


def _centred(vectors: Matrix) -> NDArray[np.float64]:
    values = np.asarray(vectors, np.float64)
    centred: NDArray[np.float64] = values - values.mean(axis=0)
    # Rounding of a mean leaves what looks like variance where every vector is the same.
    centred[:, (values == values[:1]).all(axis=0)] = 0
    return centred
