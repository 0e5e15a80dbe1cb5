"""Measures of sparsity at their ends, and between them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.interpretation._sparsity import gini_index, hoyer_index, sparsity, terms_needed
from guided_store.interpretation._subject import Reading, Subject

MAGNITUDES = st.lists(st.floats(0.001, 1000), min_size=2, max_size=30)


@settings(deadline=None)
@given(st.integers(2, 40), st.floats(0.001, 1000))
def test_terms_that_are_alike_are_not_sparse(width: int, size: float) -> None:
    even = np.full((1, width), size)
    assert terms_needed(even, 0.8)[0] == math.ceil(0.8 * width - 1e-9)
    assert gini_index(even)[0] == pytest.approx(0, abs=1e-9)
    assert hoyer_index(even)[0] == pytest.approx(0, abs=1e-6)


@settings(deadline=None)
@given(st.integers(2, 40), st.floats(0.001, 1000))
def test_one_term_alone_is_all_there_is(width: int, size: float) -> None:
    single = np.zeros((1, width))
    single[0, 0] = size
    assert terms_needed(single, 0.9)[0] == 1
    assert gini_index(single)[0] == pytest.approx(1 - 1 / width)
    assert hoyer_index(single)[0] == pytest.approx(1)


@settings(deadline=None)
@given(MAGNITUDES, st.floats(0.01, 100))
def test_the_unit_plays_no_part(values: list[float], factor: float) -> None:
    size = np.sort(np.array([values]))[:, ::-1]
    for measure in (gini_index, hoyer_index):
        assert measure(size)[0] == pytest.approx(measure(factor * size)[0], abs=1e-6)
        assert -1e-9 <= measure(size)[0] <= 1


@settings(deadline=None)
@given(MAGNITUDES)
def test_gini_is_the_mean_difference_of_pairs(values: list[float]) -> None:
    size = np.sort(np.array(values))[::-1]
    pairs = np.abs(size[:, None] - size[None, :]).mean() / (2 * size.mean())
    assert gini_index(size[None])[0] == pytest.approx(pairs, abs=1e-6)


def test_explanations_of_one_attribute_are_counted_so(subject: Subject, reading: Reading) -> None:
    queries = reading.queries.copy()
    queries[:, : len(subject.attributes)] = 0
    queries[:, subject.attributes.index("humor")] = 5
    found = sparsity(subject, replace(reading, queries=queries))
    assert found is not None
    assert found.needed[0.9].value == 1
    assert found.distribution == {1: 1.0}
    assert found.shown.value == pytest.approx(1)
    # The best items for someone who wants humor alone are those with more of it than the average one.
    assert next(iter(found.named)) == "humor"
    assert found.named["humor"] > 0.9


def test_what_is_counted_adds_up(subject: Subject, reading: Reading) -> None:
    found = sparsity(subject, reading, k=5)
    assert found is not None
    assert (found.users, found.items, found.attributes) == (60, 300, 24)
    assert sum(found.distribution.values()) == pytest.approx(1)
    mean = sum(terms * share for terms, share in found.distribution.items())
    assert found.needed[0.8].value == pytest.approx(mean)
    assert found.needed[0.8].value <= found.needed[0.9].value
    assert sum(found.named.values()) == pytest.approx(1, abs=0.02)


def test_a_query_without_attributes_explains_nothing(subject: Subject, reading: Reading) -> None:
    assert sparsity(subject, replace(reading, queries=np.zeros_like(reading.queries))) is None
