"""Interactions in the store: policies, additions, and that an addition equals one ingest of all."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guided_store.catalogue import (
    INTERACTIONS_SCHEMA,
    IngestOptions,
    InteractionLayout,
    Sequences,
    has_interactions,
    ingest_interactions,
    load_sequences,
)
from guided_store.errors import DataError, StoreError, UsageError
from guided_store.store import Store, create
from guided_store.store import open as open_store

Write = Callable[[str, str | bytes], Path]
HEAD = "user,item,time\n"


def histories(store: Store) -> dict[str, list[str]]:
    sequences = load_sequences(store)
    return {user: sequences.history(user) for user in sequences.user_ids}


def same(left: Sequences, right: Sequences) -> bool:
    """Whether two sequences are equal in everything."""
    times = (left.times is None) == (right.times is None)
    if times and left.times is not None and right.times is not None:
        times = left.times.tolist() == right.times.tolist()
    return (
        times
        and left.user_ids == right.user_ids
        and left.item_ids == right.item_ids
        and left.indptr.tolist() == right.indptr.tolist()
        and left.items.tolist() == right.items.tolist()
    )


def test_events_are_in_the_order_of_times_and_ties_in_that_of_rows(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("r.csv", HEAD + "1,c,5\n1,b,5\n1,z,1\n2,q,9\n1,a,5\n"))
    assert histories(store) == {"1": ["z", "c", "b", "a"], "2": ["q"]}
    assert report.ties is not None
    assert (report.ties.events, report.ties.users, report.ties.of_events, report.ties.of_users) == (
        3,
        1,
        5,
        2,
    )
    assert any(
        "60.0% of events are tied in time with a neighbour, the last event of 50.0%" in line
        for line in report.lines()
    )


def test_fractions_of_seconds_order_events(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("a.csv", HEAD + "1,late,5.75\n1,early,5.25\n"))
    ingest_interactions(store, write("b.csv", HEAD + "1,between,5.5\n1,whole,5\n"))
    assert histories(store)["1"] == ["whole", "early", "between", "late"]
    times = load_sequences(store).times
    assert times is not None
    assert times.tolist() == [5, 5, 5, 5]
    assert report.ties is not None
    assert report.ties.events == 0


def test_an_order_column_alone(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("r.csv", "user,item,position\n1,b,2\n1,a,1\n1,c,2\n"))
    assert histories(store) == {"1": ["a", "b", "c"]}
    assert load_sequences(store).times is None
    assert any("tied in order" in line for line in report.lines())


def test_a_named_order_is_not_joined_by_a_guessed_time(store: Store, write: Write) -> None:
    path = write("r.csv", "user,item,position,time\n1,b,2,\n1,a,1,7\n")
    ingest_interactions(store, path, InteractionLayout(order="position"))
    assert load_sequences(store).times is None


def test_the_table_has_its_schema(store: Store, write: Write) -> None:
    ingest_interactions(store, write("r.csv", "user,item,time,rating\n1,a,5,2.5\n1,b,6,\n"))
    table = store.read("interactions")
    assert table.schema.equals(INTERACTIONS_SCHEMA)
    assert table.to_pylist()[1] == {
        "user_id": "1",
        "item_id": "b",
        "timestamp": 6,
        "position": None,
        "weight": None,
        "ingestion": 1,
        "time_filled": False,
    }


def test_blank_times_are_refused_or_filled(store: Store, write: Write) -> None:
    path = write("r.csv", "user,item,time,position\n1,d,,4\n1,a,,1\n1,b,10,2\n1,c,20,3\n2,e,7,0\n")
    with pytest.raises(
        UsageError, match=r"2 of 5 rows have no time \(the first is r.csv line 2\).*--fill-time"
    ):
        ingest_interactions(store, path)
    report = ingest_interactions(store, path, options=IngestOptions(fill_time="neighbours"))
    assert histories(store)["1"] == ["a", "b", "c", "d"]
    times = load_sequences(store).times
    assert times is not None
    assert times.tolist() == [10, 10, 20, 20, 7]
    assert report.times_filled == 2
    assert any("2 blank times filled" in line for line in report.lines())
    flags = {row["item_id"]: row["time_filled"] for row in store.read("interactions").to_pylist()}
    assert flags == {"a": True, "b": False, "c": False, "d": True, "e": False}


def test_users_without_any_time_cannot_be_filled(store: Store, write: Write) -> None:
    path = write("r.csv", HEAD + "1,a,\n1,b,5\n2,c,\n2,d,\n")
    with pytest.raises(
        DataError, match="2 events have no time, and neither has any other event of their 1 users"
    ):
        ingest_interactions(store, path, options=IngestOptions(fill_time="neighbours"))
    options = IngestOptions(fill_time="neighbours", on_error="skip")
    report = ingest_interactions(store, path, options=options)
    assert histories(store) == {"1": ["a", "b"]}
    assert report.left_out == {"unreadable, no event of the user has a time": 2}
    assert report.skipped == 2


def test_exact_repeats_are_taken_once_and_said(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("r.csv", HEAD + "1,a,5\n1,a,6\n1,a,5\n2,a,5\n"))
    assert histories(store) == {"1": ["a", "a"], "2": ["a"]}
    assert report.left_out == {"same user, item and time as an earlier row": 1}
    assert any("1 row left out: same user" in line for line in report.lines())


@pytest.mark.parametrize("keep, order", [("first", ["a", "b", "c"]), ("last", ["b", "c", "a"])])
def test_repeated_items(store: Store, write: Write, keep: Literal["first", "last"], order: list[str]) -> None:
    path = write("r.csv", HEAD + "1,a,9\n1,b,2\n1,c,3\n1,a,1\n1,a,4\n")
    report = ingest_interactions(store, path, options=IngestOptions(duplicates=keep))
    assert histories(store) == {"1": order}
    assert sum(report.left_out.values()) == 2


def test_the_k_core_and_weights(store: Store, write: Write) -> None:
    rows = "1,a,1,5\n1,b,2,5\n2,a,1,5\n2,b,2,5\n2,c,3,5\n3,c,1,1\n3,a,2,5\n4,a,1,\n"
    path = write("r.csv", "user,item,time,rating\n" + rows)
    options = IngestOptions(min_user_events=2, min_item_events=2, min_weight=4)
    report = ingest_interactions(store, path, options=options)
    assert histories(store) == {"1": ["a", "b"], "2": ["a", "b"]}
    assert report.left_out == {
        "no weight": 1,
        "weight below 4": 1,
        "outside the k-core (2 events a user, 2 an item)": 2,
    }
    assert report.rows == report.added + sum(report.left_out.values())
    with pytest.raises(
        UsageError, match=r"4 interactions already, and a k-core cannot be applied.*--replace"
    ):
        ingest_interactions(store, path, options=options)
    again = ingest_interactions(store, path, options=IngestOptions(min_user_events=3, replace=True))
    assert again.total == 3
    assert histories(store) == {"2": ["a", "b", "c"]}


def test_nothing_left_is_an_error(store: Store, write: Write) -> None:
    path = write("r.csv", HEAD + "1,a,1\n2,b,2\n")
    with pytest.raises(DataError, match=r"no interaction is left to store: outside the k-core .* \(2\)"):
        ingest_interactions(store, path, options=IngestOptions(min_user_events=2))
    with pytest.raises(UsageError, match="needs a weight column"):
        ingest_interactions(store, path, options=IngestOptions(min_weight=1))
    assert not has_interactions(store)


def test_a_second_ingest_adds_what_is_new(store: Store, write: Write) -> None:
    first = ingest_interactions(store, write("a.csv", HEAD + "1,a,1\n1,b,2\n"))
    version = store.table_version("interactions")
    second = ingest_interactions(store, write("b.csv", HEAD + "1,b,2\n1,c,2\n3,a,0\n1,c,2\n"))
    assert (first.added, second.added, second.total) == (2, 2, 4)
    assert second.left_out == {"in the table already": 1, "same user, item and time as an earlier row": 1}
    assert histories(store) == {"1": ["a", "b", "c"], "3": ["a"]}
    assert store.table_version("interactions") == version + 1
    third = ingest_interactions(store, write("b.csv", HEAD + "1,b,2\n1,c,2\n"))
    assert (third.added, third.total) == (0, 4)
    assert store.table_version("interactions") == version + 1  # nothing new, nothing written


def test_a_later_repeat_takes_the_place_of_a_stored_event(store: Store, write: Write) -> None:
    last = IngestOptions(duplicates="last")
    ingest_interactions(store, write("a.csv", HEAD + "1,a,1\n1,b,2\n"), options=last)
    report = ingest_interactions(store, write("b.csv", HEAD + "1,a,3\n"), options=last)
    assert histories(store) == {"1": ["b", "a"]}
    assert report.removed == {"a user's repeated item, the last one is kept": 1}
    assert any("1 stored row removed" in line for line in report.lines())


def test_times_and_an_order_only_do_not_mix(store: Store, write: Write) -> None:
    ingest_interactions(store, write("a.csv", HEAD + "1,a,1\n"))
    with pytest.raises(UsageError, match="the stored interactions have times, the new ones an order only"):
        ingest_interactions(store, write("b.csv", "user,item,position\n1,b,1\n"))
    with pytest.raises(UsageError, match="differ in their time and order columns"):
        ingest_interactions(
            store, [write("a.csv", HEAD + "1,a,1\n"), write("b.csv", "user,item,order\n1,b,1\n")]
        )


def test_several_files_are_one_ingest(store: Store, write: Write) -> None:
    for name, rows in (("p/2.csv", "1,b,2\n"), ("p/1.csv", "1,a,1\n2,a,1\n"), ("p/notes.md", "no data")):
        write(name, (HEAD if name.endswith("csv") else "") + rows)
    folder = write("p/3.csv", HEAD + "2,b,2\n").parent
    report = ingest_interactions(store, folder, options=IngestOptions(min_item_events=2))
    assert report.files == ("1.csv", "2.csv", "3.csv")
    assert histories(store) == {"1": ["a", "b"], "2": ["a", "b"]}
    assert report.lines()[0] == "interactions: 4 rows read from 3 files, 4 added"


def test_bad_rows_of_several_files_keep_their_file(store: Store, write: Write) -> None:
    paths = [write("a.csv", HEAD + "1,a,1\n1,a\n"), write("b.csv", HEAD + "x,,1\n1,b,2\n")]
    report = ingest_interactions(store, paths, options=IngestOptions(on_error="skip"))
    assert [str(bad) for bad in report.bad_rows] == [
        "a.csv line 3: 2 fields where 3 are expected",
        "b.csv line 2: item id is blank",
    ]
    assert report.to_dict()["bad_rows"] == [str(bad) for bad in report.bad_rows]


def test_an_error_in_the_last_file_leaves_the_table(store: Store, write: Write) -> None:
    ingest_interactions(store, write("a.csv", HEAD + "1,a,1\n"))
    version = store.table_version("interactions")
    with pytest.raises(DataError):
        ingest_interactions(store, [write("b.csv", HEAD + "2,b,1\n"), write("c.csv", HEAD + "3,c,x\n")])
    assert store.table_version("interactions") == version
    assert histories(store) == {"1": ["a"]}


def test_reading_handles_cannot_ingest(store: Store, write: Write) -> None:
    store.close()
    with pytest.raises(StoreError, match="open for reading only"):
        ingest_interactions(open_store(store.root), write("a.csv", HEAD + "1,a,1\n"))


def test_an_empty_store_has_no_sequences(store: Store) -> None:
    with pytest.raises(UsageError, match="has no interactions yet; add some with `guided-store ingest`"):
        load_sequences(store)


def test_a_table_with_some_times_is_refused_on_loading(store: Store, write: Write) -> None:
    ingest_interactions(store, write("a.csv", HEAD + "1,a,1\n1,b,2\n"))
    table = store.read("interactions")
    gone = pa.array([1, None], pa.int64())
    store.replace("interactions", table.set_column(2, table.schema.field("timestamp"), gone))
    with pytest.raises(DataError, match="1 of 2 interactions in the store have no time"):
        load_sequences(store)


@pytest.mark.parametrize("wrong", [{"on_error": "ignore"}, {"duplicates": "some"}, {"fill_time": "mean"}])
def test_options_are_checked(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="it must be one of"):
        IngestOptions(**wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cannot be negative"):
        IngestOptions(min_user_events=-1)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),  # user
        st.integers(0, 4),  # item
        st.one_of(st.none(), st.integers(0, 5)),  # time
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    cuts=st.lists(st.integers(0, 30), max_size=2),
    duplicates=st.sampled_from(["keep-all", "first", "last"]),
    filled=st.booleans(),
)
def test_adding_equals_reading_all_at_once(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, int, int | None]],
    cuts: list[int],
    duplicates: Literal["keep-all", "first", "last"],
    filled: bool,
) -> None:
    """However the rows are split over ingests, the sequences are the same, also when read again."""
    folder = tmp_path_factory.mktemp("adding")
    # Every user has a known time in the first part: without one, a part alone is refused.
    known: list[tuple[int, int, int | None]] = [(user, 9, 2) for user in range(4)]
    times = [time if filled else time or 0 for *_, time in rows]
    if filled and duplicates != "keep-all":
        # What a policy removes cannot lend its time later: rows of different items only.
        rows = list({(user, item): (user, item, time) for user, item, time in rows}.values())
        times = [time for *_, time in rows]
    table = pa.table(
        {
            "user": [row[0] for row in [*known, *rows]],
            "item": [row[1] for row in [*known, *rows]],
            "time": pa.array([2] * 4 + times, pa.int64()),
        }
    )
    options = IngestOptions(duplicates=duplicates, fill_time="neighbours" if filled else None)
    bounds = sorted({0, *(4 + cut for cut in cuts if cut < len(rows)), table.num_rows})
    paths = []
    for start, end in itertools.pairwise(bounds):
        paths.append(folder / f"{start}.parquet")
        pq.write_table(table.slice(start, end - start), paths[-1])
    with create(folder / "once") as once, create(folder / "parts") as parts:
        ingest_interactions(once, paths, options=options)
        for path in paths:
            ingest_interactions(parts, path, options=options)
        expected = load_sequences(once)
        assert same(load_sequences(parts), expected)
        for path in paths:
            assert ingest_interactions(parts, path, options=options).added == 0 or duplicates != "keep-all"
        assert same(load_sequences(parts), expected)


def test_sequences_are_in_one_order_whatever_the_batches(store: Store, tmp_path: Path) -> None:
    """More rows than one batch, against Python's sort."""
    rng = np.random.default_rng(3)
    n = 300_000
    table = pa.table(
        {
            "user": rng.integers(0, 500, n).astype(str),
            "item": rng.integers(0, 300, n).astype(str),
            "time": rng.integers(0, 100_000, n),
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    report = ingest_interactions(store, tmp_path / "r.parquet")
    sequences = load_sequences(store)
    assert sequences.user_ids == tuple(str(n) for n in range(500))
    rows = list(
        dict.fromkeys(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    )
    assert report.added == len(rows) == sequences.n_events
    rows.sort(key=lambda row: (int(row[0]), row[2]))  # stable: ties as read
    assert [sequences.item_ids[code] for code in sequences.items] == [row[1] for row in rows]
    assert sequences.times is not None
    assert sequences.times.tolist() == [row[2] for row in rows]
