"""One table in every format: the same figures, rounded for people and whole for programs."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.errors import UsageError
from guided_store.evaluation import Table, cell_text, tables_to_csv


@pytest.fixture
def table() -> Table:
    rows = [
        ("a|b", 1234, 0.12345, (0.1, 0.25)),
        ("two\nlines", None, math.nan, None),
    ]
    return Table("Figures", ("name", "count", "value", "95 %"), tuple(rows), "A note.", {"value": "+.1%"})


def test_text_for_people(table: Table) -> None:
    assert table.text() == [("a|b", "1,234", "+12.3%", "0.1000 to 0.2500"), ("two\nlines", "", "", "")]
    assert table.right == ("count", "value", "95 %")


def test_markdown_keeps_its_cells(table: Table) -> None:
    lines = table.to_markdown(level=2).splitlines()
    assert lines[0] == "## Figures"
    assert lines[2] == "| name | count | value | 95 % |"
    assert lines[3] == "| --- | --: | --: | --: |"
    assert lines[4] == r"| a\|b | 1,234 | +12.3% | 0.1000 to 0.2500 |"
    assert lines[5] == "| two lines |  |  |  |"
    assert lines[-1] == "A note."


def test_csv_has_whole_figures_and_two_columns_an_interval(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert list(rows[0]) == ["name", "count", "value", "95 % low", "95 % high"]
    assert rows[0] == {
        "name": "a|b",
        "count": "1234",
        "value": "0.12345",
        "95 % low": "0.1",
        "95 % high": "0.25",
    }
    assert set(list(rows[1].values())[1:]) == {""}


def test_several_tables_in_one_file(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(tables_to_csv([table, table]))))
    assert len(rows) == 2 * 3  # count, value and interval of the first row; of the second there are none
    assert rows[0] == {
        "table": "Figures", "row": "a|b", "column": "count", "value": "1234", "low": "", "high": ""
    }  # fmt: skip
    assert (rows[2]["value"], rows[2]["low"], rows[2]["high"]) == ("", "0.1", "0.25")


def test_numbers_of_numpy_are_numbers(table: Table) -> None:
    found = Table("t", ("i", "f", "p"), ((np.int64(3), np.float32(0.5), [np.float64(1), np.float64(2)]),))  # type: ignore[arg-type]
    assert found.rows == ((3, 0.5, (1.0, 2.0)),)
    assert json.loads(json.dumps(found.to_dict()))["rows"] == [[3, 0.5, [1.0, 2.0]]]
    assert json.loads(json.dumps(table.to_dict(), allow_nan=False))["rows"][1][2] is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_csv_figures_are_read_back_as_they_were(value: float) -> None:
    rows = list(csv.reader(io.StringIO(Table("t", ("x",), ((value,),)).to_csv())))
    assert float(rows[1][0]) == value


def test_cells_alone() -> None:
    assert cell_text(None) == ""
    assert cell_text(0.5) == "0.5000"
    assert cell_text((-0.5, 0.5), "+.0%") == "-50% to +50%"
    assert Table("empty", ("a", "b"), ()).to_csv() == "a,b\n"


@pytest.mark.parametrize(
    ("columns", "rows", "formats", "words"),
    [
        (("a", "a"), (), {}, "a heading twice"),
        (("a", "b"), (("x",),), {}, "does not fit"),
        (("a",), (), {"b": ".1%"}, "no column 'b'"),
    ],
)
def test_tables_that_cannot_be(
    columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], formats: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        Table("t", columns, rows, "", formats)
