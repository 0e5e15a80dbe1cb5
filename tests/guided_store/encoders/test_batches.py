"""Windows and batches: each next item is predicted once, nothing else is."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from guided_store.catalogue import Sequences
from guided_store.encoders._batches import cloze_batches, count_batches, cut_windows, epoch_batches

LENGTHS = st.lists(st.integers(0, 25), min_size=1, max_size=12).filter(lambda found: max(found) >= 2)


def numbered(lengths: list[int]) -> Sequences:
    """Every event is its own item, so that a batch tells where it comes from."""
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    total = int(indptr[-1])
    return Sequences(
        tuple(f"u{n}" for n in range(len(lengths))),
        tuple(f"i{n}" for n in range(total)),
        indptr,
        np.arange(total, dtype=np.int32),
    )


@given(lengths=LENGTHS, limit=st.integers(1, 9), size=st.integers(1, 5), seed=st.integers(0, 99))
def test_all_windows_predict_every_event_but_the_first_once(
    lengths: list[int], limit: int, size: int, seed: int
) -> None:
    sequences = numbered(lengths)
    targets = []
    for batch in epoch_batches(sequences, limit, size, "all", np.random.default_rng(seed)):
        assert batch.inputs.shape[1] <= limit
        read = batch.inputs.reshape(-1)[batch.valid]
        np.testing.assert_array_equal(batch.targets, read + 1)  # the next event of the same user
        targets.append(batch.targets)
    firsts = sequences.indptr[:-1][np.array(lengths) > 0]
    expected = np.setdiff1d(np.arange(sequences.n_events), firsts)
    np.testing.assert_array_equal(np.sort(np.concatenate(targets)), expected)


@given(lengths=LENGTHS, limit=st.integers(1, 9), seed=st.integers(0, 99))
def test_last_windows_end_with_the_newest_event(lengths: list[int], limit: int, seed: int) -> None:
    sequences = numbered(lengths)
    starts, sizes = cut_windows(sequences, limit, "last", np.random.default_rng(seed))
    usable = np.array(lengths) > 1
    np.testing.assert_array_equal(sizes, np.minimum(np.array(lengths)[usable] - 1, limit))
    np.testing.assert_array_equal(starts + sizes + 1, sequences.indptr[1:][usable])


@given(
    lengths=LENGTHS, limit=st.integers(1, 9), seed=st.integers(0, 99), kind=st.sampled_from(("last", "all"))
)
def test_a_sequence_is_that_of_its_user(lengths: list[int], limit: int, seed: int, kind: str) -> None:
    sequences = numbered(lengths)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    given_seed = np.random.default_rng(seed)
    for batch in epoch_batches(sequences, limit, 2, kind, given_seed):
        row = batch.valid // batch.inputs.shape[1]
        np.testing.assert_array_equal(owner[batch.targets], batch.users[row])
        assert len(batch.users) == len(batch.lengths)
    for batch in cloze_batches(sequences, limit, 2, kind, given_seed, masking=0.3, mask_last=0.2):
        row = batch.valid // batch.inputs.shape[1]
        np.testing.assert_array_equal(owner[batch.targets], batch.users[row])
        assert set(row) == set(range(len(batch.users)))  # each has something hidden


def test_windows_within_a_batch_are_padded_on_the_right() -> None:
    sequences = numbered([3, 6, 6, 9])
    for batch in epoch_batches(sequences, 20, 2, "last", np.random.default_rng(1)):
        width = batch.inputs.shape[1]
        real = np.zeros(batch.inputs.size, bool)
        real[batch.valid] = True
        real = real.reshape(-1, width)
        assert (np.diff(real.astype(int), axis=1) <= 0).all()
        assert real.any(axis=0).all()


def test_batches_hold_about_the_same_number_of_events() -> None:
    rng = np.random.default_rng(0)
    sequences = numbered(list(rng.geometric(0.05, 400) + 1))
    sizes = [len(b.targets) for b in epoch_batches(sequences, 30, 16, "all", rng)]
    assert max(sizes) < 1.5 * np.median(sizes)
    assert abs(len(sizes) - count_batches(sequences, 30, 16, "all")) <= 2


def test_order_depends_on_the_generator_alone() -> None:
    sequences = numbered([5, 9, 14, 30])
    first, again, other = (
        [b.targets.tolist() for b in epoch_batches(sequences, 6, 2, "all", np.random.default_rng(seed))]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
