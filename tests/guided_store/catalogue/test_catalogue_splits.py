"""Splits: what trains, what is predicted, and that nothing of the future is seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guided_store.catalogue import Sequences, Split, describe, leave_one_out, no_split, time_split
from guided_store.errors import UsageError


def make(rows: list[list[int]], times: list[list[int]] | None = None, items: int = 8) -> Sequences:
    """Sequences from item codes (and times) of each user."""
    lengths = [len(row) for row in rows]
    indptr = np.append(0, np.cumsum(lengths)).astype(np.int64)
    flat = np.array([code for row in rows for code in row], np.int32)
    when = None if times is None else np.array([time for row in times for time in row], np.int64)
    users = tuple(f"u{n}" for n in range(len(rows)))
    return Sequences(users, tuple(f"i{n}" for n in range(items)), indptr, flat, when)


@st.composite
def timed(draw: st.DrawFn) -> Sequences:
    lengths = draw(st.lists(st.integers(1, 7), min_size=1, max_size=8))
    rows = [draw(st.lists(st.integers(0, 7), min_size=n, max_size=n)) for n in lengths]
    times = [sorted(draw(st.lists(st.integers(0, 30), min_size=n, max_size=n))) for n in lengths]
    return make(rows, times)


def row_of(sequences: Sequences, user: int) -> list[int]:
    return sequences.row(user).tolist()


def times_of(sequences: Sequences, user: int) -> list[int]:
    assert sequences.times is not None
    return sequences.times[sequences.indptr[user] : sequences.indptr[user + 1]].tolist()


def check_cases(split: Split) -> None:
    """What holds for every split: targets follow their histories, and do not train."""
    for cases in (split.validation, split.test):
        assert len(set(cases.users.tolist())) == len(cases)
        targets = cases.items(split.sequences)
        for case, user in enumerate(cases.users):
            row = row_of(split.sequences, user)
            end = int(cases.ends[case])
            assert 1 <= end < len(row)
            assert targets[case] == row[end]
            assert cases.history(split.sequences, case).tolist() == row[:end]
            assert split.train_ends[user] <= end
            assert row_of(split.train, user) == row[: split.train_ends[user]]


@given(timed(), st.integers(1, 3))
def test_leave_one_out_takes_the_last_two(sequences: Sequences, min_history: int) -> None:
    assume((sequences.lengths >= min_history + 2).any())
    split = leave_one_out(sequences, min_history)
    check_cases(split)
    for user in range(sequences.n_users):
        length = len(row_of(sequences, user))
        if length >= min_history + 2:
            assert split.train_ends[user] == length - 2
            assert split.validation.ends[split.validation.users == user].tolist() == [length - 2]
            assert split.test.ends[split.test.users == user].tolist() == [length - 1]
        else:
            assert split.train_ends[user] == length
            assert user not in split.validation.users
            assert user not in split.test.users


@given(timed(), st.integers(0, 30), st.integers(0, 30), st.integers(1, 2))
def test_a_time_split_sees_nothing_of_the_future(
    sequences: Sequences, first: int, second: int, min_history: int
) -> None:
    start, end = min(first, second), max(first, second)
    try:
        split = time_split(sequences, at=end, validation_at=start, min_history=min_history)
    except UsageError:
        assume(False)
    check_cases(split)
    for user in range(sequences.n_users):
        times = times_of(sequences, user)
        assert split.train_ends[user] == sum(time < start for time in times)
        for cases, begin, stop in ((split.validation, start, end), (split.test, end, 10**9)):
            before = sum(time < begin for time in times)
            inside = sum(begin <= time < stop for time in times)
            expected = [before] if before >= min_history and inside else []
            assert cases.ends[cases.users == user].tolist() == expected


def test_leave_one_out_words() -> None:
    split = leave_one_out(make([[0, 1, 2, 3], [0, 1], [0], [1, 2, 7]]))
    assert split.kind == "leave-one-out"
    assert "includes the validation item" in split.notes[0]
    assert "leaks time" in split.notes[1]
    assert split.notes[2] == "2 users with fewer than 3 events only train, and have no case"
    unseen = [note for note in split.notes if "never saw" in note]
    assert unseen[-1].startswith("training never saw 2 targets of the test (100.0%)")


def test_time_split_defaults_are_quantiles_of_all_times() -> None:
    rows = [[n % 8 for n in range(50)], [n % 8 for n in range(50)]]
    sequences = make(rows, [list(range(0, 100, 2)), list(range(1, 100, 2))])
    split = time_split(sequences)
    assert split.parameters["at"] == 90
    assert split.parameters["validation_at"] == 80
    assert split.parameters["at_utc"] == "1970-01-01 00:01:30 UTC"
    assert split.train.n_events == 80
    split = time_split(sequences, at=60, test_share=0.2)
    assert split.parameters["validation_at"] == 40
    assert time_split(sequences, at="1970-01-01T00:01:00Z").parameters["at"] == 60


def test_time_split_counts_who_has_no_history() -> None:
    sequences = make([[0, 1, 2], [3, 4], [5], [6, 7]], [[0, 6, 12], [11, 12], [7], [1, 2]])
    split = time_split(sequences, at=10, validation_at=5)
    assert split.test.users.tolist() == [0]
    assert split.validation.users.tolist() == [0]
    assert any(note.startswith("1 user of the test period had no history") for note in split.notes)
    assert any(note.startswith("1 user of the validation period") for note in split.notes)


def test_impossible_splits_say_why() -> None:
    ordered = make([[0, 1, 2]])
    with pytest.raises(UsageError, match=r"needs times.*use leave-one-out"):
        time_split(ordered)
    with pytest.raises(UsageError, match="no user has the 3 events"):
        leave_one_out(make([[0, 1], [2]]))
    with pytest.raises(UsageError, match="the least is 1"):
        leave_one_out(ordered, min_history=0)
    with_times = make([[0, 1, 2], [3]], [[1, 2, 3], [9]])
    with pytest.raises(UsageError, match="must start before the test"):
        time_split(with_times, at=2, validation_at=3)
    with pytest.raises(UsageError, match="nothing would train"):
        time_split(with_times, at=3, validation_at=1)
    with pytest.raises(UsageError, match="no user has events both before and after"):
        time_split(with_times, at=9, validation_at=2)
    with pytest.raises(UsageError, match=r"between 0 and 0\.5"):
        time_split(with_times, test_share=0.7)
    with pytest.raises(UsageError, match="the least is 1"):
        time_split(with_times, min_history=0)


def test_no_split_trains_on_everything() -> None:
    sequences = make([[0, 1, 2], [3]])
    split = no_split(sequences)
    assert split.train.items.tolist() == sequences.items.tolist()
    assert len(split.test) == len(split.validation) == 0
    assert split.kind == "none"


def test_digests_tell_splits_apart() -> None:
    sequences = make([[0, 1, 2, 3], [3, 4, 5]], [[1, 2, 3, 4], [2, 5, 6]])
    splits = [
        leave_one_out(sequences),
        no_split(sequences),
        time_split(sequences, at=4, validation_at=3),
        time_split(sequences, at=5, validation_at=3),
        leave_one_out(make([[0, 1, 2, 4], [3, 4, 5]])),
    ]
    assert len({split.digest for split in splits}) == len(splits)
    assert leave_one_out(sequences).digest == splits[0].digest


def test_description() -> None:
    described = describe(make([[0, 0, 1], [2]], [[5, 6, 7], [1]], items=4))
    assert (described.users, described.items, described.events) == (2, 4, 4)
    assert described.density == 3 / 8
    assert described.lengths == {"min": 1, "25%": 1, "50%": 1, "75%": 3, "95%": 3, "max": 3, "mean": 2.0}
    assert (described.first, described.last) == (1, 7)
    assert "4 events of 2 users with 4 items (density 37.500%)" in described.lines()[0]
    assert described.to_dict()["users"] == 2
    assert "an order only" in describe(make([[0]])).lines()[0]
    assert describe(make([])).events == 0
