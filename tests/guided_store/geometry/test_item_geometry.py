"""Neighbourhoods and shapes: what rotation keeps, what chance gives, and planted changes by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
from embeddings_by_hand import build_embedding
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_by_hand import build_cases
from scipy import stats

from guided_store.errors import UsageError
from guided_store.geometry import (
    compare_geometry,
    effective_dimension,
    linear_cka,
    mean_cosine,
    nearest,
)
from guided_store.geometry._shape import spearman


def cloud(n: int = 300, d: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def rotation(d: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def test_nearest_is_the_order_of_cosines() -> None:
    x = cloud(60)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosine = unit.astype(np.float64) @ unit.T.astype(np.float64)
    np.fill_diagonal(cosine, -2)
    assert (nearest(x, 7) == np.argsort(-cosine, axis=1, kind="stable")[:, :7]).all()


def test_neighbours_of_equal_vectors_come_by_row() -> None:
    assert nearest(np.ones((5, 2), np.float32), 3).tolist() == [
        [1, 2, 3],
        [0, 2, 3],
        [0, 1, 3],
        [0, 1, 2],
        [0, 1, 2],
    ]


@pytest.mark.parametrize(("k", "rows", "words"), [(0, 4, "not 0"), (4, 4, "1 to 3"), (1, 0, "1 to -1")])
def test_neighbours_that_there_are_not(k: int, rows: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        nearest(cloud(rows), k)


def test_a_vector_without_direction_has_no_neighbours() -> None:
    with pytest.raises(UsageError, match="1 of 4 vectors have length 0"):
        nearest(np.array([[1, 0], [0, 1], [0, 0], [1, 1]], np.float32), 1)


def test_identical_versions_agree_in_everything() -> None:
    found = compare_geometry(build_embedding(cloud()), build_embedding(cloud(), "refined/b"))
    assert [row.overlap for row in found.neighbours] == [1, 1]
    assert [row.jaccard for row in found.neighbours] == [1, 1]
    assert [row.interval for row in found.neighbours] == [(1, 1), (1, 1)]
    assert found.cka == pytest.approx(1)
    assert found.changed == ()
    assert (found.reference, found.label) == ("base/a", "refined/b")


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 2**32 - 1), st.floats(0.1, 10))
def test_rotation_and_scale_keep_neighbours_and_shape(d: int, seed: int, scale: float) -> None:
    x = cloud(80, d, seed)
    turned = x.astype(np.float64) @ rotation(d, seed) * scale
    found = compare_geometry(build_embedding(x), build_embedding(turned), ks=(5,), replicates=10)
    # Nearly equal cosines may change places by rounding, nothing else.
    assert found.neighbours[0].overlap > 0.995
    assert found.cka == pytest.approx(1, abs=1e-5)
    assert found.shapes[1].effective == pytest.approx(found.shapes[0].effective, rel=1e-4)
    assert found.shapes[1].mean_cosine == pytest.approx(found.shapes[0].mean_cosine, abs=1e-5)


def test_vectors_dealt_out_anew_agree_as_chance_has_it() -> None:
    x = cloud(600)
    dealt = x[np.random.default_rng(1).permutation(600)]
    found = compare_geometry(build_embedding(x), build_embedding(dealt))
    for row in found.neighbours:
        assert row.chance == pytest.approx(row.k / 599)
        assert row.interval is not None
        assert row.interval[0] - 0.005 < row.chance < row.interval[1] + 0.005
    assert found.cka is not None
    assert found.cka < 0.05


def test_items_are_matched_by_id_across_orders_and_widths() -> None:
    x = cloud(50)
    order = np.random.default_rng(2).permutation(50)
    wide = np.concatenate([x, np.zeros((50, 3))], axis=1)[order]
    ids = [f"i{row}" for row in order.tolist()] + ["only here"]
    other = build_embedding(np.concatenate([wide, np.ones((1, 11))]), "base/b", ids)
    found = compare_geometry(build_embedding(x), other, ks=(10,))
    assert (found.common, found.items) == (50, 50)
    assert found.neighbours[0].overlap == 1
    assert found.shapes[1].dim == 11


def test_planted_changes_are_named_with_their_neighbours() -> None:
    # Two tight groups; item 0 moves from the first to the second.
    x = np.concatenate([[[1, 0.0]] * 10, [[0.0, 1]] * 10]) + 0.01 * cloud(20, 2)
    moved = x.copy()
    moved[0] = x[15] + 0.001
    titles = {f"i{row}": f"Item {row}" for row in range(20)} | {"i3": ""}
    found = compare_geometry(build_embedding(x), build_embedding(moved), ks=(4,), titles=titles)
    first = found.changed[0]
    assert (first.item.item_id, first.item.title, first.overlap) == ("i0", "Item 0", 0)
    assert {item.item_id for item in first.before} <= {f"i{row}" for row in range(10)}
    assert {item.item_id for item in first.after} <= {f"i{row}" for row in range(10, 20)}
    assert all(item.title for row in found.changed for item in row.before)
    assert [row.rbo for row in found.changed] == sorted(row.rbo for row in found.changed)


def test_seeds_of_one_recipe_are_the_yardstick() -> None:
    x = cloud(300)
    near = [x + 0.3 * cloud(300, seed=seed) for seed in (1, 2, 3, 4)]
    a = [build_embedding(near[0], "base/a"), build_embedding(near[1], "base/b")]
    b = [build_embedding(near[2], "base/c"), build_embedding(near[3], "base/d")]
    same = compare_geometry(a, b, ks=(10,))
    assert same.reference == "base/a+base/b"
    row = same.neighbours[0]
    assert row.seeds is not None
    assert row.beyond is not None
    assert row.beyond_interval is not None
    assert row.beyond == pytest.approx(row.overlap - row.seeds)
    assert row.beyond_interval[0] < 0.01
    assert row.beyond_interval[1] > -0.01
    other = build_embedding(cloud(300, seed=9), "refined/z")
    row = compare_geometry(a, other, ks=(10,)).neighbours[0]
    assert row.beyond_interval is not None
    assert row.beyond_interval[1] < -0.1
    assert compare_geometry(a[0], other, ks=(10,)).neighbours[0].seeds is None


def test_few_events_and_no_direction_leave_items_out() -> None:
    # i0 is in every history; each other item in one. The last two events of a user are held out.
    cases = build_cases([[0, item, 0, 1] for item in range(2, 30)], 31)
    x = cloud(31)
    x[5] = 0
    found = compare_geometry(
        build_embedding(x), build_embedding(x), cases=cases, least_events=1, ks=(5, 28, 200)
    )
    assert (found.common, found.items) == (31, 28)  # without i1 and i30 (no event), i5 (no direction)
    assert found.notes[0] == "1 item left out: a vector of length 0 has no neighbours"
    assert found.notes[1] == "neighbours at 28, 200 are not compared: there are only 28 items"
    assert [row.k for row in found.neighbours] == [5]
    assert found.shapes[0].norm_popularity is not None


def test_a_tiny_catalogue_is_compared_at_what_it_has() -> None:
    found = compare_geometry(build_embedding(cloud(4)), build_embedding(cloud(4, seed=1)))
    assert [row.k for row in found.neighbours] == [2]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"least_events": 5}, "give the cases"),
        ({"ks": ()}, "at 1 or more"),
        ({"ks": (0,)}, "at 1 or more"),
        ({"changed": -1}, "0 or more items"),
    ],
)
def test_what_cannot_be_asked(asked: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        compare_geometry(build_embedding(cloud()), build_embedding(cloud()), **asked)  # type: ignore[arg-type]


def test_versions_without_common_items_are_refused() -> None:
    with pytest.raises(UsageError, match="base/a and base/b have 0 items in common"):
        compare_geometry(build_embedding(cloud(3)), build_embedding(cloud(3), "base/b", ["x", "y", "z"]))
    with pytest.raises(UsageError, match="at least one"):
        compare_geometry([], build_embedding(cloud()))


def test_the_same_request_gives_the_same_json() -> None:
    pair = build_embedding(cloud()), build_embedding(cloud(seed=1))
    one, other = (json.dumps(compare_geometry(*pair).to_dict()) for _ in range(2))
    assert one == other
    assert json.loads(one)["neighbours"][0]["k"] == 10


def test_cka_by_hand_and_without_variance() -> None:
    # Centred columns (1, -1) and (1, -1): the same line whatever the sign and scale.
    assert linear_cka(np.array([[1.0], [-1.0]]), np.array([[-3.0, 0], [3.0, 0]])) == pytest.approx(1)
    # x = (1, 0, -1), y = (1, -2, 1): orthogonal.
    assert linear_cka(np.array([[1.0], [0], [-1]]), np.array([[1.0], [-2], [1]])) == pytest.approx(0)
    assert np.isnan(linear_cka(np.full((3, 2), 0.1), cloud(3, 2)))
    with pytest.raises(UsageError, match="3 and 4 vectors"):
        linear_cka(cloud(3), cloud(4))


def test_cka_of_unrelated_clouds_is_about_what_the_docstring_says() -> None:
    found = [linear_cka(cloud(400, 16, seed), cloud(400, 4, seed + 50)) for seed in range(10)]
    assert np.mean(found) == pytest.approx(np.sqrt(16 * 4) / 400, rel=0.15)


def test_effective_dimension_counts_directions() -> None:
    corners = np.array([[x, y, 0.0] for x in (-1, 1) for y in (-1, 1)])
    assert effective_dimension(corners) == pytest.approx(2)
    assert effective_dimension(corners * [1, 0, 0] + 7) == pytest.approx(1)
    # Variances 4 and 1: (4 + 1)^2 / (16 + 1)
    assert effective_dimension(corners * [2, 1, 0]) == pytest.approx(25 / 17)
    assert np.isnan(effective_dimension(np.full((4, 2), 0.1)))


def test_mean_cosine_is_that_over_all_pairs() -> None:
    x = cloud(30).astype(np.float64)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    pairs = (unit @ unit.T)[np.triu_indices(30, 1)]
    assert mean_cosine(x) == pytest.approx(pairs.mean())
    assert mean_cosine(np.concatenate([x, np.zeros((2, 8))])) == pytest.approx(pairs.mean())
    assert mean_cosine(np.full((3, 2), 2.0)) == pytest.approx(1)
    assert np.isnan(mean_cosine(np.zeros((3, 2))))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=30))
def test_spearman_agrees_with_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = zip(*pairs, strict=True)
    found = spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(x, y).statistic)
