"""Which events train and which are predicted: leave-one-out, one point in time, or no split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guided_store.catalogue._sequences import Sequences, Split, Targets
from guided_store.catalogue._times import parse_moment, utc
from guided_store.errors import UsageError


def leave_one_out(sequences: Sequences, min_history: int = 1) -> Split:
    """Each user's last event is the test target, the one before it the validation target, the rest trains.

    The history of a test case includes the validation event. Users with fewer than `min_history + 2` events
    train with all they have and have no cases.

    Raises:
        UsageError: no user has enough events, or `min_history` is below 1.
    """
    if min_history < 1:
        raise UsageError(f"a history of {min_history} events cannot be predicted from; the least is 1")
    lengths = sequences.lengths
    enough = lengths >= min_history + 2
    users = np.flatnonzero(enough)
    if not len(users):
        raise UsageError(
            f"no user has the {min_history + 2} events that leave-one-out needs (history, validation, test)"
        )
    notes = [
        "leave-one-out: the last event of each user is the test target, the one before it the validation "
        "target; the test history includes the validation item",
        "leave-one-out leaks time: the model has trained on other users' events that happened after the one "
        "it predicts, so that a forecast of the future will score lower",
    ]
    if short := int((~enough).sum()):
        who = "1 user with" if short == 1 else f"{short:,} users with"
        notes.append(f"{who} fewer than {min_history + 2} events only train, and have no case")
    split = Split(
        kind="leave-one-out",
        sequences=sequences,
        train_ends=np.where(enough, lengths - 2, lengths),
        validation=Targets(users, lengths[users] - 2),
        test=Targets(users, lengths[users] - 1),
        parameters={"min_history": min_history},
        notes=tuple(notes),
    )
    return _with_unseen(split)


def time_split(
    sequences: Sequences,
    at: str | float | None = None,
    validation_at: str | float | None = None,
    test_share: float = 0.1,
    min_history: int = 1,
) -> Split:
    """One moment for all: what happened before `validation_at` trains, and later events are predicted.

    A test case is a user's first event at or after `at`, its history everything that user did before `at`. A
    validation case is a user's first event in [validation_at, at), its history that user's events before
    `validation_at`.

    Args:
        sequences: events with times.
        at: seconds since 1970, or an ISO 8601 date (UTC where it names no zone); by default the time that
            the last `test_share` of all events start at.
        validation_at: the same for validation; by default that of as many events again before `at`.
        test_share: share of events after `at`, and between `validation_at` and `at`, for the defaults.
        min_history: the fewest events a case's history may have.

    Raises:
        UsageError: there are no times, the moments are out of order, or they leave nothing to train or test.
    """
    if sequences.times is None:
        raise UsageError(
            "a time split needs times, and these interactions have an order only; use leave-one-out instead"
        )
    if not 0 < test_share < 0.5:
        raise UsageError(f"the test share is {test_share:g}; it must lie between 0 and 0.5")
    if min_history < 1:
        raise UsageError(f"a history of {min_history} events cannot be predicted from; the least is 1")
    times = sequences.times
    test_from = parse_moment(at) if at is not None else _quantile(times, 1 - test_share)
    if validation_at is not None:
        valid_from = parse_moment(validation_at)
    else:
        share_before = float((times < test_from).mean())
        valid_from = _quantile(times, max(share_before - test_share, 0.0))
    if valid_from >= test_from:
        raise UsageError(
            f"the validation starts at {utc(valid_from)} and must start before the test, {utc(test_from)}"
        )
    train_ends = _before(sequences, times, valid_from)
    test_ends = _before(sequences, times, test_from)
    lengths = sequences.lengths
    if not train_ends.any():
        raise UsageError(f"no event lies before {utc(valid_from)}, so that nothing would train")
    test = np.flatnonzero((test_ends >= min_history) & (test_ends < lengths))
    validation = np.flatnonzero((train_ends >= min_history) & (train_ends < test_ends))
    if not len(test):
        raise UsageError(f"no user has events both before and after {utc(test_from)}; choose an earlier time")
    share = train_ends.sum() / len(times)
    notes = [
        f"time split: events before {utc(valid_from)} train ({share:.1%} of all), the first event of each "
        f"user from {utc(test_from)} on is the test target",
    ]
    for active, cases, name, start in (
        (train_ends < test_ends, validation, "validation", valid_from),
        (test_ends < lengths, test, "test", test_from),
    ):
        if newcomers := int(active.sum()) - len(cases):
            who = "1 user" if newcomers == 1 else f"{newcomers:,} users"
            history = "no history" if min_history == 1 else f"fewer than {min_history} events"
            notes.append(f"{who} of the {name} period had {history} before {utc(start)}, and no case")
    split = Split(
        kind="time",
        sequences=sequences,
        train_ends=train_ends,
        validation=Targets(validation, train_ends[validation]),
        test=Targets(test, test_ends[test]),
        parameters={
            "at": test_from,
            "at_utc": utc(test_from),
            "validation_at": valid_from,
            "validation_at_utc": utc(valid_from),
            "min_history": min_history,
        },
        notes=tuple(notes),
    )
    return _with_unseen(split)


def no_split(sequences: Sequences) -> Split:
    """Every event trains; for the model that serves once its settings are chosen."""
    none = Targets(np.zeros(0, np.int64), np.zeros(0, np.int64))
    notes = ("no split: every event trains, and nothing is left to measure with",)
    return Split("none", sequences, sequences.lengths, none, none, {}, notes)


def _quantile(times: NDArray[np.int64], share: float) -> int:
    return int(np.quantile(times, share, method="higher"))


def _before(sequences: Sequences, times: NDArray[np.int64], moment: int) -> NDArray[np.int64]:
    """How many of each user's events lie before a moment, int64 (U,)."""
    running = np.append(0, np.cumsum(times < moment, dtype=np.int64))
    counts: NDArray[np.int64] = running[sequences.indptr[1:]] - running[sequences.indptr[:-1]]
    return counts


def _with_unseen(split: Split) -> Split:
    """Add notes on targets that training never saw; such cases stay, and no trained model can win them."""
    seen = split.train.counts() > 0
    notes = list(split.notes)
    for name, cases in (("validation", split.validation), ("test", split.test)):
        unseen = int((~seen[cases.items(split.sequences)]).sum())
        if unseen:
            targets = "1 target" if unseen == 1 else f"{unseen:,} targets"
            notes.append(
                f"training never saw {targets} of the {name} ({unseen / len(cases):.1%}): a model that knows "
                "items by their interactions alone cannot rank them"
            )
    return Split(
        split.kind,
        split.sequences,
        split.train_ends,
        split.validation,
        split.test,
        split.parameters,
        tuple(notes),
    )
