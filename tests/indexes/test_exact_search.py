"""Flat search against brute force in numpy: bias, exclusions, masks, ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexes import VectorIndex, VectorIndexError

if TYPE_CHECKING:
    from tests.indexes.conftest import World


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """Small whole-number vectors, so that every sum is exact and many scores are equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m, dim = draw(st.integers(1, 400)), draw(st.integers(0, 12)), draw(st.integers(1, 9))
    values = draw(st.integers(1, 3))

    def whole(*shape: int) -> NDArray[np.float32]:
        return rng.integers(-values, values + 1, size=shape).astype(np.float32)

    exclude: Any = None
    hidden = np.zeros((m, n), np.bool_)
    form = draw(st.sampled_from(["none", "one for all", "one for each"]))
    if form == "one for all":
        exclude = rng.integers(n, size=rng.integers(0, 2 * n))
        hidden[:, exclude] = True
    elif form == "one for each":
        exclude = [
            rng.integers(n, size=rng.integers(0, 2 * n)) if rng.random() < 0.8 else None for _ in range(m)
        ]
        for row, ids in enumerate(exclude):
            hidden[row, [] if ids is None else ids] = True
    allow = rng.random(n) < draw(st.sampled_from([0.0, 0.02, 0.5, 1.0])) if draw(st.booleans()) else None
    if allow is not None:
        hidden |= ~allow
    return {
        "vectors": whole(n, dim),
        "bias": whole(n) if draw(st.booleans()) else None,
        "queries": whole(m, dim),
        "k": draw(st.integers(1, 60)),
        "exclude": exclude,
        "allow": allow,
        "hidden": hidden,
    }


@given(case=cases())
@settings(max_examples=150, deadline=None)
def test_flat_equals_brute_force_in_scores_ids_ties_and_padding(
    case: dict[str, Any], brute_force: Callable[..., Any]
) -> None:
    index = VectorIndex.build(case["vectors"], case["bias"])
    scores, ids = index.search(case["queries"], case["k"], exclude=case["exclude"], allow=case["allow"])
    wanted = brute_force(case["vectors"], case["bias"], case["queries"], case["k"], case["hidden"])
    np.testing.assert_array_equal(ids, wanted[1])
    np.testing.assert_array_equal(scores, wanted[0])


@pytest.mark.parametrize("m", [1, 8, 9, 50])
@pytest.mark.parametrize("k", [1, 10, 300, 2600])
def test_flat_equals_brute_force_on_real_numbers(
    world: World, m: int, k: int, brute_force: Callable[..., Any]
) -> None:
    index = VectorIndex.build(world.vectors, world.bias)
    hidden = np.zeros((m, 2600), np.bool_)
    for row, ids in enumerate(world.histories[:m]):
        hidden[row, ids] = True
    scores, ids = index.search(world.queries[:m], k, exclude=world.histories[:m])
    wanted = brute_force(world.vectors, world.bias, world.queries[:m], k, hidden)
    np.testing.assert_array_equal(ids, wanted[1])
    np.testing.assert_array_equal(scores, wanted[0])


@pytest.mark.parametrize("m", [1, 20])
def test_of_equal_vectors_the_smallest_ids_win_wherever_they_are_stored(m: int) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((5003, 33)).astype(np.float32)
    copies = rng.choice(5003, size=700, replace=False)
    vectors[copies] = 3 * vectors[copies[0]]
    queries = np.tile(vectors[copies[0]], (m, 1))
    scores, ids = VectorIndex.build(vectors).search(queries, 100)
    np.testing.assert_array_equal(ids, np.tile(np.sort(copies)[:100], (m, 1)))
    assert np.unique(scores).size == 1


def test_answers_do_not_depend_on_the_batch(world: World) -> None:
    index = VectorIndex.build(world.vectors, world.bias)
    scores, ids = index.search(world.queries, 30)
    for row, query in enumerate(world.queries):
        one_scores, one_ids = index.search(query, 30)
        assert one_scores.shape == (1, 30)
        np.testing.assert_array_equal(one_ids[0], ids[row])
        np.testing.assert_array_equal(one_scores[0], scores[row])


def test_blocks_of_queries_join_without_a_seam(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    index = VectorIndex.build(world.vectors, world.bias)
    whole = index.search(world.queries, 20, exclude=world.histories)
    monkeypatch.setattr("indexes._exact._SCORES_AT_ONCE", 7 * 2600)
    monkeypatch.setattr("indexes._exact._RESCORED_AT_ONCE", 100)
    parts = index.search(world.queries, 20, exclude=world.histories)
    np.testing.assert_array_equal(whole[1], parts[1])
    np.testing.assert_array_equal(whole[0], parts[0])


def test_when_all_is_hidden_rows_are_padding(world: World) -> None:
    index = VectorIndex.build(world.vectors, world.bias)
    scores, ids = index.search(world.queries, 5, allow=np.zeros(2600, np.bool_))
    assert (ids == -1).all()
    assert np.isneginf(scores).all()


def test_scores_hold_at_the_ends_of_the_allowed_range() -> None:
    vectors = np.array([[9e17, 0.0], [0.0, 9e17], [1e-30, 1e-30]], np.float32)
    scores, ids = VectorIndex.build(vectors).search(np.array([9e17, 8e17], np.float32) / 2, 3)
    assert ids.tolist() == [[0, 1, 2]]
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"queries": np.zeros((2, 3), np.float32)}, "queries have 3 columns where 4 are expected"),
        ({"queries": np.zeros((2, 4))}, "queries must be float32, not float64"),
        ({"queries": [[0.0] * 4]}, "queries must be an array with two dimensions, not list"),
        ({"queries": np.zeros((1, 1, 4), np.float32)}, "two dimensions, not one of shape"),
        ({"queries": np.full((1, 4), np.nan, np.float32)}, "queries: row 0 is not finite"),
        ({"queries": np.full((1, 4), 1e19, np.float32)}, "queries: row 0 is too long"),
        ({"k": 0}, "k must be a whole number of at least 1, not 0"),
        ({"k": 2.5}, "k must be a whole number"),
        ({"k": True}, "k must be a whole number"),
        ({"exclude": np.array([0, 10])}, "exclude names id 10, but ids run from 0 to 9"),
        ({"exclude": np.array([-1])}, "exclude names id -1"),
        ({"exclude": np.array([1.5])}, "flat integer id arrays, not float64"),
        ({"exclude": [[1], [2], [3]]}, "exclude holds 3 id lists for 2 queries"),
        ({"exclude": [1, 2]}, "flat integer id arrays"),
        ({"exclude": {1}}, "exclude must be an id array or a list of them, not set"),
        ({"exclude": np.array(3)}, "exclude must be an id array"),
        ({"exclude": np.ones(10, np.bool_)}, "flat integer id arrays, not bool"),
        ({"allow": np.ones(9, np.bool_)}, "allow must be a bool array of 10 values"),
        ({"allow": np.ones(10)}, "allow must be a bool array"),
    ],
)
def test_wrong_requests_are_refused_in_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    index = VectorIndex.build(np.eye(10, 4, dtype=np.float32))
    request: dict[str, Any] = {"queries": np.zeros((2, 4), np.float32), "k": 3, **arguments}
    with pytest.raises(VectorIndexError, match=sentence):
        index.search(request.pop("queries"), request.pop("k"), **request)
