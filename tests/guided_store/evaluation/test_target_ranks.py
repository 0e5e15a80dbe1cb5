"""Target ranks and lists against a plain sort, with ties, masking, and scorers that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split, Targets
from guided_store.errors import EncoderError, UsageError
from guided_store.evaluation import EncodedScorer, Rows, repeated_targets, target_ranks, top_k


class Fixed:
    """Gives the same prepared scores, one row per case."""

    name = "fixed"

    def __init__(self, scores: NDArray[np.float32]) -> None:
        self.scores = scores

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        return self.scores[rows]


HISTORIES = [[0, 1, 2, 3], [4, 3, 2], [5, 5, 5, 1], [1, 2, 1], [0, 1]]


@settings(max_examples=60, deadline=None)
@given(
    # Few distinct values, so that ties are everywhere.
    scores=hnp.arrays(np.float32, (4, 6), elements=st.sampled_from([-np.inf, -1, 0, 0.5, 2])),
    repeats=st.sampled_from(["exclude", "allow"]),
    batch=st.integers(1, 5),
)
def test_ranks_and_lists_equal_a_plain_sort(
    make_split: Callable[..., Split], scores: NDArray[np.float32], repeats: str, batch: int
) -> None:
    split = make_split(HISTORIES, 6)
    ranks = target_ranks(Fixed(scores), split, repeats=repeats, batch_size=batch)  # type: ignore[arg-type]
    items, values = top_k(Fixed(scores), split, k=4, repeats=repeats, batch_size=batch)  # type: ignore[arg-type]
    for case in range(4):
        seen = set(split.test.history(split.sequences, case).tolist()) if repeats == "exclude" else set()
        allowed = [i for i in range(6) if i not in seen and not np.isneginf(scores[case, i])]
        order = sorted(allowed, key=lambda i: (-scores[case, i], i))
        target = HISTORIES[case][-1]
        assert ranks[case] == (order.index(target) + 1 if target in order else np.inf)
        assert items[case].tolist() == (order + [-1] * 4)[:4]
        kept = [scores[case, i] for i in order[:4]]
        assert values[case].tolist() == kept + [-np.inf] * (4 - len(kept))


def test_a_constant_scorer_gains_nothing_from_ties(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 9], [0, 1, 5], [3, 4, 2]], 10)
    ranks = target_ranks(Fixed(np.zeros((3, 10), np.float32)), split)
    assert ranks.tolist() == [8, 4, 3]


def test_targets_in_the_history(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 0], [0, 1, 2]], 3)
    assert repeated_targets(split).tolist() == [True, False]
    scores = np.array([[3, 2, 1], [3, 2, 1]], np.float32)
    assert target_ranks(Fixed(scores), split).tolist() == [np.inf, 1]
    assert target_ranks(Fixed(scores), split, repeats="allow").tolist() == [1, 3]


def test_scores_of_the_scorer_are_left_alone(make_split: Callable[..., Split]) -> None:
    scores = np.ones((1, 3), np.float32)
    target_ranks(Fixed(scores), make_split([[0, 1, 2]], 3))
    assert (scores == 1).all()


def test_a_future_event_may_not_change_a_mask(make_split: Callable[..., Split]) -> None:
    """Validation masks the events before its own target only: the test item stays in the ranking."""
    split = make_split([[0, 1, 2, 3]], 4)
    ranks = target_ranks(Fixed(np.array([[0, 0, 1, 2]], np.float32)), split, "validation")
    assert ranks.tolist() == [2]


def test_misbehaving_scorers_are_named(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2], [0, 1, 2]], 3)
    scores = np.zeros((2, 3), np.float32)
    scores[1, 0] = np.nan
    with pytest.raises(EncoderError, match="fixed gave a score that is not a number for user 'u1'"):
        target_ranks(Fixed(scores), split, batch_size=1)
    with pytest.raises(EncoderError, match=r"shape \(2, 4\)"):
        target_ranks(Fixed(np.zeros((2, 4), np.float32)), split)


def test_wrong_requests(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2]], 3)
    scorer = Fixed(np.zeros((1, 3), np.float32))
    with pytest.raises(UsageError, match="unknown part 'train'"):
        target_ranks(scorer, split, "train")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'exclude' or 'allow'"):
        target_ranks(scorer, split, repeats="no")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 item or more"):
        top_k(scorer, split, k=0)
    with pytest.raises(UsageError, match="no test cases"):
        target_ranks(scorer, make_split([[0, 1]], 3))


class Recording:
    """Notes the sizes of the batches it is asked for."""

    name = "recording"

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def score(self, sequences: Sequences, targets: Targets, rows: Rows) -> NDArray[np.float32]:
        self.sizes.append(len(targets.users[rows]))
        return np.broadcast_to(np.float32(0), (self.sizes[-1], sequences.n_items))


def test_batches_stay_within_memory(make_split: Callable[..., Split]) -> None:
    """64 MB of float32 scores at most: 8 cases of 2,000,000 items, whatever batch is asked for."""
    wide = make_split([[0, 1, 2]] * 10, 2_000_000)
    for asked in (None, 500):
        scorer = Recording()
        target_ranks(scorer, wide, batch_size=asked)
        assert scorer.sizes == [8, 2]
    scorer = Recording()
    target_ranks(scorer, make_split([[0, 1, 2]] * 1500, 3))
    assert scorer.sizes == [1024, 476]
    scorer = Recording()
    target_ranks(scorer, make_split([[0, 1, 2]] * 7, 3), batch_size=3)
    assert scorer.sizes == [3, 3, 1]
    with pytest.raises(UsageError, match="1 case or more, not 0"):
        target_ranks(scorer, wide, batch_size=0)


class Mean:
    """Encodes a history as the mean of its items' vectors."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors

    def encode(self, histories: list[NDArray[np.int32]]) -> NDArray[np.float32]:
        assert all(len(history) for history in histories)
        return np.stack([self.vectors[history].mean(axis=0) for history in histories])


