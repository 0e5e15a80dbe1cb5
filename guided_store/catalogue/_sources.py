"""Files to read: which ones, of what kind, and their bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from guided_store.catalogue._options import FileFormat
from guided_store.errors import DataError, UsageError

BLOCK = 16 << 20

_COMPRESSION = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_KINDS: dict[str, Literal["csv", "parquet", "jsonl"]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".dat": "csv",
    ".inter": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}


def list_sources(source: Path | str | Sequence[Path | str]) -> list[Path]:
    """The files to read, in order; a folder stands for its files of a known kind, by name.

    Raises:
        UsageError: a path does not exist, or a folder holds no such file.
    """
    named = [source] if isinstance(source, (str, Path)) else list(source)
    files: list[Path] = []
    for path in (Path(name) for name in named):
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.is_file() and _suffix(file) in _KINDS)
            if not inside:
                raise UsageError(f"the folder {path} holds no CSV, Parquet or JSON lines file")
            files += inside
        elif path.exists():
            files.append(path)
        else:
            raise UsageError(f"there is no file {path}")
    if not files:
        raise UsageError("no file was given to read")
    return files


def file_kind(path: Path, file: FileFormat) -> Literal["csv", "parquet", "jsonl"]:
    """The kind of a file, said by `file` or by its name.

    Raises:
        UsageError: neither says it.
    """
    if file.kind is not None:
        return file.kind
    if _suffix(path) not in _KINDS:
        raise UsageError(
            f"{path} has no known ending (.csv, .tsv, .parquet, .jsonl, also with .gz); say what it is with "
            "--format csv, parquet or jsonl"
        )
    return _KINDS[_suffix(path)]


class Bytes(io.RawIOBase):
    """A file's bytes, unpacked where its name says that it is packed.

    Attributes:
        size: bytes of the file as it lies on disk, `done` of which have been read.
        quotes: double quotation marks read so far.
    """

    def __init__(self, path: Path, *, replace: tuple[bytes, bytes] | None = None) -> None:
        super().__init__()
        self._path = path
        self._raw = open(path, "rb")  # noqa: SIM115 (closed by close)
        self.size = path.stat().st_size
        self.quotes = 0
        self._stream: Any = self._raw
        codec = _COMPRESSION.get(path.suffix.lower())
        if codec is not None:
            self._stream = pa.CompressedInputStream(pa.PythonFile(self._raw, mode="r"), codec)
        self._replace = replace
        self._pending = b""
        self._line_part = b""

    @property
    def done(self) -> int:
        """Bytes of the file read so far."""
        return self.size if self._raw.closed else self._raw.tell()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; b"" at the end."""
        if self._replace is None:
            return self._take(size)
        while not self._pending:
            block = self._take(max(size, BLOCK))
            text = self._line_part + block
            # Replace in whole lines only: a delimiter of several bytes may straddle two reads.
            cut = text.rfind(b"\n") + 1 if block else len(text)
            self._pending, self._line_part = text[:cut].replace(*self._replace), text[cut:]
            if not block:
                break
        size = len(self._pending) if size < 0 else size
        part, self._pending = self._pending[:size], self._pending[size:]
        return part

    def close(self) -> None:
        if not self._raw.closed:
            self._raw.close()
        super().close()

    def _take(self, size: int) -> bytes:
        try:
            data = bytes(self._stream.read(size if size >= 0 else None))
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{self._path} cannot be unpacked: {first_line(error)}") from None
        self.quotes += data.count(b'"')
        return data


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without a full stop at its end."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _suffix(path: Path) -> str:
    name = path.with_suffix("") if path.suffix.lower() in _COMPRESSION else path
    return name.suffix.lower()
