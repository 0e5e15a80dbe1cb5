"""Ranking of all items: where the target stands, and which items come first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue import Split, Targets
from guided_store.errors import EncoderError, UsageError
from guided_store.evaluation._histories import flatten_histories, part_of
from guided_store.evaluation._scorer import Scorer
from guided_store.progress import SILENT, Progress

Part: TypeAlias = Literal["test", "validation"]
Repeats: TypeAlias = Literal["exclude", "allow"]

SCORE_BYTES = 64 * 2**20
"""Memory that one batch of scores may take."""

LARGEST_BATCH = 1024


def check_repeats(repeats: str) -> Repeats:
    """`repeats` as one of the two it may be, else UsageError."""
    for known in get_args(Repeats):
        if repeats == known:
            return cast(Repeats, known)
    raise UsageError(f"repeats must be 'exclude' or 'allow', not {repeats!r}")


def batch_rows(n_items: int, batch_size: int | None = None) -> int:
    """Cases per batch: as many as keep float32 scores under 64 MB, at most 1,024, at least 1."""
    if batch_size is not None and batch_size < 1:
        raise UsageError(f"a batch needs 1 case or more, not {batch_size}")
    affordable = max(1, SCORE_BYTES // (4 * max(n_items, 1)))
    return min(batch_size or LARGEST_BATCH, affordable)


def repeated_targets(split: Split, part: Part = "test") -> NDArray[np.bool_]:
    """Cases whose target already stands in their history, bool (C,): with repeats excluded they are lost."""
    targets = part_of(split, part)
    wanted = targets.items(split.sequences)
    repeated = np.zeros(len(targets), np.bool_)
    # A few million history events at a time.
    step = max(1, int(4_000_000 // max(1.0, float(targets.ends.mean()))))
    for start in range(0, len(targets), step):
        rows = slice(start, start + step)
        case, item, _ = flatten_histories(split.sequences, targets, rows)
        repeated[start + case[item == wanted[rows][case]]] = True
    return repeated


def score_batches(
    scorer: Scorer,
    split: Split,
    targets: Targets,
    repeats: Repeats,
    batch_size: int | None,
    progress: Progress,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Checked scores of each batch, our own copy, history masked by -inf unless repeats are allowed."""
    check_repeats(repeats)
    sequences = split.sequences
    step = batch_rows(sequences.n_items, batch_size)
    with progress.task(f"ranking with {scorer.name}", len(targets)) as task:
        for start in range(0, len(targets), step):
            rows = slice(start, min(start + step, len(targets)))
            size = rows.stop - rows.start
            scores = np.array(scorer.score(sequences, targets, rows), np.float32, order="C")
            if scores.shape != (size, sequences.n_items):
                raise EncoderError(
                    f"{scorer.name} gave scores of shape {scores.shape} where ({size}, {sequences.n_items}) "
                    "was asked for"
                )
            if np.isnan(scores).any():
                case = start + int(np.isnan(scores).any(axis=1).argmax())
                user = sequences.user_ids[targets.users[case]]
                raise EncoderError(f"{scorer.name} gave a score that is not a number for user {user!r}")
            if repeats == "exclude":
                case_of, item, _ = flatten_histories(sequences, targets, rows)
                scores[case_of, item] = -np.inf
            yield rows, scores
            task.advance(size)


def target_ranks(
    scorer: Scorer,
    split: Split,
    part: Part = "test",
    repeats: Repeats = "exclude",
    *,
    batch_size: int | None = None,
    progress: Progress = SILENT,
) -> NDArray[np.float64]:
    """Rank of each case's target among all items of the vocabulary (no sampled candidates).

    `rank = 1 + #{i: s_i > s_t} + #{i: s_i = s_t and code_i < code_t}`: ties go to the lower item code, so
    that a rank is reproducible and a constant scorer gains nothing from them. A target that scores `-inf`
    (unknown to the scorer, or in the history while repeats are excluded) has rank `inf`.

    Args:
        part: "test" or "validation".
        repeats: "exclude" takes the case's history out of the ranking; "allow" leaves it in.
        batch_size: cases at a time; never more than keep the scores under 64 MB.

    Returns:
        float64 (C,), 1-based.

    Raises:
        UsageError: the part has no cases, or an argument is none of the allowed ones.
        EncoderError: the scorer gives NaN or another shape than asked for.
    """
    targets = part_of(split, part)
    wanted = targets.items(split.sequences)
    ranks = np.empty(len(targets), np.float64)
    for rows, scores in score_batches(scorer, split, targets, repeats, batch_size, progress):
        ranks[rows] = ranks_of(scores, wanted[rows])
    return ranks


def ranks_of(scores: NDArray[np.float32], targets: NDArray[np.int32]) -> NDArray[np.float64]:
    """Rank of column `targets[c]` in row c of `scores`, float64 (m,), as in `target_ranks`."""
    target = targets.astype(np.int64)[:, None]
    own = np.take_along_axis(scores, target, axis=1)
    ahead = np.count_nonzero(scores > own, axis=1)
    ties = scores == own
    ties &= np.arange(scores.shape[1]) < target
    ranks: NDArray[np.float64] = np.where(
        np.isneginf(own[:, 0]), np.inf, 1.0 + ahead + np.count_nonzero(ties, axis=1)
    )
    return ranks


def first_k(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The `k` best columns of each row, int64 (m, min(k, n)), by (-score, column)."""
    rows, columns = scores.shape
    k = min(k, columns)
    threshold = np.partition(scores, columns - k, axis=1)[:, columns - k, None]
    above = scores > threshold
    # Fill up with the first of those that tie at the threshold.
    level = scores == threshold
    room = k - np.count_nonzero(above, axis=1)
    above |= level & (np.cumsum(level, axis=1, dtype=np.int32) <= room[:, None])
    best = np.nonzero(above)[1].reshape(rows, k)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def top_k(
    scorer: Scorer,
    split: Split,
    part: Part = "test",
    k: int = 10,
    repeats: Repeats = "exclude",
    *,
    batch_size: int | None = None,
    progress: Progress = SILENT,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` best items of each case, by (-score, item code): the order that `target_ranks` counts in.

    Returns:
        items: int32 (C, k') item codes, k' = min(k, n_items), -1 where fewer can be recommended.
        scores: float32 (C, k'), -inf there.

    Raises:
        UsageError, EncoderError: as `target_ranks`, and UsageError for `k` below 1.
    """
    if k < 1:
        raise UsageError(f"a list needs 1 item or more, not {k}")
    targets = part_of(split, part)
    width = min(k, split.sequences.n_items)
    items = np.empty((len(targets), width), np.int32)
    values = np.empty((len(targets), width), np.float32)
    for rows, scores in score_batches(scorer, split, targets, repeats, batch_size, progress):
        items[rows], values[rows] = lists_of(scores, width)
    return items, values


def lists_of(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` best items of each row and their scores, (m, min(k, n)), -1 and -inf where fewer score."""
    best = first_k(scores, k)
    values: NDArray[np.float32] = np.take_along_axis(scores, best, axis=1)
    return np.where(np.isneginf(values), -1, best).astype(np.int32), values
