"""The cloze task: which places are hidden, what is shown, what is to be found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.catalogue import Sequences
from guided_store.encoders._batches import Batch, cloze_batches, epoch_batches

LENGTHS = st.lists(st.integers(0, 25), min_size=1, max_size=12).filter(lambda found: max(found) >= 2)


def numbered(lengths: list[int]) -> Sequences:
    """Every event is its own item, counted from 1, so that a batch tells where it comes from."""
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    total = int(indptr[-1])
    return Sequences(
        tuple(f"u{n}" for n in range(len(lengths))),
        tuple(f"i{n}" for n in range(total + 1)),
        indptr,
        np.arange(1, total + 1, dtype=np.int32),
    )


def epoch(
    lengths: list[int], masking: float, mask_last: float, *, limit: int = 9, kind: str = "all", seed: int = 0
) -> list[Batch]:
    rng = np.random.default_rng(seed)
    return list(cloze_batches(numbered(lengths), limit, 4, kind, rng, masking=masking, mask_last=mask_last))


@given(
    lengths=LENGTHS,
    limit=st.integers(1, 9),
    masking=st.floats(0, 1),
    mask_last=st.floats(0, 1),
    kind=st.sampled_from(["last", "all"]),
    seed=st.integers(0, 99),
)
def test_what_is_hidden_is_asked_for_and_not_shown(
    lengths: list[int], limit: int, masking: float, mask_last: float, kind: str, seed: int
) -> None:
    found = epoch(lengths, masking, mask_last, limit=limit, kind=kind, seed=seed)
    plain = list(epoch_batches(numbered(lengths), limit, 4, kind, np.random.default_rng(seed)))
    firsts = set()
    for batch in found:
        width = batch.inputs.shape[1]
        assert width == batch.lengths.max() <= limit + 1
        assert (np.diff(batch.valid) > 0).all()
        rows, columns = np.divmod(batch.valid, width)
        assert (columns < batch.lengths[rows]).all()
        np.testing.assert_array_equal(np.unique(rows), np.arange(len(batch.lengths)))  # at least one in each
        assert (batch.inputs.reshape(-1)[batch.valid] == 0).all()
        whole = batch.inputs.copy().reshape(-1)
        whole[batch.valid] = batch.targets
        whole = whole.reshape(-1, width)
        for row, length in zip(whole, batch.lengths, strict=True):
            # a run of events of one user, without gaps
            np.testing.assert_array_equal(row[:length], row[0] + np.arange(length))
            assert (row[length:] == 0).all()
            firsts.add((int(row[0]), int(length) - 1))
    expected = {(int(row[0]), int(n)) for b in plain for row, n in zip(b.inputs, b.lengths, strict=True)}
    if kind == "last":  # no random phase: the windows are those of the next-event objective and their target
        assert firsts == expected


def test_shares() -> None:
    lengths = [20] * 2_000
    hidden = np.concatenate(
        [b.lengths * 0 + np.bincount(b.valid // 20) for b in epoch(lengths, 0.2, 0.0, limit=19)]
    )
    assert hidden.min() >= 1
    assert hidden.mean() == pytest.approx(0.2 * 20, rel=0.05)
    last = epoch(lengths, 0.2, 0.3, limit=19)
    only = sum(int((np.bincount(b.valid // 20)[b.valid // 20][b.valid % 20 == 19] == 1).sum()) for b in last)
    # a share of 0.3, and those that chance hides there alone: 0.7 * (0.2 * 0.8^19 + 0.8^20 / 20)
    assert only / 2_000 == pytest.approx(0.3 + 0.7 * (0.2 * 0.8**19 + 0.8**20 / 20), abs=0.03)


def test_extremes() -> None:
    for batch in epoch([7, 12, 4], 1.0, 0.0):
        assert len(batch.valid) == batch.lengths.sum()
    for batch in epoch([7, 12, 4], 0.0, 0.0):
        assert len(batch.valid) == len(batch.lengths)
    for batch in epoch([7, 12, 4], 1.0, 1.0):
        width = batch.inputs.shape[1]
        np.testing.assert_array_equal(batch.valid, np.arange(len(batch.lengths)) * width + batch.lengths - 1)


def test_no_place_is_favoured_where_only_the_least_is_hidden() -> None:
    places = np.concatenate([b.valid % 10 for b in epoch([10] * 4_000, 0.0, 0.0, limit=9)])
    counts = np.bincount(places, minlength=10)
    assert np.abs(counts - 400).max() < 100  # five standard deviations


def test_masks_change_from_epoch_to_epoch_and_repeat_with_the_generator() -> None:
    first, again, other = (
        [b.valid.tolist() for b in epoch([9] * 30, 0.3, 0.2, seed=seed)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
