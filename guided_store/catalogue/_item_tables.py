"""Item and user files to Arrow tables: all columns kept, types found, titles split, text composed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from guided_store.catalogue._arrays import is_text
from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._ids import Vocabulary
from guided_store.catalogue._jsonl import JsonLinesReader, as_text
from guided_store.catalogue._parse import parse_ids, text_column
from guided_store.catalogue._read import set_aside
from guided_store.catalogue._readers import Reader
from guided_store.progress import Progress

# "Heat (1995)", "Two Friends (1986) ", "Land Before Time III (1995) (V)", "Death Note (2006–2007)"
_YEAR = r"^(?P<title>.*\S)\s*\((?P<year>[12][0-9]{3})(?:[-–][0-9]{0,4})?\)\s*(?:\((?:V|TV|mini)\))?\s*$"


def read_table(reader: Reader, key: str, name: str, bad: BadRows, progress: Progress) -> pa.Table:
    """A whole file as a table, `key` as non-null strings in front; rows without a usable key go to `bad`.

    Text columns of CSV and JSON files that hold numbers throughout become numbers; ids, and numbers with
    leading zeros, stay text. Lists and structures become text.
    """
    names = list(reader.all_names() if isinstance(reader, JsonLinesReader) else reader.names)
    parts: list[pa.Table] = []
    done = 0
    with progress.task(f"reading {reader.path.name}", reader.size) as task:
        for chunk in reader.chunks(names, bad):
            vocabulary = Vocabulary()
            parsed = parse_ids(chunk.columns[key], name, vocabulary)
            found = list(parsed.faults)
            columns: dict[str, Any] = {}
            for column in names:
                if column != key:
                    columns[column], faults = text_column(_flat(chunk.columns[column]), column)
                    found += faults
            good = set_aside(chunk, found, bad)
            known = pa.array(parsed.values, mask=parsed.values < 0)
            ids = pa.array(vocabulary.ids, pa.string()).take(known)
            parts.append(pa.table({key: ids, **columns}).filter(pa.array(good)))
            bad.settle(reader.path.name, reader.unit, reader.locate, last=False)
            task.advance(chunk.done - done)
            done = chunk.done
    bad.settle(reader.path.name, reader.unit, reader.locate, last=True)
    if not parts:  # a file of a header alone; the same columns, so that it can stand among others
        parts = [pa.table({column: pa.array([], pa.string()) for column in [key, *names]})]
    table = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
    if not reader.typed:
        for place, column in enumerate(table.column_names):
            if column != key:
                table = table.set_column(place, column, _typed(table.column(column)))
    return table


def last_of_each(table: pa.Table, key: str) -> tuple[pa.Table, int]:
    """The last row of each key, keys in the order they first occur, and how many rows fell away."""
    ids = table.column(key).combine_chunks().dictionary_encode()
    codes = ids.indices.to_numpy()
    last = np.zeros(len(ids.dictionary), np.int64)
    last[codes] = np.arange(len(codes))  # numpy keeps the last of repeated places
    if len(last) == len(codes):
        return table, 0
    return table.take(pa.array(last)), len(codes) - len(last)


def split_year(table: pa.Table, wanted: bool | None) -> tuple[pa.Table, str | None]:
    """Move a year in brackets from the end of `title` to `year`.

    A `year` column that is there stays, and only brackets that agree with it are removed. `wanted` None does
    it where at least half of the titles end so. Returns the table and a sentence on what was done.
    """
    titles = table.column("title").combine_chunks()
    if wanted is False or not is_text(titles.type) or titles.null_count == len(titles):
        return table, None
    found = pc.extract_regex(titles, _YEAR)
    year = pc.cast(pc.struct_field(found, "year"), pa.int64())
    short = pc.struct_field(found, "title")
    agree = pc.is_valid(year)
    if "year" in table.column_names:
        own = table.column("year").combine_chunks()
        if not pa.types.is_integer(own.type):
            return table, None
        agree = pc.fill_null(pc.equal(own, year), False)
    share = (pc.sum(agree).as_py() or 0) / len(titles)
    if not share or (wanted is None and share < 0.5):
        return table, None
    place = table.column_names.index("title")
    table = table.set_column(place, "title", pc.if_else(agree, short, titles))
    if "year" not in table.column_names:
        table = table.add_column(place + 1, "year", year)
    return table, f"the year was split off the title of {share:.0%} of the items"


def compose_text(table: pa.Table, columns: Sequence[str]) -> Any:
    """One text per row: the value of a single column, or "name: value" lines of several, blanks left out."""
    parts = []
    for name in columns:
        value = table.column(name).combine_chunks()
        if not is_text(value.type):
            value = value.cast(pa.string())
        value = pc.replace_substring(value, "|", ", ")  # genres and categories as MovieLens lists them
        parts.append(value if len(columns) == 1 else pc.binary_join_element_wise(f"{name}: ", value, ""))
    return join_present(parts, "\n")


def join_present(parts: Sequence[Any], separator: str) -> Any:
    """The parts of each row that are not null, joined; null where all are."""
    # Arrow's own null_handling="skip" loses rows in which every part is null (pyarrow 26).
    ended = [pc.fill_null(pc.binary_join_element_wise(part, separator, ""), "") for part in parts]
    joined = pc.binary_join_element_wise(*ended, "")
    present = pc.not_equal(joined, "")
    joined = pc.utf8_slice_codeunits(joined, 0, -len(separator))
    return pc.if_else(present, joined, pa.scalar(None, pa.string()))


def usable_names(table: pa.Table) -> pa.Table:
    """Column names that Lance takes: not blank, without points, each once."""
    names: list[str] = []
    for place, name in enumerate(table.column_names):
        plain = name.strip().replace(".", "_") or f"column_{place + 1}"
        while plain in names:
            plain += "_"
        names.append(plain)
    return table.rename_columns(names)


def _flat(column: Any) -> Any:
    """Lists and structures as text, text of any width as strings, the rest as it is."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_nested(column.type):
        return pa.array([as_text(value) for value in column.to_pylist()], pa.string())
    if pa.types.is_boolean(column.type) or pa.types.is_temporal(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return column


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column as int64 or float64 where every value is such a number."""
    if not is_text(column.type) or column.null_count == len(column):
        return column
    for pattern, kind in (
        (r"^-?(0|[1-9][0-9]{0,17})$", pa.int64()),
        (r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$", pa.float64()),
    ):
        if pc.all(pc.match_substring_regex(column, pattern)).as_py():
            return column.cast(kind)
    return column
