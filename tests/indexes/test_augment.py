"""The bias column: the augmented inner product is the biased score, so its order is the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from indexes import VectorIndex, VectorIndexError, augment, augment_query

whole = st.integers(-50, 50).map(float)


@given(st.data())
def test_augmented_product_is_the_biased_score(data: st.DataObject) -> None:
    n, m, dim = (data.draw(st.integers(1, 8)) for _ in range(3))
    vectors = data.draw(hnp.arrays(np.float32, (n, dim), elements=whole))
    bias = data.draw(hnp.arrays(np.float32, (n,), elements=whole))
    queries = data.draw(hnp.arrays(np.float32, (m, dim), elements=whole))
    wide, asked = augment(vectors, bias), augment_query(queries)
    assert wide.shape == (n, dim + 1)
    assert wide.dtype == asked.dtype == np.float32
    np.testing.assert_array_equal(asked @ wide.T, queries @ vectors.T + bias)
    np.testing.assert_array_equal(augment_query(queries[0]), asked[0])
    np.testing.assert_array_equal(augment(vectors, None), augment(vectors, np.zeros(n, np.float32)))


def test_an_index_with_bias_is_the_index_of_augmented_vectors() -> None:
    rng = np.random.default_rng(0)
    vectors, queries = rng.standard_normal((2, 300, 7)).astype(np.float32)
    bias = rng.standard_normal(300).astype(np.float32)
    biased = VectorIndex.build(vectors, bias).search(queries, 20)
    plain = VectorIndex.build(augment(vectors, bias)).search(augment_query(queries), 20)
    np.testing.assert_array_equal(biased[0], plain[0])
    np.testing.assert_array_equal(biased[1], plain[1])


def test_wrong_bias_and_queries_are_refused() -> None:
    vectors = np.zeros((3, 2), np.float32)
    with pytest.raises(VectorIndexError, match="bias must be an array of 3 values"):
        augment(vectors, np.zeros(2, np.float32))
    with pytest.raises(VectorIndexError, match="bias must be float32"):
        augment(vectors, np.zeros(3))
    with pytest.raises(VectorIndexError, match="bias: row 1 is not finite"):
        augment(vectors, np.array([0, np.inf, 0], np.float32))
    with pytest.raises(VectorIndexError, match="queries must be"):
        augment_query(np.zeros((1, 1, 1), np.float32))
