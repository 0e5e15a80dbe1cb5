"""Reading recommendation lists that another system made, checked entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv, parquet

from guided_store.errors import DataError

COLUMNS = ("user_id", "item_id", "rank", "score")

_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


@dataclass(frozen=True)
class Lists:
    """One entry per recommended item, in the order of the file.

    Attributes:
        path: the file.
        users, items: pa.ChunkedArray of large_string (N,), the ids.
        values: float64 (N,), ranks (1-based) or scores (higher is better).
        ranked: whether `values` are ranks.
        lines: int64 (N,), where each entry stands in the file.
        unit: "line" (CSV) or "row" (Parquet), what `lines` counts.
    """

    path: Path
    users: pa.ChunkedArray
    items: pa.ChunkedArray
    values: NDArray[np.float64]
    ranked: bool
    lines: NDArray[np.int64]
    unit: str

    def at(self, entry: int) -> str:
        """Where an entry stands: `recs.csv, line 7`."""
        return f"{self.path}, {self.unit} {self.lines[entry]}"

    def refuse(self, bad: NDArray[np.bool_], say: Callable[[int], str]) -> None:
        """Raise DataError for the first bad entry, with its place and what `say` says of it."""
        if bad.any():
            entry = int(bad.argmax())
            raise DataError(f"{self.at(entry)}: {say(entry)}")


def read_lists(path: Path) -> Lists:
    """Read `user_id`, `item_id` and `rank` (from 1) or `score` (higher is better) from CSV, TSV or Parquet.

    Where both are there, `rank` counts. Ids are read as text; other columns are ignored, blank lines skipped.

    Raises:
        DataError: no such file, another format, a missing column, an empty id, a rank that is not a whole
            number from 1, a score that is not a finite number; the last three name the line or row.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file of recommendations")
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        table, unit, first = _read_parquet(path), "row", 1
    elif suffix in (".csv", ".tsv"):
        table, unit, first = _read_csv(path, "\t" if suffix == ".tsv" else ","), "line", 2
    else:
        raise DataError(f"{path}: recommendations are read from .parquet, .csv and .tsv files")
    names = table.column_names
    for column in ("user_id", "item_id"):
        if column not in names:
            raise DataError(f"{path}: column {column!r} is missing, there are {', '.join(names) or 'none'}")
    kind = next((name for name in ("rank", "score") if name in names), None)
    if kind is None:
        raise DataError(f"{path}: a column 'rank' or 'score' is needed to order the lists")
    users, items = _ids(table, "user_id", path), _ids(table, "item_id", path)
    written = _as_text(table, kind, path)
    lines = np.arange(first, first + table.num_rows)
    # A blank line of a CSV arrives as a row of empty fields.
    empty = [pc.equal(column, "") for column in (users, items, written)]
    filled = pc.invert(pc.and_(pc.and_(empty[0], empty[1]), empty[2]))
    users, items, written = (column.filter(filled) for column in (users, items, written))
    lines = lines[np.asarray(filled)]
    if not len(lines):
        raise DataError(f"{path}: there are no recommendations in it")
    numeric = np.asarray(pc.match_substring_regex(written, _NUMBER))
    values = np.asarray(
        pc.if_else(pa.array(numeric), written, pa.scalar("nan", pa.large_string())).cast(pa.float64())
    )
    lists = Lists(path, users, items, values, kind == "rank", lines, unit)
    for name, column in (("user_id", users), ("item_id", items)):
        lists.refuse(np.asarray(pc.equal(column, "")), lambda _, name=name: f"{name} is empty")  # type: ignore[misc]
    if lists.ranked:
        whole = np.isfinite(values) & (values >= 1) & (values == np.floor(values))
        lists.refuse(~whole, lambda entry: f"rank {written[entry].as_py()!r} is not a whole number from 1")
    lists.refuse(
        ~np.isfinite(values), lambda entry: f"score {written[entry].as_py()!r} is not a finite number"
    )
    return lists


def _read_parquet(path: Path) -> pa.Table:
    try:
        present = parquet.read_schema(path).names
        return parquet.read_table(path, columns=[name for name in COLUMNS if name in present])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file ({_first_line(error)})") from error


def _read_csv(path: Path, delimiter: str) -> pa.Table:
    broken: list[csv.InvalidRow] = []

    def refuse(row: csv.InvalidRow) -> str:
        broken.append(row)
        return "error"

    try:
        # One thread: only then does an invalid row know its number.
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(
                delimiter=delimiter, ignore_empty_lines=False, invalid_row_handler=refuse
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(COLUMNS, pa.large_string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, OSError) as error:
        if broken:
            row = broken[0]
            raise DataError(
                f"{path}, line {row.number}: {row.actual_columns} fields where the header has "
                f"{row.expected_columns}"
            ) from error
        raise DataError(f"{path}: not a readable CSV file ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _as_text(table: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    """A column as large_string without nulls (empty instead), spaces around trimmed."""
    try:
        text = table.column(name).cast(pa.large_string())
    except pa.ArrowException as error:
        raise DataError(f"{path}: column {name!r} holds {table.schema.field(name).type} values") from error
    return pc.utf8_trim_whitespace(pc.fill_null(text, ""))


def _ids(table: pa.Table, name: str, path: Path) -> pa.ChunkedArray:
    kind = table.schema.field(name).type
    if pa.types.is_floating(kind):
        raise DataError(f"{path}: column {name!r} holds {kind} values, ids must be text or whole numbers")
    return _as_text(table, name, path)
