"""Files of every kind, rows that cannot be read, and the lines they are on."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guided_store.catalogue import FileFormat, IngestOptions, InteractionLayout, ingest_interactions
from guided_store.catalogue import load_sequences as load
from guided_store.errors import DataError, UsageError
from guided_store.store import Store

Write = Callable[[str, str | bytes], Path]
SKIP = IngestOptions(on_error="skip")
PLAIN = "userId,movieId,rating,timestamp\n1,10,4.0,100\n1,20,3.5,200\n2,10,5,50\n"


def events(store: Store) -> dict[str, list[str]]:
    sequences = load(store)
    return {user: sequences.history(user) for user in sequences.user_ids}


EXPECTED = {"1": ["10", "20"], "2": ["10"]}


def test_csv_columns_are_guessed_and_the_guess_is_reported(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("r.csv", PLAIN))
    assert events(store) == EXPECTED
    assert report.columns == {"user": "userId", "item": "movieId", "time": "timestamp", "weight": "rating"}
    assert any("user = 'userId'" in line for line in report.lines())
    assert any("seconds since 1970" in line for line in report.lines())


@pytest.mark.parametrize("mark", ["\t", ";", "|"])
def test_the_delimiter_is_found(store: Store, write: Write, mark: str) -> None:
    ingest_interactions(store, write("r.txt", PLAIN.replace(",", mark)))
    assert events(store) == EXPECTED


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.rstrip("\n").encode(),
        b"\n" + PLAIN.encode(),
        PLAIN.replace("1,10", '"1"," 10 "').encode(),
    ],
)
def test_csv_variants_read_alike(store: Store, write: Write, content: bytes) -> None:
    ingest_interactions(store, write("r.csv", content))
    assert events(store) == EXPECTED


@pytest.mark.parametrize("pack", [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_packed_files_are_unpacked(
    store: Store, write: Write, pack: tuple[str, Callable[[bytes], bytes]]
) -> None:
    ingest_interactions(store, write("r.csv" + pack[0], pack[1](PLAIN.encode())))
    assert events(store) == EXPECTED


def test_a_truncated_packed_file_is_an_error(store: Store, write: Write) -> None:
    packed = gzip.compress("".join(f"{n},{n * 7919 % 1000},1,{n}\n" for n in range(50_000)).encode())
    path = write("r.csv.gz", packed[: len(packed) // 2])
    with pytest.raises(DataError, match=r"r\.csv\.gz"):
        ingest_interactions(store, path, InteractionLayout("1", "2", time="4", file=FileFormat(header=False)))
    assert not store.has_table("interactions")


def test_no_header_names_columns_by_number_or_as_told(store: Store, write: Write) -> None:
    path = write("u.data", "1\t10\t4\t100\n1\t20\t3\t200\n2\t10\t5\t50\n")
    ingest_interactions(store, path, InteractionLayout("1", "2", time="4", file=FileFormat(header=False)))
    assert events(store) == EXPECTED
    named = FileFormat(header=False, names=("user", "item", "rating", "timestamp"))
    report = ingest_interactions(store, path, InteractionLayout(file=named))
    assert report.added == 0


def test_a_header_made_of_data_gets_a_hint(store: Store, write: Write) -> None:
    with pytest.raises(UsageError, match="--no-header"):
        ingest_interactions(store, write("u.data", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n"))


def test_a_delimiter_of_two_characters(store: Store, write: Write) -> None:
    rows = "".join(f"{n % 7}::{n}::4::{n}\n" for n in range(1, 400))
    file = FileFormat(delimiter="::", header=False, quoting=False)
    report = ingest_interactions(
        store, write("r.dat", rows), InteractionLayout("1", "2", time="4", file=file)
    )
    assert report.added == 399
    assert load(store).history("3")[:2] == ["3", "10"]


def test_parquet_with_typed_columns(store: Store, tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": pa.array([1, 1, 2], pa.int32()),
            "item": pa.array([10.0, 20.0, 10.0]),
            "ts": pa.array([100_000, 200_000, 50_000], pa.timestamp("ms", "Europe/Berlin")),
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    report = ingest_interactions(store, tmp_path / "r.parquet")
    assert events(store) == EXPECTED
    times = load(store).times
    assert times is not None
    assert times.tolist() == [100, 200, 50]
    assert any("timestamps" in line for line in report.lines())


def test_parquet_with_dictionary_and_large_strings(store: Store, tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": pa.array(["1", "1", "2"]).dictionary_encode(),
            "item": pa.array(["10", "20", "10"], pa.large_string()),
            "position": pa.array([0, 1, 0], pa.uint64()),
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    ingest_interactions(store, tmp_path / "r.parquet")
    assert events(store) == EXPECTED
    assert load(store).times is None


JSONL = [
    {"user_id": "1", "parent_asin": "10", "timestamp": 100_000, "rating": 4.0, "text": "x"},
    {"user_id": "1", "parent_asin": "20", "timestamp": 200_000, "rating": 3.0},
    {"user_id": "2", "parent_asin": "10", "timestamp": 50_000, "rating": 5.0, "images": [{"a": 1}]},
]


def test_amazon_2023_json_lines_have_milliseconds(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("r.jsonl", "".join(json.dumps(row) + "\n" for row in JSONL)))
    assert events(store) == EXPECTED
    assert any("milliseconds" in line for line in report.lines())


def test_amazon_2014_json_lines(store: Store, write: Write) -> None:
    rows = [
        {"reviewerID": "A1", "asin": "0001", "unixReviewTime": 1252800000, "overall": 5.0, "helpful": [0, 0]},
        {"reviewerID": "A1", "asin": "0002", "unixReviewTime": 1252700000, "overall": 5.0},
    ]
    ingest_interactions(store, write("r.json", "".join(json.dumps(row) + "\n" for row in rows)))
    assert events(store) == {"A1": ["0002", "0001"]}


def test_json_lines_of_mixed_types_read_as_well(store: Store, write: Write) -> None:
    lines = '{"user": 1, "item": "10", "time": 100}\n\n{"user": "1", "item": 20, "time": "200"}\n'
    lines += '{"user": 2.0, "item": 10, "time": 50.0}'
    ingest_interactions(store, write("r.jsonl", lines))
    assert events(store) == EXPECTED


def test_wrong_field_counts_name_their_lines(store: Store, write: Write) -> None:
    content = '\nuser,item,time\n1,10,100\n\n1,20\n"2\n",30,50\n2,10,50,9\n2,10,60\n'
    report = ingest_interactions(store, write("r.csv", content), options=SKIP)
    assert [(row.number, row.reason) for row in report.bad_rows] == [
        (5, "2 fields where 3 are expected"),
        (8, "4 fields where 3 are expected"),
    ]
    assert report.rows == 5
    assert report.left_out == {"unreadable, wrong number of fields": 2}


@pytest.mark.parametrize(
    "row, reason",
    [
        (b",10,100", "user id is blank"),
        (b"1,  ,100", "item id is blank"),
        (b"1,10,soon", "time is neither a number nor an ISO 8601 date: 'soon'"),
        (b"1,10,nan", "time is neither a number nor an ISO 8601 date: 'nan'"),
        (b"1,10,2001-02-30", "time is neither a number nor an ISO 8601 date: '2001-02-30'"),
        (b"1,10,1600000000000", "time lies after the year 3000"),
        (b"\xff\xfe,10,100", "user id is not valid UTF-8"),
        (b"1,10,\xff", "time is neither a number nor an ISO 8601 date"),
        (b"a\x00b,10,100", "user id holds a control character"),
    ],
)
def test_csv_rows_that_cannot_be_read(store: Store, write: Write, row: bytes, reason: str) -> None:
    good = b"5,50,100\n6,60,100\n"
    path = write("r.csv", b"user,item,time\n" + good + row + b"\n" + good[:9])
    with pytest.raises(DataError, match=r"r\.csv line 4: .*nothing was written.*--on-error skip") as raised:
        ingest_interactions(store, path)
    assert reason in str(raised.value)
    assert not store.has_table("interactions")
    report = ingest_interactions(store, path, options=SKIP)
    assert [(bad.number, bad.unit) for bad in report.bad_rows] == [(4, "line")]
    assert report.bad_rows[0].reason.startswith(reason)
    assert report.skipped == 1
    assert report.rows == 4


@pytest.mark.parametrize(
    "row, reason",
    [
        (b'{"user": 1, "item": 2, "time": 3', "broken JSON"),
        (b'{"user": 1, "item": "\xff", "time": 3}', "not valid UTF-8 at byte 22"),
        (b'{"user": 1, "time": 3}', "item id is blank"),
        (b'{"user": 1, "item": 2, "time": NaN}', "time is"),
        (b"[1, 2, 3]", "the JSON on this line is not an object"),
        (b'{"user": 1, "item": 2, "time": "never"}', "time is neither"),
        (b'{"user": 1.5, "item": 2, "time": 3}', None),
    ],
)
def test_json_rows_that_cannot_be_read(store: Store, write: Write, row: bytes, reason: str | None) -> None:
    good = b'{"user": 5, "item": 50, "time": 100}\n'
    path = write("r.jsonl", good + b"\n" + row + b"\n" + good.replace(b"5,", b"6,"))
    report = ingest_interactions(store, path, options=SKIP)
    if reason is None:  # in text form, 1.5 is an id like any other
        assert report.added == 3
        return
    assert [bad.number for bad in report.bad_rows] == [3]
    assert report.bad_rows[0].reason.startswith(reason)
    assert report.added == 2


def test_parquet_rows_that_cannot_be_read(store: Store, tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": [1.0, float("nan"), 2.5, 4.0, None, 6.0],
            "item": ["a", "b", "c", "d", "e", ""],
            "time": [1.0, 2.0, 3.0, float("inf"), 5.0, 6.0],
        }
    )
    pq.write_table(table, tmp_path / "r.parquet")
    report = ingest_interactions(store, tmp_path / "r.parquet", options=SKIP)
    assert [(bad.unit, bad.number, bad.reason) for bad in report.bad_rows] == [
        ("row", 2, "user id is NaN"),
        ("row", 3, "user id is a number with a fraction"),
        ("row", 4, "time is not a number: 'inf'"),
        ("row", 5, "user id is blank"),
        ("row", 6, "item id is blank"),
    ]
    assert events(store) == {"1": ["a"]}


def test_at_most_ten_bad_rows_are_listed_and_all_are_counted(store: Store, write: Write) -> None:
    rows = "".join(f"{n},{n},{'x' if n % 2 else n}\n" for n in range(100))
    report = ingest_interactions(store, write("r.csv", "user,item,time\n" + rows), options=SKIP)
    assert [bad.number for bad in report.bad_rows] == list(range(3, 23, 2))
    assert report.skipped == 50
    assert any("and 40 more" in line for line in report.lines())
    assert report.rows == report.added + sum(report.left_out.values())


def test_the_first_bad_rows_of_many_are_named_on_failure(store: Store, write: Write) -> None:
    rows = "".join(f"{n},{n},{'x' if n % 2 else n}\n" for n in range(100))
    with pytest.raises(DataError, match=r"line 3: .*so far 50 such rows, also line 5, line 7, line 9"):
        ingest_interactions(store, write("r.csv", "user,item,time\n" + rows))


def test_an_order_must_be_whole_and_present(store: Store, write: Write) -> None:
    content = "user,item,position\n1,a,0\n1,b,1.0\n1,c,1.5\n1,d,\n1,e,two\n"
    report = ingest_interactions(store, write("r.csv", content), options=SKIP)
    assert [bad.reason for bad in report.bad_rows] == [
        "order is not a whole number: '1.5'",
        "order is blank",
        "order is not a whole number: 'two'",
    ]
    assert events(store) == {"1": ["a", "b"]}


def test_a_weight_may_be_blank_and_must_be_a_number(store: Store, write: Write) -> None:
    content = "user,item,time,rating\n1,a,1,4\n1,b,2,\n1,c,3,good\n1,d,4,nan\n1,e,5,1e999\n"
    report = ingest_interactions(store, write("r.csv", content), options=SKIP)
    assert [bad.number for bad in report.bad_rows] == [4, 5, 6]
    assert store.read("interactions", ["weight"]).column("weight").to_pylist() == [4.0, None]


@pytest.mark.parametrize(
    "layout, message",
    [
        (InteractionLayout(user="who"), "no column 'who' for --user; its columns are 'userId', 'movieId'"),
        (InteractionLayout(time="when"), "no column 'when' for --time"),
        (InteractionLayout(file=FileFormat(kind="jsonl")), "no JSON object on its first lines"),
        (InteractionLayout(file=FileFormat(encoding="klingon")), "not an encoding"),
    ],
)
def test_wrong_columns_are_refused_with_the_files_columns(
    store: Store, write: Write, layout: InteractionLayout, message: str
) -> None:
    with pytest.raises((UsageError, DataError), match=message):
        ingest_interactions(store, write("r.csv", PLAIN), layout)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("r.csv", "", "is empty"),
        ("r.csv", "\n\n", "is empty"),
        ("r.csv", "user,item,time\n", "has no rows"),
        ("r.csv", "user,thing,when\n1,2,3\n", "item id with --item; its columns are 'user', 'thing', 'when'"),
        ("r.csv", "user,item\n1,2\n", "the time with --time, or the order with --order"),
        ("r.csv", "user,user,item,time\n1,2,3,4\n", "more than one column 'user'"),
        (
            "r.csv",
            'user,item,time\n1,2,3\n1,"2,3\n4,5,6\n',
            "line 3: 2 fields .* marks take in 1 line ends",
        ),
        ("r.parquet", "not parquet", "cannot be read as Parquet"),
        ("r.json", '[{"user": 1}]', "one JSON array"),
        ("r.xyz", PLAIN, "no known ending"),
    ],
)
def test_files_that_cannot_be_read(store: Store, write: Write, name: str, content: str, message: str) -> None:
    with pytest.raises((UsageError, DataError), match=message):
        ingest_interactions(store, write(name, content))
    assert not store.has_table("interactions")


@pytest.mark.parametrize("tail", ['1,2,3,"4\n', '1,2,3,"4', '1,2,"3,4\n', '"1,2,3,4\n'])
@pytest.mark.parametrize("skip", [False, True])
def test_a_quoted_field_that_never_ends_is_not_taken_for_one_row(
    store: Store, write: Write, tail: str, skip: bool
) -> None:
    rows = "".join(f"{n},{n},{n},note\n" for n in range(1_000))
    path = write("r.csv", f"user,item,time,note\n\n1,2,3,4\n{tail}{rows}")
    with pytest.raises(DataError, match=r"r\.csv line 4: (a quotation mark opens|.*quotation marks|time is)"):
        ingest_interactions(store, path, options=IngestOptions(on_error="skip" if skip else "fail"))
    if skip:
        with pytest.raises(DataError, match=r"line 4: a quotation mark .* never ends.*--no-quotes"):
            ingest_interactions(store, path, options=SKIP)
    assert not store.has_table("interactions")


def test_stray_quotation_marks_inside_fields_are_letters(store: Store, write: Write) -> None:
    report = ingest_interactions(store, write("r.csv", PLAIN.replace("1,20", '1,20"')))
    assert report.added == 3
    assert events(store)["1"] == ["10", '20"']


def test_missing_files_and_empty_folders(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        ingest_interactions(store, tmp_path / "absent.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no CSV"):
        ingest_interactions(store, tmp_path / "empty")


def test_a_long_field_and_many_blocks_keep_their_lines(store: Store, tmp_path: Path) -> None:
    """Fields longer than Python's own limit, over several of Arrow's blocks."""
    long = "x" * 300_000
    path = tmp_path / "r.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "item", "time", "note"])
        for n in range(120):
            writer.writerow([n, n, n, long + "\n" + long] if n % 2 else [n, n, "late", "a"])
    report = ingest_interactions(store, path, options=SKIP)
    assert path.stat().st_size > 2 * (16 << 20)
    assert report.added == 60
    assert [bad.number for bad in report.bad_rows] == [2 + 3 * n for n in range(10)]
