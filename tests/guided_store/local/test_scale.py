"""The frozen scale: monotone, within its ends, exact when read back; and the sample it is fitted on."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from guided_store.errors import StoreError, UsageError
from guided_store.ledger import ItemText
from guided_store.ledger._texts import text_hash
from guided_store.local import _scale
from guided_store.local._scale import MINIMUM_TEXTS, FrozenScale, sample_texts

RAWS = arrays(np.float64, (40, 3), elements=st.floats(-1, 1, width=32))


@given(RAWS, RAWS)
def test_monotone_and_within_the_ends(fitted: np.ndarray, later: np.ndarray) -> None:
    scale = FrozenScale.fit(fitted)
    scores = scale.apply(later, (1, 5))
    for column in range(3):
        if scale.blind[column]:
            assert np.isnan(scores[:, column]).all()
            continue
        ordered = scores[np.argsort(later[:, column], kind="stable"), column]
        assert (np.diff(ordered) >= 0).all()
        assert ordered[0] >= 1
        assert ordered[-1] <= 5


def test_the_ends_are_the_one_percent_quantiles() -> None:
    raw = np.linspace(0, 1, 1001)[:, None]
    scale = FrozenScale.fit(raw)
    np.testing.assert_allclose([scale.low[0], scale.high[0]], [0.01, 0.99])
    scores = scale.apply(raw, (0, 10))[:, 0]
    assert scores[10] == 0
    assert scores[990] == 10
    np.testing.assert_allclose(scores[500], 5, atol=1e-6)
    np.testing.assert_allclose(np.diff(scores[10:991]), 10 / 980, atol=1e-5)  # a straight line between
    assert scale.beyond(raw) == 20


def test_one_outlier_does_not_press_the_others_together() -> None:
    raw = np.append(np.linspace(0, 1, 400), 50.0)[:, None]
    scores = FrozenScale.fit(raw).apply(raw, (0, 10))[:, 0]
    assert scores[200] == pytest.approx(5, abs=0.2)


def test_what_a_model_does_not_tell_apart_has_no_score() -> None:
    raw = np.random.default_rng(0).normal(size=(50, 2))
    raw[:, 1] = 0.3 + 1e-8 * raw[:, 1]  # what rounding leaves
    scale = FrozenScale.fit(raw)
    assert scale.blind.tolist() == [False, True]
    scores = scale.apply(raw, (0, 10))
    assert np.isnan(scores[:, 1]).all()
    assert not np.isnan(scores[:, 0]).any()
    assert scale.beyond(raw + 10) == 50


def test_too_few_texts() -> None:
    with pytest.raises(
        UsageError, match=f"needs {MINIMUM_TEXTS} items with different texts, and there are 19"
    ):
        FrozenScale.fit(np.zeros((MINIMUM_TEXTS - 1, 2)))


@given(RAWS)
def test_read_back_exactly(raw: np.ndarray) -> None:
    scale = FrozenScale.fit(raw)
    back = FrozenScale.from_dict(json.loads(json.dumps(scale.to_dict())), 3, "r")
    assert (back.low == scale.low).all()
    assert (back.high == scale.high).all()
    assert back.texts == 40


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"low": [0], "high": [1]},
        {"low": [0, 0], "high": [1, 1], "texts": 9},
        {"low": [None], "high": [1], "texts": 9},
        {"low": "x", "high": [1], "texts": 9},
        {"low": [0], "high": [1], "texts": "many"},
    ],
)
def test_a_damaged_record(content: object) -> None:
    with pytest.raises(StoreError, match=r"run 'r' does not hold a scale for 1 attributes.*--again"):
        FrozenScale.from_dict(content, 1, "r")


def _texts(n: int) -> list[ItemText]:
    data = [{"title": f"film {row}"} for row in range(n)]
    return [ItemText(str(row), one, text_hash(one)) for row, one in enumerate(data)]


def test_the_sample_depends_on_the_texts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_scale, "SAMPLE", 30)
    texts = _texts(200)
    copies = [ItemText(f"copy {text.item_id}", text.data, text.hash) for text in texts]
    empty = [ItemText(f"empty {row}", {}, text_hash({})) for row in range(9)]
    sample = sample_texts(texts)
    assert [text.hash for text in sample] == sorted(text.hash for text in texts)[:30]
    mixed = texts + copies + empty
    for seed in range(5):
        random.Random(seed).shuffle(mixed)
        assert [text.hash for text in sample_texts(iter(mixed))] == [text.hash for text in sample]


def test_a_small_catalogue_is_taken_whole() -> None:
    assert len(sample_texts(_texts(25) + _texts(25))) == 25
