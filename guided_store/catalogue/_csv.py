"""Delimited text, streamed through Arrow's parser; every field arrives as bytes and is judged later."""

from __future__ import annotations

import csv
import io
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._options import FileFormat
from guided_store.catalogue._readers import Chunk
from guided_store.catalogue._sources import BLOCK, Bytes, first_line
from guided_store.errors import DataError, UsageError

_HEAD = 1 << 20
# Stands for a delimiter of several characters, which Arrow's parser does not know.
_UNIT_SEPARATOR = "\x1f"
# A last line of our own: where it is not read as a record, the one before has swallowed it.
_END = "end of file"


class CsvReader:
    """A CSV file (or TSV, or MovieLens `.dat`)."""

    unit = "line"
    typed = False

    def __init__(self, path: Path, file: FileFormat) -> None:
        self.path = path
        self._file = file
        self._replace: tuple[bytes, bytes] | None = None
        if file.delimiter is not None and len(file.delimiter) > 1:
            self._replace = (file.delimiter.encode(), _UNIT_SEPARATOR.encode())
        with Bytes(path, replace=self._replace) as source:
            self.size = source.size
            head = self._decode(source.read(_HEAD))
        text = head.lstrip("\ufeff")
        line = text.lstrip("\r\n")
        self._blank_lines = text[: len(text) - len(line)].count("\n")
        if not line.strip():
            raise DataError(f"{path} is empty")
        self.delimiter = _UNIT_SEPARATOR if self._replace else (file.delimiter or _sniff(line))
        first = next(self._records(io.StringIO(line, newline="")), [])
        if file.header:
            self.names = tuple(name.strip() for name in first)
        elif file.names:
            self.names = file.names
        else:
            self.names = tuple(str(place + 1) for place in range(len(first)))

    def chunks(self, columns: Sequence[str], bad: BadRows) -> Iterator[Chunk]:
        for name in columns:
            if self.names.count(name) > 1:
                raise UsageError(f"{self.path} has more than one column {name!r}; rename one of them")
        invalid: list[tuple[int, str]] = []  # record number, reason
        reported = 0

        def on_invalid(row: pyarrow.csv.InvalidRow) -> str:
            reason = f"{row.actual_columns} fields where {row.expected_columns} are expected"
            if inside := row.text.count("\n"):
                reason += f", since quotation marks take in {inside:,} line ends"
            invalid.append((int(row.number) - 1 - self._blank_lines - self._file.header, reason))
            return "skip"

        start = 0
        with Bytes(self.path, replace=self._replace) as source:
            try:
                # One thread: only then does Arrow number the invalid rows.
                stream = pyarrow.csv.open_csv(
                    pa.PythonFile(source, mode="r"),
                    read_options=pyarrow.csv.ReadOptions(
                        use_threads=False,
                        block_size=BLOCK,
                        column_names=[str(place) for place in range(len(self.names))],
                        skip_rows=self._blank_lines,
                        skip_rows_after_names=int(self._file.header),
                        encoding=self._file.encoding,
                    ),
                    parse_options=pyarrow.csv.ParseOptions(
                        delimiter=self.delimiter,
                        quote_char='"' if self._file.quoting else False,
                        newlines_in_values=self._file.quoting,
                        invalid_row_handler=on_invalid,
                    ),
                    convert_options=pyarrow.csv.ConvertOptions(
                        column_types={str(place): pa.binary() for place in range(len(self.names))},
                        include_columns=[str(self.names.index(name)) for name in columns],
                        strings_can_be_null=False,
                    ),
                )
                for batch in stream:
                    records = _skip_over(start, batch.num_rows, np.array([n for n, _ in invalid], np.int64))
                    start += batch.num_rows
                    arrays = dict(zip(columns, batch.columns, strict=True))
                    _report(invalid[reported:], bad)
                    reported = len(invalid)
                    yield Chunk(arrays, records, source.done)
            except (pa.ArrowInvalid, UnicodeDecodeError) as error:
                raise self._damage(error, start) from None
        if reported < len(invalid):
            _report(invalid[reported:], bad)
            nothing = dict.fromkeys(columns, pa.array([], pa.binary()))
            yield Chunk(nothing, np.zeros(0, np.int64), self.size)
        if self._file.quoting and source.quotes % 2:
            self._check_closed()

    def locate(self, records: list[int]) -> list[int]:
        # Arrow counts records, not lines (blank lines, line ends inside quotes): read again up to the last.
        wanted = dict.fromkeys(records, 0)
        if not wanted:
            return []
        last = max(wanted)
        with Bytes(self.path, replace=self._replace) as source:
            reader = self._records(_lines(source))
            number = -1 if self._file.header else 0
            before = 0
            for row in reader:
                if row and number in wanted:
                    wanted[number] = before + 1
                if row:
                    number += 1
                before = reader.line_num
                if number > last:
                    break
        return [wanted[record] for record in records]

    def _check_closed(self) -> None:
        """Raise DataError where a quoted field runs to the end of the file and has swallowed what follows."""
        with Bytes(self.path, replace=self._replace) as source:
            reader = self._records(itertools.chain(_lines(source), [_END]))
            last: list[str] = []
            start = before = 0
            for row in reader:
                start, before, last = before, reader.line_num, row
        if last != [_END]:
            raise DataError(
                f"{self.path} line {start + 1}: a quotation mark opens a field that never ends, and the rest "
                "of the file is taken for its text; correct it, or read without quoting (--no-quotes)"
            )

    def _damage(self, error: Exception, rows: int) -> DataError:
        quotes = self._file.quoting and "UTF" not in str(error)
        hint = "; the usual cause is a quotation mark without its partner (see --no-quotes)" if quotes else ""
        return DataError(f"{self.path} cannot be read as CSV after row {rows:,}: {first_line(error)}{hint}")

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode(self._file.encoding, errors="replace")
        except LookupError:
            raise UsageError(f"{self._file.encoding!r} is not an encoding Python knows") from None

    def _records(self, lines: Iterable[str]) -> _Csv:
        return _Csv(lines, self.delimiter, self._file.quoting)


