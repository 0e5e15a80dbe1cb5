"""What every kind of file is read into: chunks of named columns whose rows know their place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._options import FileFormat
from guided_store.catalogue._sources import file_kind, first_line
from guided_store.errors import DataError

ROWS = 262_144


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        columns: the asked columns, each an Arrow array: text as binary or string, numbers as they are.
        records: int64, the number of each row's record in the file; `Reader.locate` makes lines of them.
        done: how much of the file, in the unit of `Reader.size`, has been read.
    """

    columns: dict[str, Any]
    records: NDArray[np.int64]
    done: int


class Reader(Protocol):
    """A file of one kind, opened for reading.

    Attributes:
        path: the file.
        names: its columns.
        unit: what `locate` counts, "line" or "row".
        size: bytes or rows in all.
        typed: whether the file itself knows numbers from text.
    """

    path: Path
    names: tuple[str, ...]
    unit: str
    size: int
    typed: bool

    def chunks(self, columns: Sequence[str], bad: BadRows) -> Iterator[Chunk]:
        """Read once from the start; rows that are no rows go to `bad`."""
        ...

    def locate(self, records: list[int]) -> list[int]:
        """Line (or row) numbers, from 1, of record numbers in ascending order."""
        ...


class ParquetReader:
    """A Parquet file."""

    unit = "row"
    typed = True

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                self.names = tuple(str(name) for name in file.schema_arrow.names)
                self.size = int(file.metadata.num_rows)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{path} cannot be read as Parquet: {first_line(error)}") from None

    def chunks(self, columns: Sequence[str], bad: BadRows) -> Iterator[Chunk]:
        start = 0
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(ROWS, columns=list(columns), use_threads=False):
                    records = np.arange(start, start + batch.num_rows)
                    start += batch.num_rows
                    yield Chunk({name: batch.column(name) for name in columns}, records, start)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{self.path} is damaged after row {start}: {first_line(error)}") from None

    def locate(self, records: list[int]) -> list[int]:
        return [record + 1 for record in records]


def open_reader(path: Path, file: FileFormat) -> Reader:
    """Open a file by its kind.

    Raises:
        UsageError: its kind is unknown.
        DataError: it is not of that kind, or empty.
    """
    from guided_store.catalogue._csv import CsvReader
    from guided_store.catalogue._jsonl import JsonLinesReader

    kind = file_kind(path, file)
    if kind == "parquet":
        return ParquetReader(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    return CsvReader(path, file) if kind == "csv" else JsonLinesReader(path)
