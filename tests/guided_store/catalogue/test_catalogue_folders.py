"""Folders in known layouts: the real ones where they are, handmade ones of the same form elsewhere."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from forking import LANCE, Forking

from guided_store.catalogue import (
    IngestOptions,
    detect_folder,
    ingest_folder,
    ingest_interactions,
    ingest_movielens,
    leave_one_out,
    load_items,
    load_sequences,
    time_split,
)
from guided_store.errors import DataError, UsageError
from guided_store.store import Store, create
from guided_store.store import open as open_store

Write = Callable[[str, str | bytes], Path]

FLAGS = "|".join("1" if place in (1, 6) else "0" for place in range(19))
HANDMADE: dict[str, dict[str, bytes]] = {
    "ml-100k": {
        "u.data": b"1\t2\t3\t881250949\n1\t1\t4\t881250949\n2\t1\t5\t881250940\n",
        "u.item": f"1|Am\xe9lie (2001)|01-Jan-2001||http://a|{FLAGS}\n2|unknown||||{FLAGS}\n".encode(
            "latin-1"
        ),
        "u.user": b"1|24|M|technician|85711\n2|53|F|other|T8H1N\n",
    },
    "ml-1m.dat": {
        "ratings.dat": b"1::2::3::978300760\n1::1::4::978300760\n2::1::5::978300700\n",
        "movies.dat": "1::Amélie: A Life (2001)::Action|Crime\n2::Heat (1995)::Crime\n".encode("latin-1"),
        "users.dat": b"1::F::1::10::48067\n2::M::56::16::70072\n",
    },
    "ml-latest": {
        "ratings.csv": b"userId,movieId,rating,timestamp\n1,2,4.0,964982703\n1,1,4.5,964982703\n2,1,0.5,9\n",
        "movies.csv": 'movieId,title,genres\n1,"Amélie, A (2001)",Action|Crime\n2,Heat (1995),\n'.encode(),
    },
    "tables": {
        "interactions.tsv": b"user_id\titem_id\tposition\n1\t2\t0\n1\t1\t1\n2\t1\t0\n",
        "items.jsonl": '{"item_id": 1, "title": "Amélie (2001)"}\n{"item_id": 2, "title": ""}\n'.encode(),
        "users.csv": b"user_id,group\n1,a\n2,b\n",
    },
}


@pytest.mark.parametrize("name", HANDMADE)
def test_handmade_folders(store: Store, write: Write, tmp_path: Path, name: str) -> None:
    for file, content in HANDMADE[name].items():
        write(f"{name}/{file}", content)
    reports = ingest_folder(store, tmp_path / name)
    assert sum(report.skipped for report in reports) == 0
    sequences = load_sequences(store)
    assert sequences.user_ids == ("1", "2")
    assert sequences.history("1") == ["2", "1"]
    items = load_items(store)
    assert items.title_of("1").startswith("Amélie")
    assert items.year_of("1") == 2001
    if name != "tables":
        assert items.texts["1"] == "Action, Crime"
        assert store.read("interactions", ["weight"]).column("weight").null_count == 0
    if name != "ml-latest":
        assert store.read("users").num_rows == 2
    assert [report.table for report in reports][-1] == "interactions"
    again = ingest_folder(store, tmp_path / name)
    assert all(report.added == report.updated == 0 for report in again)


def test_folders_of_no_known_layout(store: Store, write: Write, tmp_path: Path) -> None:
    folder = write("odd/data.csv", "a\n").parent
    assert detect_folder(folder) is None
    with pytest.raises(UsageError, match="none of the known layouts"):
        ingest_folder(store, folder)
    write("odd/interactions.csv", "user,item,time\n1,a,1\n")
    with pytest.raises(UsageError, match="not a MovieLens folder"):
        ingest_movielens(store, folder)
    with pytest.raises(UsageError, match="there is no folder"):
        ingest_folder(store, tmp_path / "absent")


def test_an_error_in_one_table_leaves_all(store: Store, write: Write) -> None:
    for file, content in HANDMADE["ml-latest"].items():
        write(f"ml/{file}", content)
    folder = write("ml/ratings.csv", "userId,movieId,rating,timestamp\n1,2,4.0,soon\n").parent
    with pytest.raises(DataError, match=r"ratings\.csv line 2: time is neither"):
        ingest_movielens(store, folder)
    assert store.table_names() == []


# users, items with events, events, titles, share of users with a tied last time
REAL = {
    "ml-100k": (943, 1_682, 100_000, 1_682, 0.44),
    "ml-latest-small": (610, 9_724, 100_836, 9_742, None),
    "ml-1m": (6_040, 3_416, 999_611, 3_883, None),
    "amazon-office": (4_905, 2_420, 53_258, 2_420, 0.0),
    "games": (34_670, 5_794, 290_477, 5_794, 0.0),
}
# Of the handmade folders, for where the real ones are not.
MADE = {"ml-100k": (2, 2, 3, 2, 0.5), "ml-latest": (2, 2, 3, 2, 0.5), "tables": (2, 2, 3, 2, 0.0)}
STAND_INS = {"ml-latest-small": "ml-latest", "ml-1m": "tables", "amazon-office": "tables", "games": "tables"}


@pytest.mark.parametrize("name", REAL)
def test_real_layouts(store: Store, write: Write, tmp_path: Path, datasets: Path, name: str) -> None:
    """Counts exactly as published; both splits where there are times."""
    if (datasets / name).is_dir():
        folder, expected = datasets / name, REAL[name]
        options = IngestOptions(fill_time="neighbours" if name == "ml-1m" else None)
    else:
        stand_in = STAND_INS.get(name, name)
        for file, content in HANDMADE[stand_in].items():
            write(f"{name}/{file}", content)
        folder, expected, options = tmp_path / name, MADE[stand_in], IngestOptions()
    users, items, events, titles, tied = expected
    *_, report = ingest_folder(store, folder, options)
    assert (report.users, report.items, report.total, report.added) == (users, items, events, events)
    assert report.unknown_items == 0
    assert report.ties is not None
    if tied is not None:
        assert report.ties.users / report.ties.of_users == pytest.approx(tied, abs=0.002)
    sequences = load_sequences(store)
    assert (sequences.n_users, sequences.n_items, sequences.n_events) == (users, items, events)
    assert len(load_items(store)) == titles
    if sequences.times is None:
        with pytest.raises(UsageError, match="an order only"):
            time_split(sequences)
    else:
        same_user = np.ones(events - 1, bool)
        same_user[sequences.indptr[1:-1] - 1] = False
        assert (np.diff(sequences.times)[same_user] >= 0).all()
    if events > 3:
        assert len(leave_one_out(sequences).test) == users
        if sequences.times is not None:
            split = time_split(sequences)
            assert 0.75 < split.train.n_events / events < 0.85
            assert len(split.test) > 20
    if name == "ml-1m" and events == REAL[name][2]:
        assert report.times_filled == 366_151
        positions = store.read("interactions", ["user_id", "position"])
        # Filled times never go against the order column: sorted by time, positions run through.
        assert (
            positions.column("position").to_numpy().tolist()
            == np.concatenate([np.arange(length) for length in sequences.lengths]).tolist()
        )


def test_a_k_core_of_the_real_one(store: Store, write: Write, datasets: Path) -> None:
    """The published 5-core of Office Products is its own core; a higher one is a smaller fixpoint."""
    real = datasets / "amazon-office" / "interactions.parquet"
    rows = "".join(f"{user},{item},{item}\n" for user in range(9) for item in range(9) if user + item < 12)
    source = real if real.exists() else write("r.csv", "user,item,position\n" + rows)
    for least in (5, 8 if real.exists() else 6):
        options = IngestOptions(min_user_events=least, min_item_events=least, replace=True)
        report = ingest_interactions(store, source, options=options)
        sequences = load_sequences(store)
        assert sequences.lengths.min() >= least
        assert sequences.counts().min() >= least
        if least == 5:
            assert report.left_out == ({} if real.exists() else report.left_out)
            whole = sequences.n_events
    assert sequences.n_events < whole


KILLED = """
import sys
from contextlib import contextmanager
import lancedb
from guided_store.catalogue import IngestOptions, ingest_interactions
from guided_store.progress import SILENT
from guided_store.store import open