class _Csv:
    """Python's own CSV reader with fields of any length; the module's limit is as before afterwards."""

    def __init__(self, lines: Iterable[str], delimiter: str, quoting: bool) -> None:
        if quoting:
            self._reader = csv.reader(lines, delimiter=delimiter)
        else:
            self._reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)

    @property
    def line_num(self) -> int:
        return self._reader.line_num

    def __iter__(self) -> _Csv:
        return self

    def __next__(self) -> list[str]:
        limit = csv.field_size_limit(sys.maxsize)
        try:
            return next(self._reader)
        finally:
            csv.field_size_limit(limit)


class _Readable(io.RawIOBase):
    """`readinto` over `Bytes.read`, for the standard library's buffering."""

    def __init__(self, source: Bytes) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _lines(source: Bytes) -> io.TextIOWrapper:
    """The file's lines; which bytes are what letters does not matter for where records end."""
    return io.TextIOWrapper(io.BufferedReader(_Readable(source), BLOCK), "latin-1", newline="")


def _sniff(text: str) -> str:
    line = text.splitlines()[0]
    counts = {mark: line.count(mark) for mark in "\t,;|"}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else ","


def _skip_over(start: int, rows: int, invalid: NDArray[np.int64]) -> NDArray[np.int64]:
    """Record numbers of the readable rows start..start+rows, when the records `invalid` are left out."""
    readable = np.arange(start, start + rows)
    if not len(invalid):
        return readable
    before = np.sort(invalid) - np.arange(len(invalid))
    return readable + np.searchsorted(before, readable, side="right")


def _report(invalid: list[tuple[int, str]], bad: BadRows) -> None:
    if invalid:
        bad.add("wrong number of fields", [number for number, _ in invalid], lambda place: invalid[place][1])
