from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.catalogue import Sequences, Split, leave_one_out
from guided_store.coldstart import cold_cases, cold_sets, warm_cases, without_items
from guided_store.errors import UsageError

Rows = list[list[int]]


def sequences_of(rows: Rows, n_items: int = 12, *, times: bool = False) -> Sequences:
    lengths = [len(row) for row in rows]
    items = np.array([item for row in rows for item in row], np.int32)
    return Sequences(
        tuple(f"u{number}" for number in range(len(rows))),
        tuple(f"i{number}" for number in range(n_items)),
        np.append(0, np.cumsum(lengths)).astype(np.int64),
        items,
        np.arange(len(items), dtype=np.int64) * 10 if times else None,
    )


def ids(codes: set[int]) -> list[str]:
    return [f"i{code}" for code in sorted(codes)]


rows = st.lists(st.lists(st.integers(0, 11), min_size=3, max_size=9), min_size=1, max_size=8)
codes = st.sets(st.integers(0, 11), max_size=6)


def test_sets_are_disjoint_of_the_asked_size_and_have_events() -> None:
    sequences = sequences_of([[number] * 2 for number in range(100)], n_items=120)
    sets = cold_sets(sequences, share=0.1, seed=3)
    assert len(sets.tune) == len(sets.test) == 10
    assert not set(sets.tune) & set(sets.test)
    assert {int(item[1:]) for item in sets.both} <= set(range(100))  # the other 20 have no events
    assert len(sets.both) == 20


def test_sets_depend_on_ids_and_seed_alone() -> None:
    items = [f"i{number}" for number in range(50)]
    first = cold_sets(items, seed=1)
    assert cold_sets(reversed(items), seed=1).digest == first.digest
    other = cold_sets(items, seed=2)
    assert other.digest != first.digest
    assert other.tune != first.tune
    assert first.to_dict()["digest"] == first.digest


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_impossible_shares_are_refused(share: float) -> None:
    with pytest.raises(UsageError, match="must lie between"):
        cold_sets(["a", "b", "c"], share)


def test_too_few_items_are_refused() -> None:
    with pytest.raises(UsageError, match="too few"):
        cold_sets(["a", "b"], 0.1)


@settings(max_examples=150, deadline=None)
@given(rows, codes, st.booleans())
def test_the_split_without_items_is_the_filtered_one(rows: Rows, cold: set[int], times: bool) -> None:
    split = leave_one_out(sequences_of(rows, times=times))
    if not any(set(row[:-2]) - cold for row in rows):
        with pytest.raises(UsageError, match="no training event"):
            without_items(split, ids(cold))
        return
    warm = without_items(split, ids(cold))
    for user, row in enumerate(rows):
        kept = [item for item in row if item not in cold]
        assert warm.sequences.row(user).tolist() == kept
        assert warm.train.row(user).tolist() == [item for item in row[:-2] if item not in cold]
    for part, back in (("validation", 2), ("test", 1)):
        expected = {}
        for user, row in enumerate(rows):
            history = [item for item in row[:-back] if item not in cold]
            if row[-back] not in cold and history:
                expected[user] = (history, row[-back])
        cases = getattr(warm, part)
        found = {
            int(user): (cases.history(warm.sequences, case).tolist(), int(cases.items(warm.sequences)[case]))
            for case, user in enumerate(cases.users)
        }
        assert found == expected
    if times:
        assert warm.sequences.times is not None
        assert len(warm.sequences.times) == warm.sequences.n_events
    removed = any(item in cold for row in rows for item in row)
    assert (warm.digest != split.digest) == removed


@settings(max_examples=150, deadline=None)
@given(rows, codes, codes)
def test_cold_cases_are_the_held_out_events_of_wanted_items(
    rows: Rows, wanted: set[int], others: set[int]
) -> None:
    hidden = wanted | others
    split = leave_one_out(sequences_of(rows))
    expected = []
    for user, row in enumerate(rows):
        for place in (len(row) - 2, len(row) - 1):
            history = [item for item in row[:place] if item not in hidden]
            if row[place] in wanted and history:
                expected.append((user, history, row[place]))
    if not expected:
        with pytest.raises(UsageError, match="no held-out event"):
            cold_cases(split, ids(wanted), ids(hidden))
        return
    cases = cold_cases(split, ids(wanted), ids(hidden))
    test, sequences = cases.split.test, cases.split.sequences
    found = [
        (int(user), test.history(sequences, case).tolist(), int(cases.targets[case]))
        for case, user in enumerate(cases.users)
    ]
    assert found == expected
    assert sequences.n_events == sum(len(history) + 1 for _, history, _ in expected)


def test_wanted_items_must_be_hidden() -> None:
    split = leave_one_out(sequences_of([[0, 1, 2]]))
    with pytest.raises(UsageError, match="among the hidden"):
        cold_cases(split, ["i2"], ["i1"])


def test_a_sample_of_cases_keeps_cases_and_users_together() -> None:
    split: Split = leave_one_out(sequences_of([[user, 1, 2, user % 12] for user in range(12)]))
    cases = warm_cases(split, "test")
    few = cases.sample(5)
    assert len(few) == 5
    assert few.targets.tolist() == few.users.tolist()
    assert cases.sample(100) is cases
    with pytest.raises(UsageError, match="unknown part"):
        warm_cases(split, "train")
