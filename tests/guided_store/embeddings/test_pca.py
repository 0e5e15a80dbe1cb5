"""Principal components: the properties that define them, and the same bytes every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.embeddings import pca
from guided_store.errors import UsageError


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.float64], int]:
    """Data with clearly different variances along hidden directions, and a k."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(2, 40)), draw(st.integers(1, 8))
    spread = 2.0 ** -np.arange(d) * draw(st.sampled_from([1e-3, 1.0, 1e3]))
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    data = rng.normal(size=(n, d)) * spread @ rotation + rng.normal(size=d)
    return data, draw(st.integers(0, min(n, d)))


@given(problems())
def test_components_are_orthonormal_ordered_and_sign_fixed(problem: tuple[NDArray[np.float64], int]) -> None:
    data, k = problem
    reduction = pca(data, k)
    assert reduction.components.shape == (k, data.shape[1])
    np.testing.assert_allclose(reduction.components @ reduction.components.T, np.eye(k), atol=1e-10)
    assert (np.diff(reduction.explained) <= 1e-12).all()
    for row in reduction.components:
        assert row[np.argmax(np.abs(row))] > 0
    assert 0 <= reduction.share <= 1


@given(problems())
def test_reduced_data_has_the_explained_variances_and_no_correlation(
    problem: tuple[NDArray[np.float64], int],
) -> None:
    data, k = problem
    reduction = pca(data, k)
    reduced = reduction.apply(data)
    covariance = reduced.T @ reduced / len(data)
    np.testing.assert_allclose(covariance, np.diag(reduction.explained), atol=1e-9 * max(1, reduction.total))


@given(problems())
def test_all_components_restore_the_data_and_fewer_lose_what_is_not_explained(
    problem: tuple[NDArray[np.float64], int],
) -> None:
    data, k = problem
    size = max(1.0, np.abs(data).max())
    whole = pca(data, min(data.shape))
    np.testing.assert_allclose(whole.restore(whole.apply(data)), data, atol=1e-9 * size)
    some = pca(data, k)
    lost = ((some.restore(some.apply(data)) - data) ** 2).sum() / len(data)
    assert lost == pytest.approx(some.total - some.explained.sum(), abs=1e-9 * size**2)


@given(problems())
def test_same_bytes_again_and_same_components_in_another_order(
    problem: tuple[NDArray[np.float64], int],
) -> None:
    data, k = problem
    first, again = pca(data, k), pca(data.copy(), k)
    assert first.components.tobytes() == again.components.tobytes()
    assert first.explained.tobytes() == again.explained.tobytes()
    rows = np.random.default_rng(0).permutation(len(data))
    shuffled = pca(data[rows], k)
    np.testing.assert_allclose(
        shuffled.explained, first.explained, rtol=1e-6, atol=1e-12 * max(1, first.total)
    )
    restored = shuffled.restore(shuffled.apply(data))
    np.testing.assert_allclose(restored, first.restore(first.apply(data)), atol=1e-6 * np.abs(data).max())


def test_signs_do_not_follow_the_data_upside_down() -> None:
    data = np.random.default_rng(3).normal(size=(50, 6)) * [5, 4, 3, 2, 1, 0.5]
    np.testing.assert_allclose(pca(-data, 6).components, pca(data, 6).components, atol=1e-10)
    shuffled = pca(data[np.random.default_rng(1).permutation(50)], 6)
    np.testing.assert_allclose(shuffled.components, pca(data, 6).components, atol=1e-10)


def test_agrees_with_the_eigenvectors_of_the_covariance() -> None:
    data = np.random.default_rng(5).normal(size=(200, 5)) * [9, 5, 3, 2, 1]
    values, vectors = np.linalg.eigh(np.cov(data.T, bias=True))
    reduction = pca(data, 5)
    np.testing.assert_allclose(reduction.explained, values[::-1], rtol=1e-10)
    np.testing.assert_allclose(np.abs(reduction.components), np.abs(vectors.T[::-1]), atol=1e-8)
    assert reduction.total == pytest.approx(values.sum())


def test_data_without_variance() -> None:
    reduction = pca(np.ones((4, 3)), 2)
    assert reduction.share == 1
    np.testing.assert_allclose(reduction.apply(np.ones((4, 3))), 0, atol=1e-12)


def test_wrong_requests() -> None:
    with pytest.raises(
        UsageError, match="cannot take 4 components of 10 vectors with 3 dimensions; at most 3"
    ):
        pca(np.zeros((10, 3)), 4)
    with pytest.raises(UsageError, match="at most 2"):
        pca(np.zeros((2, 3)), 3)
    with pytest.raises(UsageError, match="finite matrix"):
        pca(np.array([[np.nan, 1.0]]), 1)
    with pytest.raises(UsageError, match="finite matrix"):
        pca(np.zeros(4), 1)
