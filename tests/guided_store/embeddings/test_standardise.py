"""Per-attribute standard scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from guided_store.embeddings import standardise
from guided_store.errors import UsageError

scores = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.integers(1, 5)),
    elements=st.integers(0, 10).map(float) | st.just(float("nan")),
)


@given(scores)
def test_means_deviations_and_flags(raw: NDArray[np.float64]) -> None:
    result = standardise(raw)
    assert result.values.shape == raw.shape
    np.testing.assert_array_equal(result.imputed, np.isnan(raw))
    assert np.isfinite(result.values).all()
    assert (result.values[result.imputed] == 0).all()
    for column in range(raw.shape[1]):
        known = raw[~np.isnan(raw[:, column]), column]
        values = result.values[~result.imputed[:, column], column]
        if len(np.unique(known)) < 2:
            assert result.constant[column]
            assert result.deviation[column] == 0
            assert (values == 0).all()
        else:
            assert result.mean[column] == pytest.approx(known.mean())
            assert result.deviation[column] == pytest.approx(known.std())
            assert values.mean() == pytest.approx(0, abs=1e-9)
            assert values.std() == pytest.approx(1)


@given(scores)
def test_raw_scores_can_be_read_back(raw: NDArray[np.float64]) -> None:
    result = standardise(raw)
    restored = result.mean + result.deviation * result.values
    known = ~np.isnan(raw)
    np.testing.assert_allclose(restored[known], raw[known], atol=1e-9)


@given(scores, st.floats(0.1, 9), st.floats(-50, 50))
def test_units_and_order_of_rows_do_not_matter(raw: NDArray[np.float64], scale: float, shift: float) -> None:
    values = standardise(raw).values
    np.testing.assert_allclose(standardise(raw * scale + shift).values, values, atol=1e-6)
    np.testing.assert_allclose(standardise(raw[::-1]).values[::-1], values, atol=1e-9)


def test_a_constant_that_rounds_is_still_constant() -> None:
    result = standardise(np.full((7, 1), 0.1) * 3)
    assert result.constant.tolist() == [True]
    assert (result.values == 0).all()


def test_an_attribute_without_any_score_is_zero() -> None:
    result = standardise(np.array([[np.nan, 1.0], [np.nan, 3.0]]))
    assert result.mean.tolist() == [0, 2]
    assert result.deviation.tolist() == [0, 1]
    assert result.values.tolist() == [[0, -1], [0, 1]]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(UsageError, match=r"must be a matrix .* got shape \(3,\)"):
        standardise(np.zeros(3))
    with pytest.raises(UsageError, match="must be finite; use NaN"):
        standardise(np.array([[np.inf]]))
