from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from guided_store.catalogue import Sequences, Targets, leave_one_out
from guided_store.coldstart import (
    AttributeScorer,
    ContentCosine,
    RandomScorer,
    ranks_among,
    text_features,
    warm_cases,
)
from guided_store.errors import EncoderError, UsageError
from guided_store.evaluation import Rows, target_ranks

ITEMS = 15


@pytest.fixture(scope="module")
def sequences() -> Sequences:
    rng = np.random.default_rng(5)
    lengths = rng.integers(3, 9, 40)
    return Sequences(
        tuple(f"u{number}" for number in range(40)),
        tuple(f"i{number}" for number in range(ITEMS)),
        np.append(0, np.cumsum(lengths)).astype(np.int64),
        rng.integers(0, ITEMS, lengths.sum()).astype(np.int32),
    )


class Fixed:
    """Scores with many ties, and -inf here and there."""

    name = "fixed"

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        users = targets.users[rows]
        scores = ((users[:, None] * 7 + np.arange(ITEMS) * 5) % 4).astype(np.float32)
        scores[scores == 3] = -np.inf
        return scores


def test_ranks_are_those_of_evaluation(sequences: Sequences) -> None:
    split = leave_one_out(sequences)
    cases = warm_cases(split, "test")
    everything = np.ones(ITEMS, np.bool_)
    some = np.arange(ITEMS) % 3 > 0
    ranks, fewer = ranks_among(Fixed(), cases, [everything, some])
    assert np.array_equal(ranks, target_ranks(Fixed(), split, "test"))
    assert np.isinf(ranks).any()
    assert np.isinf(fewer[~some[cases.targets]]).all()
    inside = some[cases.targets]
    assert (fewer[inside] <= ranks[inside]).all()
    assert (fewer[inside] < ranks[inside]).any()


def test_a_score_that_is_no_number_is_refused(sequences: Sequences) -> None:
    class Broken(Fixed):
        def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
            return np.full((len(targets.users[rows]), ITEMS), np.nan, np.float32)

    cases = warm_cases(leave_one_out(sequences), "test")
    with pytest.raises(EncoderError, match="not a number"):
        ranks_among(Broken(), cases, [np.ones(ITEMS, np.bool_)])


@pytest.mark.parametrize("last", [1, 3, None])
def test_cosine_is_that_to_the_mean_of_the_newest(sequences: Sequences, last: int | None) -> None:
    features = np.random.default_rng(0).standard_normal((ITEMS, 4)).astype(np.float32)
    features[3] = 0
    targets = leave_one_out(sequences).test
    rows = slice(3, 20)
    dense = ContentCosine("dense", features, last).score(sequences, targets, rows)
    thin = ContentCosine("sparse", sparse.csr_array(features), last).score(sequences, targets, rows)
    np.testing.assert_allclose(dense, thin, atol=1e-6)
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(norms == 0, 1, norms)
    for place, case in enumerate(range(3, 20)):
        history = targets.history(sequences, case)
        mean = unit[history[-last:] if last else history].mean(axis=0)
        np.testing.assert_allclose(dense[place], unit @ mean / np.linalg.norm(mean), atol=1e-5)
    assert (dense[:, 3] == 0).all()


def test_chance_is_even_and_does_not_depend_on_batches(sequences: Sequences) -> None:
    targets = leave_one_out(sequences).test
    whole = RandomScorer(1).score(sequences, targets, slice(0, 40))
    parts = [RandomScorer(1).score(sequences, targets, slice(at, at + 7)) for at in range(0, 40, 7)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(whole, RandomScorer(2).score(sequences, targets, slice(0, 40)))
    assert 0.45 < whole.mean() < 0.55
    assert np.abs(np.corrcoef(whole.T) - np.eye(ITEMS)).max() < 0.7  # items are not in step over cases


def test_an_attribute_alone_puts_missing_scores_at_the_mean(sequences: Sequences) -> None:
    values = np.array([1, 3, np.nan] + [0] * 12, np.float32)
    scores = AttributeScorer("fame", values).score(sequences, leave_one_out(sequences).test, slice(0, 2))
    assert scores.shape == (2, ITEMS)
    assert scores[0, 2] == pytest.approx(4 / 14)
    with pytest.raises(UsageError, match="no item has a score"):
        AttributeScorer("fame", np.full(3, np.nan, np.float32))


def test_alike_texts_are_near_and_the_empty_one_is_nowhere() -> None:
    lines = ["red steel pen", "blue steel pen", "a paper notebook, ruled", "paper notebook, plain"]
    texts = [*((line,) for line in lines), ()]
    words, reduced = text_features(texts, dim=2)
    assert words.dtype == reduced.dtype == np.float32
    near = (words @ words.T).toarray()
    assert near[0, 1] > 0.2 > near[0, 2]
    assert np.diag(near) == pytest.approx([1, 1, 1, 1, 0], abs=1e-6)
    assert reduced.shape == (5, 2)
    assert not reduced[4].any()
    assert np.array_equal(reduced, text_features(texts, dim=2)[1])
    assert reduced[0] @ reduced[1] > abs(reduced[0] @ reduced[2])
    assert text_features(texts)[1].shape == (5, 3)  # no more than four texts can differ in
    with pytest.raises(UsageError, match="there is no word that the texts hold"):
        text_features([(), ()])
    with pytest.raises(UsageError, match="here are too few"):
        text_features([("a pen",), ()])


def test_without_scikit_learn_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(UsageError, match=r"need scikit-learn: pip install .guided-store\[text\]"):
        text_features([("a pen",)])