class Announced:
    log = SILENT.log
    @contextmanager
    def task(self, title, total):
        print(title.split()[0], flush=True)
        with SILENT.task(title, total) as task:
            yield task

with open(sys.argv[1], write=True) as store:
    options = IngestOptions(replace=sys.argv[3] == "replace")
    ingest_interactions(store, sys.argv[2], options=options, progress=Announced())
    print("done", flush=True)
"""


@pytest.fixture(scope="module")
def forking() -> Iterator[Forking]:
    with Forking("guided_store.catalogue", *LANCE) as process:
        yield process


@pytest.mark.parametrize(
    "mode, moments",
    [
        ("append", [("reading", 0.0), ("writing", 0.0), ("writing", 0.03)]),
        ("replace", [("writing", 0.01)]),
    ],
)
def test_a_kill_leaves_the_table_as_before_or_as_after(
    tmp_path: Path, write: Write, forking: Forking, mode: str, moments: list[tuple[str, float]]
) -> None:
    first = write("a.csv", "user,item,time\n1,a,1\n1,b,2\n")
    rng = np.random.default_rng(1)
    rows = "".join(f"{u},{i},{t}\n" for u, i, t in rng.integers(0, 5_000, (150_000, 3)))
    more = write("b.csv", "user,item,time\n" + rows)
    with create(tmp_path / "store") as store:
        ingest_interactions(store, first)
    sizes = []
    for announced, delay in moments:
        child = forking.start(KILLED, tmp_path / "store", more, mode)
        assert f"{announced}\n" in iter(child.stdout.readline, "")
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        sizes.append(load_sequences(open_store(tmp_path / "store")).n_events)
    with open_store(tmp_path / "store", write=True) as store:  # the dead writer's lock is gone
        after = ingest_interactions(store, more, options=IngestOptions(replace=mode == "replace")).total
    assert set(sizes) <= {2, after}
    assert sizes == sorted(sizes)
    assert after > 100_000
    if mode == "append":
        assert sizes[0] == 2
