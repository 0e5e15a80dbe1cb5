"""Training batches: whole sequences, cut into windows, grouped by length.

For the next-event objective sequences are shifted by one; for the cloze task they have hidden places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Sequences


@dataclass(frozen=True)
class Batch:
    """One step's sequences, padded on the right.

    Attributes:
        inputs: int64 (B, L), item codes; padding and hidden places are 0.
        lengths: int64 (B,), real events of each sequence, hidden ones included.
        valid: int64 (N,), flat positions in (B, L) whose queries are trained, ascending: all real events, or
            in the cloze task the hidden ones.
        targets: int64 (N,), what each of them is to score highest: the next event, or the hidden one.
        users: int64 (B,), whose sequence each one is, a user's number in the `Sequences`.
    """

    inputs: NDArray[np.int64]
    lengths: NDArray[np.int64]
    valid: NDArray[np.int64]
    targets: NDArray[np.int64]
    users: NDArray[np.int64]


def touched(
    batch: Batch, negatives: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], Batch, NDArray[np.int64] | None]:
    """The items that a step touches, and the step in terms of them.

    Returns:
        rows: int64 (R,), ascending, and batch and negatives with places in `rows` instead of codes.
    """
    real = np.arange(batch.inputs.shape[1]) < batch.lengths[:, None]  # what pads a row is not touched
    parts = [batch.inputs[real], batch.targets, *([] if negatives is None else [negatives])]
    rows, places = np.unique(np.concatenate(parts), return_inverse=True)
    read, targets, *drawn = np.split(places, np.cumsum([len(part) for part in parts])[:-1])
    inputs = np.zeros_like(batch.inputs)
    inputs[real] = read
    return rows, replace(batch, inputs=inputs, targets=targets), drawn[0] if drawn else None


def cut_windows(
    sequences: Sequences, max_length: int, kind: str, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where this epoch's windows lie: positions of their first input event, and their numbers of inputs.

    A window of n inputs starting at s reads `items[s:s+n]` and predicts `items[s+1:s+n+1]`. With
    `kind="last"` each user gives one window that ends with the newest event; with "all", each event but a
    user's first is predicted exactly once, the cuts of long histories falling at a random phase.

    Returns:
        starts, lengths: int64 (W,).
    """
    starts, counts = sequences.indptr[:-1], np.diff(sequences.indptr) - 1  # counts: inputs each user can give
    keep = counts > 0
    starts, counts = starts[keep], counts[keep]
    if kind == "last":
        lengths = np.minimum(counts, max_length)
        return starts + counts - lengths, lengths
    long = counts > max_length
    # a first short window of `phase` inputs moves all later cuts; phase 0 means none
    phase = np.where(long, rng.integers(0, max_length, len(counts)), 0)
    pieces = -(-(counts - phase) // max_length) + (phase > 0)
    owner = np.repeat(np.arange(len(counts)), pieces)
    order = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    shift = np.where(phase > 0, phase - max_length, 0)[owner]
    begin = np.maximum(order * max_length + shift, 0)
    end = np.minimum((order + 1) * max_length + shift, counts[owner])
    return starts[owner] + begin, end - begin


def epoch_batches(
    sequences: Sequences, max_length: int, batch_size: int, kind: str, rng: np.random.Generator
) -> Iterator[Batch]:
    """One epoch of the next-event objective, in random order."""
    items = sequences.items
    for start, length, users in _groups(sequences, max_length, batch_size, kind, rng):
        column = np.arange(int(length.max()))
        real = column < length[:, None]
        position = np.where(real, start[:, None] + column, start[:, None])
        inputs = np.where(real, items[position], 0).astype(np.int64)
        targets = items[(position + 1)[real]].astype(np.int64)
        yield Batch(inputs, length, np.flatnonzero(real), targets, users)


def cloze_batches(
    sequences: Sequences,
    max_length: int,
    batch_size: int,
    kind: str,
    rng: np.random.Generator,
    *,
    masking: float,
    mask_last: float,
) -> Iterator[Batch]:
    """One epoch of the cloze task, in random order.

    The windows are those of `epoch_batches` with their last target: up to `max_length` + 1 events. Every
    place is hidden with probability `masking`, at least one in each window; a share `mask_last` of the
    windows is hidden at the last place only, as when asked for a recommendation.
    """
    items = sequences.items
    for start, inputs, users in _groups(sequences, max_length, batch_size, kind, rng):
        length = inputs + 1
        column = np.arange(int(length.max()))
        real = column < length[:, None]
        position = np.where(real, start[:, None] + column, start[:, None])
        drawn = np.where(real, rng.random(real.shape), 2.0)
        lowest = drawn.argmin(axis=1)  # hidden in any case
        hidden = (drawn < masking) | (column == lowest[:, None])
        last_only = rng.random(len(length)) < mask_last
        hidden = np.where(last_only[:, None], column == inputs[:, None], hidden)
        shown = np.where(real & ~hidden, items[position], 0).astype(np.int64)
        targets = items[position[hidden]].astype(np.int64)
        yield Batch(shown, length, np.flatnonzero(hidden), targets, users)


def _groups(
    sequences: Sequences, max_length: int, batch_size: int, kind: str, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Windows that share a batch, as (starts, numbers of inputs, users), in random order.

    Windows of like length share a batch, which saves padding; each batch holds about the same number of
    events (`batch_size` windows of mean length), so that every event weighs the same in the loss.
    """
    starts, lengths = cut_windows(sequences, max_length, kind, rng)
    shuffled = rng.permutation(len(starts))
    by_length = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    budget = max(1.0, batch_size * float(lengths.mean()))
    events = np.cumsum(lengths[by_length])
    # cut where the running number of events passes a multiple of the budget
    bounds = np.searchsorted(events, np.arange(budget, events[-1], budget))
    groups = [group for group in np.split(by_length, bounds) if len(group)]
    for number in rng.permutation(len(groups)):
        group = groups[number]
        # the last user who begins at or before a window: those without events begin where the next one does
        users = np.searchsorted(sequences.indptr, starts[group], side="right") - 1
        yield starts[group], lengths[group], users


def count_batches(sequences: Sequences, max_length: int, batch_size: int, kind: str) -> int:
    """About how many batches an epoch has (exact but for the random phase of long histories)."""
    rng = np.random.default_rng(0)
    _, lengths = cut_windows(sequences, max_length, kind, rng)
    budget = max(1.0, batch_size * float(lengths.mean())) if len(lengths) else 1.0
    return max(1, int(np.ceil(lengths.sum() / budget)))
