"""JSON lines, in blocks of whole lines: by Arrow where a block is regular, line by line where it is not."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json

from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._readers import Chunk
from guided_store.catalogue._sources import BLOCK, Bytes
from guided_store.errors import DataError

_HEAD = 1 << 20
_HEAD_LINES = 1_000


class JsonLinesReader:
    """A file with one JSON object on each line (or a Python literal, as Amazon's 2014 metadata has them)."""

    unit = "line"
    typed = False

    def __init__(self, path: Path) -> None:
        self.path = path
        with Bytes(path) as source:
            self.size = source.size
            head = source.read(_HEAD)
        if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
            raise DataError(f"{path} is one JSON array; write it as JSON lines, one object on each line")
        lines = head.split(b"\n")
        whole = lines[:-1] if len(head) == _HEAD and len(lines) > 1 else lines
        objects = [row for line in whole[:_HEAD_LINES] if isinstance(row := _parse(line), dict)]
        if not objects:
            raise DataError(f"{path} has no JSON object on its first lines; JSON lines hold one on each line")
        self.names = tuple(dict.fromkeys(key for row in objects for key in row))
        self._types = {name: _arrow_type([row.get(name) for row in objects]) for name in self.names}

    def chunks(self, columns: Sequence[str], bad: BadRows) -> Iterator[Chunk]:
        first_line = 0
        with Bytes(self.path) as source:
            for block in _blocks(source):
                lines = block.count(b"\n") + (not block.endswith(b"\n"))
                chunk = self._fast(block, columns, first_line, lines, source.done)
                yield chunk or self._slow(block, columns, first_line, source.done, bad)
                first_line += lines

    def all_names(self) -> tuple[str, ...]:
        """The columns of all lines; `names` knows those of the first lines only."""
        names = dict.fromkeys(self.names)
        with Bytes(self.path) as source:
            for block in _blocks(source):
                for line in block.split(b"\n"):
                    row = _parse(line)
                    if isinstance(row, dict):
                        names.update(dict.fromkeys(row))
        return tuple(names)

    def locate(self, records: list[int]) -> list[int]:
        return [record + 1 for record in records]

    def _fast(self, block: bytes, columns: Sequence[str], first: int, lines: int, done: int) -> Chunk | None:
        """The block by Arrow's parser; None where anything about it is unusual."""
        types = {name: self._types.get(name) for name in columns}
        if any(kind is None for kind in types.values()):
            return None
        try:
            block.decode()
            table = pyarrow.json.read_json(
                pa.BufferReader(block),
                read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(block) + 1),
                parse_options=pyarrow.json.ParseOptions(
                    explicit_schema=pa.schema(list(types.items())), unexpected_field_behavior="ignore"
                ),
            )
        except (UnicodeDecodeError, pa.ArrowException):
            return None
        if table.num_rows != lines:  # blank lines, or two objects on one
            return None
        table = table.combine_chunks()
        arrays = {name: _one(table.column(name)) for name in columns}
        return Chunk(arrays, np.arange(first, first + lines), done)

    def _slow(self, block: bytes, columns: Sequence[str], first: int, done: int, bad: BadRows) -> Chunk:
        """The block line by line; every value as text."""
        rows: list[dict[str, Any]] = []
        records: list[int] = []
        broken: list[tuple[int, str, str]] = []
        for number, line in enumerate(block.split(b"\n"), first):
            if not line.strip():
                continue
            parsed = _parse(line)
            if isinstance(parsed, dict):
                rows.append(parsed)
                records.append(number)
            else:
                kind = "not valid UTF-8" if "UTF-8" in parsed else "broken JSON"
                broken.append((number, kind, parsed))
        for kind in ("broken JSON", "not valid UTF-8"):
            of_kind = [(number, reason) for number, its_kind, reason in broken if its_kind == kind]
            if of_kind:
                bad.add(
                    kind, [number for number, _ in of_kind], [reason for _, reason in of_kind].__getitem__
                )
        arrays = {name: pa.array([as_text(row.get(name)) for row in rows], pa.string()) for name in columns}
        return Chunk(arrays, np.array(records, np.int64), done)


def as_text(value: Any) -> str | None:
    """One JSON value as text: whole numbers without a point, lists of texts joined, other values as JSON.

    Short texts (categories) are joined by a bar, as MovieLens has its genres; long ones (the paragraphs of a
    description) by a line end.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ("\n" if any(len(part) > 60 for part in value) else "|").join(part for part in value if part)
    return json.dumps(value, ensure_ascii=False)


def _blocks(source: Bytes) -> Iterator[bytes]:
    """The file in blocks that end where a line ends."""
    part = b""
    at_start = True
    while data := source.read(BLOCK):
        if at_start:
            data, at_start = data.removeprefix(b"\xef\xbb\xbf"), False
        data = part + data
        cut = data.rfind(b"\n") + 1
        if cut:
            yield data[:cut]
        part = data[cut:]
    if part:
        yield part


def _parse(line: bytes) -> dict[str, Any] | str:
    """The object on a line, or what is wrong with it."""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"not valid UTF-8 at byte {error.start + 1} of the line"
    try:
        value = json.loads(text)
    except RecursionError:
        return "the JSON is nested too deeply"
    except ValueError as error:
        reason = f"broken JSON ({str(error).split(':')[0]})"
        if "'" not in text:
            return reason
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return reason
    return value if isinstance(value, dict) else "the JSON on this line is not an object"


def _arrow_type(values: list[Any]) -> Any:
    """The Arrow type that all values share, or None."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {str}:
        return pa.string()
    if kinds == {int}:
        return pa.int64()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return None


def _one(column: Any) -> Any:
    """A chunked column as one array."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
