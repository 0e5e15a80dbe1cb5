"""Dimension reduction of base embeddings: principal components that come out the same every time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError


@dataclass(frozen=True)
class Reduction:
    """A fitted reduction from d to k dimensions.

    Attributes:
        mean: float64 (d,).
        components: float64 (k, d), orthonormal rows by falling variance; the entry of largest magnitude of
            each row is positive.
        explained: float64 (k,), population variance along each component.
        total: variance of the whole data, the sum over all d dimensions.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]
    explained: NDArray[np.float64]
    total: float

    @property
    def share(self) -> float:
        """Share of the variance that the k components keep, 0..1; 1 where the data does not vary."""
        return min(1.0, float(self.explained.sum()) / self.total) if self.total > 0 else 1.0

    def apply(self, vectors: NDArray[np.floating]) -> NDArray[np.float64]:
        """Project (m, d) vectors to float64 (m, k)."""
        return (np.asarray(vectors, np.float64) - self.mean) @ self.components.T

    def restore(self, reduced: NDArray[np.floating]) -> NDArray[np.float64]:
        """The nearest (m, d) vectors to reduced ones (m, k); exact where k = d."""
        return np.asarray(reduced, np.float64) @ self.components + self.mean


def pca(vectors: NDArray[np.floating], k: int) -> Reduction:
    """Fit the `reduce` of arXiv 2504.11658: principal component analysis in float64.

    By QR and a singular value decomposition of the small triangle (no covariance matrix, so that small
    components keep their digits), no subsampling, signs fixed: the same vectors in the same order give the
    same bytes, and in another order the same components up to rounding.

    Args:
        vectors: (n, d), finite.
        k: components to keep, 0 <= k <= min(n, d); 0 gives an empty reduction.

    Raises:
        UsageError: k is out of its range, or the vectors are not a finite matrix.
    """
    data = np.asarray(vectors, np.float64)
    if data.ndim != 2 or not np.isfinite(data).all():
        raise UsageError(f"principal components need a finite matrix, got shape {data.shape}")
    n, d = data.shape
    if not 0 <= k <= min(n, d):
        raise UsageError(
            f"cannot take {k} components of {n} vectors with {d} dimensions; at most {min(n, d)}"
        )
    mean = data.mean(axis=0) if n else np.zeros(d)
    centred = data - mean
    triangle = np.linalg.qr(centred, mode="r")
    _, singular, rows = np.linalg.svd(triangle, full_matrices=False)
    components = rows[:k]
    # Ties within rounding go to the first entry, so that noise in the last digit cannot flip a sign.
    magnitude = np.abs(components)
    if k:
        near = magnitude >= magnitude.max(axis=1, keepdims=True) * (1 - 1e-9)
        lead = np.take_along_axis(components, near.argmax(axis=1)[:, None], axis=1)
        components = components * np.where(lead < 0, -1.0, 1.0)
    total = float((centred**2).sum()) / max(n, 1)
    return Reduction(mean, np.ascontiguousarray(components), singular[:k] ** 2 / max(n, 1), total)