def test_encoded_scorer_maps_ids_and_skips_what_it_does_not_know(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2], [3, 3, 0]], 4)
    vectors = np.array([[1, 0], [0, 1], [2, 2]], np.float32)
    bias = np.array([0.5, 0, 0], np.float32)
    # Rows in another order than the vocabulary, and no item i3.
    scorer = EncodedScorer("mine", Mean(vectors), ["i2", "i0", "i1"], vectors, bias)
    scores = scorer.score(split.sequences, split.test, slice(0, 2))
    query = (vectors[1] + vectors[2]) / 2
    np.testing.assert_allclose(
        scores[0, :3], [query @ vectors[1], query @ vectors[2], query @ vectors[0] + 0.5]
    )
    assert np.isneginf(scores[0, 3])
    assert np.isneginf(scores[1]).all()
    assert target_ranks(scorer, split).tolist() == [1, np.inf]
    np.testing.assert_array_equal(scorer.score(split.sequences, split.test, np.array([1, 0])), scores[::-1])


def test_encoded_scorer_passes_each_users_prior(make_split: Callable[..., Split]) -> None:
    split = make_split([[0, 1, 2], [3, 3, 0], [2, 1, 0]], 4)
    vectors = np.eye(3, dtype=np.float32)

    class Known:
        def rows(self, user_ids: Iterable[str], /) -> NDArray[np.float32]:
            numbers = [split.sequences.user_ids.index(user) for user in user_ids]
            return np.array(numbers, np.float32)[:, None] * 100

    class Moved(Mean):
        def encode(
            self, histories: list[NDArray[np.int32]], priors: NDArray[np.float32] | None = None, /
        ) -> NDArray[np.float32]:
            assert priors is not None
            return super().encode(histories) + priors

    ids = ["i0", "i1", "i2"]
    plain = EncodedScorer("plain", Mean(vectors), ids, vectors)
    moved = EncodedScorer("moved", Moved(vectors), ids, vectors, priors=Known())
    for rows in (slice(0, 3), np.array([2, 0])):  # the history of the second case holds nothing known
        wanted = plain.score(split.sequences, split.test, rows)
        wanted[:, :3] += 100 * split.test.users[rows][:, None]
        np.testing.assert_array_equal(moved.score(split.sequences, split.test, rows), wanted)


def test_encoded_scorer_checks_its_parts() -> None:
    vectors = np.zeros((3, 2), np.float32)
    with pytest.raises(EncoderError, match="2 item ids, 3 vectors do not belong together"):
        EncodedScorer("mine", Mean(vectors), ["a", "b"], vectors)
