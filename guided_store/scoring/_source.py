"""Reading a file of scores (CSV, TSV, Parquet) into arrays, every fault with its line."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import DataError, UsageError

OnError = Literal["fail", "skip"]

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_DELIMITERS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class Columns:
    """Names of the columns that are not attributes."""

    item_id: str = "item_id"
    title: str = "title"
    year: str = "year"


@dataclass
class ScoreFile:
    """The good rows of a file of scores; m of them.

    Attributes:
        path: the file.
        digest: SHA-256 of its bytes.
        item_ids, titles, years: length m each, or None where the file has no such column.
        values: float64 (m, A) in the schema's order, NaN where a cell is blank.
        places: int64 (m,), line of each row (Parquet: row number), from 1.
        ignored: columns that are neither attributes nor used for joining.
        skipped: sentences, one for each row left out.
    """

    path: Path
    digest: str
    item_ids: list[str] | None
    titles: list[str | None] | None
    years: list[int | None] | None
    values: NDArray[np.float64]
    places: NDArray[np.int64]
    ignored: tuple[str, ...]
    skipped: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)


def read_scores(
    path: Path, schema: AttributeSchema, columns: Columns, *, need_id: bool, on_error: OnError
) -> ScoreFile:
    """Read and check a file of scores.

    Args:
        path: .csv, .tsv (UTF-8, with a header) or .parquet.
        schema: which columns are attributes, and their scale.
        columns: names of the id, title and year columns.
        need_id: rows are joined by item id, so that an id must be there, once.
        on_error: "fail" stops at the first bad row; "skip" leaves bad rows out and reports each.

    Raises:
        UsageError: no such file, or a kind of file that is not read.
        DataError: a missing column, or (with "fail") a bad row: text that is no number, a score out of the
            scale, a missing or repeated item id, a row of the wrong length.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    table, places, faults = _read_table(path)
    kind = "row" if path.suffix == ".parquet" else "line"
    ids, titles, years = (_optional(table, name) for name in (columns.item_id, columns.title, columns.year))
    if need_id and ids is None:
        raise DataError(
            f"{path} has no column {columns.item_id!r}; name the id column, or join by title and year"
        )
    lacking = [name for name in schema.names if name not in table.column_names]
    if lacking:
        raise DataError(
            f"{path} has no column for {_some(lacking)} of schema {schema.name!r}; its columns are "
            f"{_some(table.column_names)}"
        )
    bad: dict[int, str] = {}
    id_texts = None if ids is None else _texts(ids).to_pylist()
    if need_id and id_texts is not None:
        _check_ids(id_texts, columns.item_id, places, kind, bad)
    values = np.empty((table.num_rows, len(schema)), np.float64)
    for column, name in enumerate(schema.names):
        values[:, column] = _scores(table.column(name), name, schema.scale, bad)
    year_numbers = None if years is None else _years(years, columns.year, bad)
    faults += [(int(places[row]), bad[row]) for row in bad]
    sentences = [f"{path}, {kind} {place}: {what}" for place, what in sorted(faults)]
    if sentences and on_error == "fail":
        more = f" (and {len(sentences) - 1:,} more rows with faults)" if len(sentences) > 1 else ""
        raise DataError(sentences[0] + more)
    keep = np.setdiff1d(np.arange(table.num_rows), np.fromiter(bad, np.int64, len(bad)))
    if len(keep) == 0:
        raise DataError(
            f"{path} has no usable row" + (f"; the first fault: {sentences[0]}" if sentences else "")
        )
    used = {columns.item_id, columns.title, columns.year, *schema.names}
    return ScoreFile(
        path,
        file_digest(path),
        _take(id_texts, keep),
        None if titles is None else _take(_texts(titles).to_pylist(), keep),
        _take(year_numbers, keep),
        values[keep],
        places[keep],
        tuple(name for name in table.column_names if name not in used),
        sentences,
    )


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_table(path: Path) -> tuple[pa.Table, NDArray[np.int64], list[tuple[int, str]]]:
    """The file as a table, the place of each row, and rows that could not even be split into cells."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is not a readable Parquet file: {_first_line(error)}") from None
        return table, np.arange(1, table.num_rows + 1), []
    if path.suffix not in _DELIMITERS:
        raise UsageError(f"{path} is not a kind of file that is read here; give .csv, .tsv or .parquet")
    return _read_csv(path, _DELIMITERS[path.suffix])


def _read_csv(path: Path, delimiter: str) -> tuple[pa.Table, NDArray[np.int64], list[tuple[int, str]]]:
    from pyarrow import csv as arrow_csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            header = next(reader, [])
            starts, ragged, last = [], [], reader.line_num
            for record in reader:
                if record and len(record) != len(header):
                    ragged.append((last + 1, f"{len(record)} cells under {len(header)} column names"))
                elif record:
                    starts.append(last + 1)
                last = reader.line_num
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason}); save the file as UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from None
    if not header:
        raise DataError(f"{path} is empty; its first line must name the columns")
    twice = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice:
        raise DataError(f"{path}, line 1: column {twice[0]!r} is given twice")
    try:
        table = arrow_csv.read_csv(
            path,
            arrow_csv.ReadOptions(use_threads=False),
            arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, invalid_row_handler=lambda _: "skip"
            ),
            arrow_csv.ConvertOptions(column_types={name: pa.string() for name in header}),
        )
    except pa.ArrowException as error:
        raise DataError(f"{path} is not readable as a table: {_first_line(error)}") from None
    if table.num_rows != len(starts):
        raise DataError(
            f"{path} can be read in more than one way: quotes do not pair up, or lines end in different ways"
        )
    return table, np.array(starts, np.int64), ragged


def _optional(table: pa.Table, name: str) -> Any:
    return table.column(name) if name in table.column_names else None


def _texts(column: Any) -> Any:
    """A column as trimmed texts, blank as null; whole numbers without a decimal point."""
    if pa.types.is_floating(column.type):
        whole = pc.all(pc.equal(column, pc.trunc(column)), min_count=0).as_py()
        column = column.cast(pa.int64()) if whole else column
    texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _check_ids(
    ids: Sequence[str | None], name: str, places: NDArray[np.int64], kind: str, bad: dict[int, str]
) -> None:
    first: dict[str, int] = {}
    for row, item in enumerate(ids):
        if item is None:
            bad[row] = f"{name} is blank"
        elif item in first:
            bad[row] = f"item {item!r} was given already in {kind} {places[first[item]]}"
        else:
            first[item] = row


def _scores(column: Any, name: str, scale: tuple[float, float], bad: dict[int, str]) -> NDArray[np.float64]:
    """One attribute's scores, float64 (m,) with NaN where blank; faults go to `bad`."""
    numbers = _numbers(column, name, bad)
    low, high = scale
    # Parquet may carry infinities, which no scale holds; NaN there is a blank cell.
    for row in np.flatnonzero((numbers < low) | (numbers > high)):
        bad.setdefault(int(row), f"{name} is {numbers[row]:g}, outside the scale {low:g} to {high:g}")
    return numbers


def _years(column: Any, name: str, bad: dict[int, str]) -> list[int | None]:
    numbers = _numbers(column, name, bad)
    for row in np.flatnonzero((numbers != np.trunc(numbers)) & ~np.isnan(numbers)):
        bad.setdefault(int(row), f"{name} is {numbers[row]:g}, which is no year")
    return [int(number) if np.isfinite(number) else None for number in numbers]


def _numbers(column: Any, name: str, bad: dict[int, str]) -> NDArray[np.float64]:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        texts = _texts(column)
        numeric = pc.match_substring_regex(texts, _NUMBER)
        for row in np.flatnonzero(pc.invert(numeric).fill_null(False).to_numpy()):
            bad.setdefault(int(row), f"{name} is {texts[int(row)].as_py()!r}, which is no number")
        column = pc.if_else(numeric, texts, None)
    numbers = column.cast(pa.float64()).to_numpy()
    return np.asarray(numbers, np.float64)


def _take(values: list[Any] | None, keep: NDArray[np.int64]) -> list[Any] | None:
    return None if values is None else [values[row] for row in keep]


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0]
