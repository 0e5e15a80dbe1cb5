"""The manifest beside an index file: what the index is, of which vectors, and how good."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from indexes._errors import IndexRequestError, VectorIndexError
from indexes._spec import IndexSpec

FORMAT = 1
INDEX_FILE = "index.faiss"
MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Recall:
    """A recall that was measured.

    Attributes:
        value: share of the exact top k that the index returned, 0 to 1, from `measure_recall`.
        k: list length.
        queries: number of queries.
        how: which queries, and what was excluded, in words.
    """

    value: float
    k: int
    queries: int
    how: str

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1 or self.k < 1 or self.queries < 1:
            raise VectorIndexError(f"a recall lies between 0 and 1, with k and queries positive: not {self}")


@dataclass(frozen=True)
class Manifest:
    """Content of `manifest.json`.

    Attributes:
        format: version of this layout.
        factory, search, build, seed: the `IndexSpec`, its defaults filled in.
        metric: always "inner_product".
        dim: columns of vectors and queries; the index holds one more where `has_bias`.
        n: number of vectors.
        longest: largest Euclidean norm of the vectors, bias column included (bounds rounding errors).
        version_digest: digest of the embedding version, as the caller names it.
        file_size, sha256: bytes and SHA-256 of `index.faiss`.
        recall: what was measured, or None.
        notes: remarks of the build.
        faiss_version, created: the writer's FAISS, and when (ISO 8601, UTC).
        extra: what the caller adds, JSON-serialisable.
    """

    factory: str
    search: Mapping[str, int]
    build: Mapping[str, int]
    seed: int
    dim: int
    n: int
    has_bias: bool
    longest: float
    version_digest: str
    file_size: int
    sha256: str
    faiss_version: str
    created: str
    recall: Recall | None = None
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    metric: str = "inner_product"
    format: int = FORMAT

    @property
    def spec(self) -> IndexSpec:
        """The spec the index was built with; raises VectorIndexError where it is none that is known here."""
        try:
            return IndexSpec(self.factory, self.search, self.seed, self.build)
        except IndexRequestError as error:  # nobody asked for it: what is on disk is wrong
            raise VectorIndexError(
                f"the manifest of an index is damaged ({error}): rebuild the index"
            ) from error

    def to_json(self) -> str:
        """JSON text with a checksum of its own; raises VectorIndexError where `extra` is not JSON."""
        content = asdict(self)
        try:
            text = json.dumps({**content, "manifest_sha256": _checksum(content)}, indent=2, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise VectorIndexError(f"extra cannot be written as JSON: {error}") from error
        return text + "\n"


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read and check the manifest of the index directory `path`; the index itself is not opened.

    Raises:
        VectorIndexError: there is no index, no manifest, or one that is damaged or of an unknown format.
    """
    path = Path(path)
    file = path / MANIFEST_FILE
    rebuild = "rebuild the index"
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise VectorIndexError(_absent(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise VectorIndexError(f"cannot read {file}: {error}") from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise VectorIndexError(f"{file} is damaged (not JSON): {rebuild}") from None
    if not isinstance(content, dict) or "format" not in content:
        raise VectorIndexError(f"{file} is damaged (no format number): {rebuild}")
    checksum = content.pop("manifest_sha256", None)
    if content["format"] != FORMAT:
        raise VectorIndexError(
            f"{file} has format {content['format']!r} and this program reads format {FORMAT}: {rebuild}, "
            "or update the program"
        )
    if checksum != _checksum(content) or set(content) != {part.name for part in fields(Manifest)}:
        raise VectorIndexError(f"{file} is damaged (its checksum differs): {rebuild}")
    recall = content.pop("recall")
    notes = tuple(content.pop("notes"))
    return Manifest(**content, recall=None if recall is None else Recall(**recall), notes=notes)


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _absent(path: Path) -> str:
    if (path / INDEX_FILE).exists():
        return f"index {path} has no {MANIFEST_FILE}: rebuild the index"
    if path.is_dir() and any(path.iterdir()):
        return f"{path} is not an index (no {MANIFEST_FILE}): name a folder that VectorIndex.save wrote"
    kept = sorted(path.parent.glob(f".{path.name}.replaced-*")) if path.parent.is_dir() else []
    if kept:
        return f"replacing index {path} was interrupted: rename {kept[-1]} back to it, or build it again"
    return f"no index at {path}: build it first"
