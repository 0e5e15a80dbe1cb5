"""Drift of attribute scores: planted shifts found, chance not, figures by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from guided_store.errors import UsageError
from guided_store.geometry import drift
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref

NAN = float("nan")


def table(raw: object, names: tuple[str, ...] = ("humor", "pace"), name: str = "a") -> AttributeTable:
    return AttributeTable(parse_ref(f"guided/{name}"), names, np.asarray(raw, np.float32))


def test_figures_by_hand() -> None:
    a = table([[0, 5], [2, 5], [4, 5], [6, NAN]])
    b = table([[2, 5], [2, 6], [5, 4], [6, 3]], name="b")
    found = drift(a, b, item_ids=["w", "x", "y", "z"], titles={"w": "W"}, replicates=200)
    humor, pace = found.attributes
    assert (humor.attribute, humor.items, humor.before, humor.after) == ("humor", 4, 3, 3.75)
    assert (humor.shift, humor.difference, humor.moved) == (0.75, 0.75, 0.25)
    # Sorted 0 2 4 6 and 2 2 5 6 lie 2, 0, 1, 0 apart.
    assert humor.distance == 0.75
    assert humor.pearson == pytest.approx(np.corrcoef([0, 2, 4, 6], [2, 2, 5, 6])[0, 1])
    assert (pace.items, pace.before, pace.after, pace.shift) == (3, 5, 5, 0)
    assert (pace.pearson, pace.spearman) == (None, None)  # one side says 5 of everything
    assert pace.distance == pytest.approx(2 / 3)
    assert found.difference == pytest.approx((0.75 + 2 / 3) / 2)
    assert found.pearson == humor.pearson
    assert [(item.item.title, item.difference) for item in found.changed] == [("W", 1), ("y", 1), ("x", 0.5)]
    first = found.changed[0]
    assert (first.attribute, first.before, first.after) == ("humor", 0, 2)


def test_a_shift_is_found_and_noise_about_zero_is_not() -> None:
    random = np.random.default_rng(0)
    raw = random.uniform(2, 8, (400, 3))
    noise = random.normal(0, 0.5, raw.shape)
    other = raw + noise - noise.mean(axis=0)
    other[:, 1] += 1
    names = ("steady", "lifted", "also")
    found = {row.attribute: row for row in drift(table(raw, names), table(other, names)).attributes}
    lifted, steady = found["lifted"].interval, found["steady"].interval
    assert lifted is not None
    assert steady is not None
    assert 0.85 < lifted[0] < 1 < lifted[1] < 1.15
    assert steady[0] < 0 < steady[1]
    # A shift leaves the correlation and lowers absolute agreement.
    assert found["lifted"].pearson == pytest.approx(found["steady"].pearson, abs=0.03)
    assert (found["lifted"].icc or 0) < (found["steady"].icc or 0) - 0.05
    assert next(iter(found)) == "lifted"


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=40))
def test_distance_agrees_with_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = (np.array(side, float) for side in zip(*pairs, strict=True))
    (row,) = drift(table(x[:, None], ("a",)), table(y[:, None], ("a",)), replicates=2).attributes
    assert row.distance == pytest.approx(stats.wasserstein_distance(x, y))


def test_two_points_are_two_points_in_float32() -> None:
    (row,) = drift(table([[6.1], [0]], ("a",)), table([[8.1], [1.9]], ("a",)), replicates=2).attributes
    assert row.moved == 0.5


def test_the_same_scores_have_not_drifted() -> None:
    raw = np.random.default_rng(0).uniform(0, 10, (30, 2))
    found = drift(table(raw), table(raw), item_ids=[f"i{row}" for row in range(30)])
    assert (found.difference, found.moved, found.pearson) == (0, 0, pytest.approx(1))
    assert found.changed == ()


def test_attributes_are_matched_by_name_and_the_others_told() -> None:
    found = drift(table([[1, 2]]), table([[3, 4]], ("pace", "war"), "b"), replicates=2)
    (row,) = found.attributes
    assert (row.attribute, row.before, row.after) == ("pace", 2, 3)
    assert found.notes == ("only guided/a has humor", "only guided/b has war")


def test_an_attribute_that_one_side_never_scored_has_no_figures() -> None:
    found = drift(table([[1, NAN], [2, NAN]]), table([[1, 4], [2, 5]]), replicates=2)
    pace = found.attributes[-1]
    assert (pace.items, pace.shift, pace.distance) == (0, None, None)
    assert json.loads(json.dumps(found.to_dict()))["attributes"][-1]["pearson"] is None


@pytest.mark.parametrize(
    ("a", "b", "asked", "words"),
    [
        (table([[1, 2]]), table([[1, 2], [3, 4]]), {}, "the same items"),
        (table([[1, 2]]), table([[1, 2]]), {"item_ids": ["x", "y"]}, "the same items"),
        (table([[1, 2]]), table([[1, 2]], ("x", "y")), {}, "no attribute in common"),
        (table([[1, 2]]), table([[NAN, NAN]]), {}, "no item in common"),
        (table([[1, 2]]), table([[1, 2]]), {"points": 0}, "more than 0 points"),
    ],
)
def test_what_cannot_be_compared(
    a: AttributeTable, b: AttributeTable, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        drift(a, b, **asked)  # type: ignore[arg-type]
