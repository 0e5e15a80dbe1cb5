"""Order, ties, filled times, filters: the integer side of an ingest, against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from guided_store.catalogue._arrays import MISSING
from guided_store.catalogue._filters import exact_repeats, k_core, pair_repeats
from guided_store.catalogue._ids import Vocabulary, id_order, inverse
from guided_store.catalogue._order import boundaries, count_ties, event_order, fill_times

Columns = tuple[np.ndarray, ...]


@st.composite
def columns(draw: st.DrawFn, users: int = 4, items: int = 4, times: int = 5) -> Columns:
    """(users, items, times, positions) of some events; small ranges, so that much is tied or blank."""
    n = draw(st.integers(0, 40))
    user = draw(hnp.arrays(np.int32, n, elements=st.integers(0, users - 1)))
    item = draw(hnp.arrays(np.int32, n, elements=st.integers(0, items - 1)))
    values = st.one_of(st.just(MISSING), st.integers(0, times - 1))
    return user, item, *(draw(hnp.arrays(np.int64, n, elements=values)) for _ in range(2))


@given(columns())
def test_event_order_is_pythons_stable_sort(events: Columns) -> None:
    users, items, times, positions = events
    numbers = items.astype(np.int64)  # repeated numbers: whoever came first stays first
    order = event_order(users, times, positions, numbers)
    expected = sorted(range(len(users)), key=lambda n: (users[n], times[n], positions[n], numbers[n]))
    assert order.tolist() == expected
    again = event_order(*(column[order] for column in (users, times, positions, numbers)))
    assert again.tolist() == list(range(len(users)))


@given(columns(users=5, items=5), st.integers(0, 4), st.integers(0, 4))
def test_the_k_core_is_the_largest_set_that_holds(events: Columns, min_user: int, min_item: int) -> None:
    users, items, *_ = events
    mask = k_core(users, items, min_user, min_item)

    def enough(kept: np.ndarray) -> np.ndarray:
        of_user = np.bincount(users[kept], minlength=5)
        of_item = np.bincount(items[kept], minlength=5)
        return (of_user[users] >= min_user) & (of_item[items] >= min_item)

    assert enough(mask)[mask].all()  # a core
    # Every core lies inside: peel off one event after another in the worst order and see what is left.
    left = np.ones(len(users), bool)
    while (bad := np.flatnonzero(left & ~enough(left))).size:
        left[bad[-1]] = False
    assert (mask == left).all()


@given(columns(users=2, items=2, times=2))
def test_exact_repeats_are_the_later_of_equal_rows(events: Columns) -> None:
    seen: set[tuple[int, ...]] = set()
    expected = []
    for row in zip(*(column.tolist() for column in events), strict=True):
        expected.append(row in seen)
        seen.add(row)
    assert exact_repeats(*events).tolist() == expected


@given(columns(users=2, items=3), st.sampled_from(["first", "last"]))
def test_pair_repeats_keep_one_of_each_pair(events: Columns, keep: str) -> None:
    users, items, times, positions = events
    numbers = np.arange(len(users))
    again = pair_repeats(users, items, times, positions, numbers, keep)  # type: ignore[arg-type]
    best: dict[tuple[int, int], int] = {}
    for n in sorted(range(len(users)), key=lambda n: (times[n], positions[n], n), reverse=keep == "first"):
        best[users[n], items[n]] = n
    assert set(np.flatnonzero(~again)) == set(best.values())


@given(columns())
def test_filled_times_come_from_before_or_else_from_after(events: Columns) -> None:
    order = np.argsort(events[0], kind="stable")
    users, times = events[0][order], events[2][order]
    filled = fill_times(users, times)
    for n in range(len(users)):
        mine = [m for m in range(len(users)) if users[m] == users[n] and times[m] != MISSING]
        before = [m for m in mine if m <= n]
        source = before[-1] if before else next(iter(mine), None)
        assert filled[n] == (MISSING if source is None else times[source])


@given(columns(times=3))
def test_ties_are_counted_one_by_one(events: Columns) -> None:
    order = event_order(events[0], events[2], events[3], np.arange(len(events[0])))
    users, times = events[0][order], events[2][order]
    ties = count_ties(users, times)
    pairs = list(zip(users.tolist(), times.tolist(), strict=True))
    tied = [pairs[n] in (pairs[n - 1 : n] + pairs[n + 1 : n + 2]) for n in range(len(pairs))]
    assert ties.events == sum(tied)
    assert ties.of_users == len(set(users.tolist()))
    last_tied = [
        n for n in range(1, len(pairs)) if pairs[n - 1] == pairs[n] and users[n] not in users[n + 1 :]
    ]
    assert ties.users == len(last_tied)


@given(hnp.arrays(np.int32, st.integers(0, 30), elements=st.integers(0, 6)))
def test_boundaries_delimit_each_users_rows(users: np.ndarray) -> None:
    users = np.sort(users)
    indptr = boundaries(users, 7)
    for user in range(7):
        assert (users[indptr[user] : indptr[user + 1]] == user).all()
    assert indptr[-1] == len(users)


IDS = st.lists(st.one_of(st.integers(0, 300).map(str), st.text(min_size=1, max_size=3)), unique=True)


@given(IDS, st.randoms())
def test_id_order_depends_on_the_set_only(ids: list[str], random: object) -> None:
    def ordered(names: list[str]) -> list[str]:
        return [names[place] for place in id_order(names)]

    def key(name: str) -> tuple[bool, int, bytes]:
        whole = name.isascii() and name.isdigit()
        return not whole, int(name) if whole else 0, name.encode()

    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert ordered(ids) == ordered(shuffled) == sorted(ids, key=key)
    ranks = inverse(id_order(ids))
    assert [ordered(ids)[rank] for rank in ranks] == ids


def test_ids_are_listed_by_value_then_by_code_point() -> None:
    ids = ["b", "10", "9", "09", "-1", "a10", "é", "0"]
    assert [ids[place] for place in id_order(ids)] == ["0", "09", "9", "10", "-1", "a10", "b", "é"]


def test_a_vocabulary_keeps_codes_over_batches() -> None:
    vocabulary = Vocabulary()
    assert vocabulary.encode(["x", "y"]).tolist() == [0, 1]
    assert vocabulary.encode(["y", "z", "x"]).tolist() == [1, 2, 0]
    assert vocabulary.ids == ["x", "y", "z"]
