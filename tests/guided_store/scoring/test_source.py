"""Reading files of scores: what is taken, and the sentence and line for each fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from guided_store.attributes import AttributeSchema
from guided_store.errors import DataError, UsageError
from guided_store.scoring import Columns
from guided_store.scoring._source import ScoreFile, read_scores

HEADER = ("item_id", "title", "year", "pace", "mood", "humor")


def read(path: Path, schema: AttributeSchema, on_error: str = "fail", need_id: bool = True) -> ScoreFile:
    return read_scores(path, schema, Columns(), need_id=need_id, on_error=on_error)  # type: ignore[arg-type]


def test_columns_are_taken_by_name_in_the_schemas_order(
    schema: AttributeSchema, write_csv: Callable[..., Path]
) -> None:
    path = write_csv(HEADER, (1, "Heat, The", 1995, 7, 3, " 1.5 "), ("b", "", "", "", 3, 10))
    file = read(path, schema)
    assert file.item_ids == ["1", "b"]
    assert file.titles == ["Heat, The", None]
    assert file.years == [1995, None]
    np.testing.assert_array_equal(file.values, [[1.5, 7], [10, np.nan]])
    assert file.ignored == ("mood",)
    assert file.places.tolist() == [2, 3]


def test_lines_are_counted_through_quoted_line_ends_and_blank_lines(
    schema: AttributeSchema, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_text('item_id,title,humor,pace\n1,"two\nlines",1,2\n\n2,x,3,4\n3,y,11,4\n')
    with pytest.raises(DataError, match=r"s\.csv, line 6: humor is 11, outside the scale 0 to 10$"):
        read(path, schema)


def test_byte_order_mark_tabs_and_windows_line_ends(schema: AttributeSchema, tmp_path: Path) -> None:
    path = tmp_path / "s.tsv"
    path.write_bytes("\ufeffitem_id\thumor\tpace\r\né\t1\t2\r\n".encode())
    file = read(path, schema)
    assert file.item_ids == ["é"]
    assert file.values.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ((2, "x", 1990, "fast", 0, 3), "pace is 'fast', which is no number"),
        ((2, "x", 1990, "nan", 0, 3), "pace is 'nan', which is no number"),
        ((2, "x", 1990, "1,5", 0, 3), "pace is '1,5', which is no number"),
        ((2, "x", 1990, -0.5, 0, 3), "pace is -0.5, outside the scale 0 to 10"),
        ((2, "x", 1990, 1, 0, "1e3"), "humor is 1000, outside the scale 0 to 10"),
        ((1, "x", 1990, 1, 0, 3), "item '1' was given already in line 2"),
        (("", "x", 1990, 1, 0, 3), "item_id is blank"),
        ((2, "x", "MCMXC", 1, 0, 3), "year is 'MCMXC', which is no number"),
        ((2, "x", 1990.5, 1, 0, 3), "year is 1990.5, which is no year"),
        ((2, "x", 1990, 1, 0), "5 cells under 6 column names"),
    ],
)
def test_a_bad_row_is_named_or_skipped(
    row: tuple[object, ...], fault: str, schema: AttributeSchema, write_csv: Callable[..., Path]
) -> None:
    path = write_csv(HEADER, (1, "a", 1990, 1, 0, 3), row, (3, "c", 1990, 5, 0, 6))
    with pytest.raises(DataError) as caught:
        read(path, schema)
    assert str(caught.value) == f"{path}, line 3: {fault}"
    file = read(path, schema, on_error="skip")
    assert file.item_ids == ["1", "3"]
    assert file.values.tolist() == [[3, 1], [6, 5]]
    assert file.places.tolist() == [2, 4]
    assert file.skipped == [f"{path}, line 3: {fault}"]


def test_the_first_of_several_faults_is_told_with_their_number(
    schema: AttributeSchema, write_csv: Callable[..., Path]
) -> None:
    path = write_csv(("item_id", "humor", "pace"), (1, 99, 1), (2, 1), (3, 1, "x"), (4, 1, 1))
    with pytest.raises(DataError, match=r"line 2: humor is 99, .* \(and 2 more rows with faults\)$"):
        read(path, schema)
    assert len(read(path, schema, on_error="skip").skipped) == 3


def test_ids_are_not_needed_for_a_join_by_title(
    schema: AttributeSchema, write_csv: Callable[..., Path]
) -> None:
    path = write_csv(("title", "humor", "pace"), ("a", 1, 1), ("a", 2, 2))
    assert len(read(path, schema, need_id=False)) == 2
    with pytest.raises(DataError, match=r"has no column 'item_id'; name the id column, or join by title"):
        read(path, schema)


def test_missing_columns(schema: AttributeSchema, write_csv: Callable[..., Path]) -> None:
    path = write_csv(("item_id", "humour", "pace"), (1, 1, 1))
    with pytest.raises(
        DataError, match=r"no column for humor of schema 'demo'; its columns are item_id, humour"
    ):
        read(path, schema)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; its first line must name the columns"),
        (b"item_id,humor,pace\n", "has no usable row"),
        (b"item_id,humor,humor,pace\n1,1,1,1\n", "line 1: column 'humor' is given twice"),
        (b"item_id,humor,pace\n\xff,1,1\n", "not UTF-8 text"),
    ],
)
def test_files_that_are_no_tables(
    content: bytes, sentence: str, schema: AttributeSchema, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path, schema)
    assert sentence in str(caught.value)


def test_only_bad_rows_leave_nothing_to_import(
    schema: AttributeSchema, write_csv: Callable[..., Path]
) -> None:
    path = write_csv(("item_id", "humor", "pace"), (1, 99, 1))
    with pytest.raises(DataError, match=r"no usable row; the first fault: .*line 2: humor is 99"):
        read(path, schema, on_error="skip")


def test_parquet(schema: AttributeSchema, tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    table = pa.table(
        {"item_id": [7, 8], "humor": [1.0, float("nan")], "pace": ["3", None], "note": ["a", "b"]}
    )
    pq.write_table(table, path)
    file = read(path, schema)
    assert file.item_ids == ["7", "8"]
    np.testing.assert_array_equal(file.values, [[1, 3], [np.nan, np.nan]])
    assert file.ignored == ("note",)
    pq.write_table(pa.table({"item_id": [1.0, 2.0], "humor": [1, 1], "pace": [1.0, float("inf")]}), path)
    with pytest.raises(DataError, match=r"s\.parquet, row 2: pace is inf, outside"):
        read(path, schema)
    assert read(path, schema, on_error="skip").item_ids == ["1"]
    path.write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        read(path, schema)


def test_wrong_requests(schema: AttributeSchema, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        read(tmp_path / "none.csv", schema)
    path = tmp_path / "s.xlsx"
    path.write_bytes(b"x")
    with pytest.raises(UsageError, match=r"give \.csv, \.tsv or \.parquet"):
        read(path, schema)
