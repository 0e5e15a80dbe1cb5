"""Folders whose layout is known: MovieLens in its editions, and interactions beside items and users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from guided_store.catalogue._ingest import Prepared, prepare_interactions
from guided_store.catalogue._ingest_items import prepare_items, prepare_users
from guided_store.catalogue._ml100k import prepare_ml100k_items
from guided_store.catalogue._options import (
    FileFormat,
    IngestOptions,
    InteractionLayout,
    ItemLayout,
    UserLayout,
)
from guided_store.catalogue._report import IngestReport
from guided_store.errors import UsageError
from guided_store.progress import SILENT, Progress
from guided_store.store import Store

_ENDINGS = (".parquet", ".pq", ".csv", ".tsv", ".jsonl", ".ndjson", ".json")
_PACKED = ("", ".gz", ".bz2", ".zst")
_RATINGS = ("user_id", "item_id", "rating", "timestamp")
Prepare = Callable[[Store, Path, IngestOptions, Progress], list[Prepared]]


@dataclass(frozen=True)
class FolderLayout:
    """A layout that was recognised.

    Attributes:
        name: "ml-100k", "MovieLens .dat", "MovieLens .csv" or "tables".
        movielens: whether it is one of MovieLens's own.
        prepare: reads the folder.
    """

    name: str
    movielens: bool
    prepare: Prepare


def detect_folder(folder: Path | str) -> FolderLayout | None:
    """The layout of a folder by the names of its files, or None.

    `u.data` (ml-100k), `ratings.dat` with `movies.dat` (ml-1m, ml-10m), `ratings.csv` with `movies.csv`
    (ml-latest, 20M, 25M, 32M), or `interactions.*` with optional `items.*` and `users.*`.

    Raises:
        UsageError: the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    if (folder / "u.data").is_file():
        return FolderLayout("ml-100k", True, _ml100k)
    if (folder / "ratings.dat").is_file() and (folder / "movies.dat").is_file():
        return FolderLayout("MovieLens .dat", True, _dat)
    if (folder / "ratings.csv").is_file() and (folder / "movies.csv").is_file():
        return FolderLayout("MovieLens .csv", True, _csv)
    if _table(folder, "interactions") is not None:
        return FolderLayout("tables", False, _tables)
    return None


def ingest_folder(
    store: Store, folder: Path | str, options: IngestOptions | None = None, progress: Progress = SILENT
) -> tuple[IngestReport, ...]:
    """Take in all tables of a folder in a layout that `detect_folder` knows: items, users, interactions.

    All files are read and checked before the first table is written; each table is one commit.

    Raises:
        UsageError: the layout is not known, or the options do not fit.
        DataError: files or rows that cannot be read.
    """
    layout = detect_folder(folder)
    if layout is None:
        raise UsageError(
            f"{folder} has none of the known layouts: MovieLens (u.data; ratings.dat and movies.dat; "
            "ratings.csv and movies.csv), or interactions.parquet/.csv/.jsonl with items.* and users.*; "
            "ingest its files one by one instead"
        )
    prepared = layout.prepare(store, Path(folder), options or IngestOptions(), progress)
    return tuple(part.commit() for part in prepared)


def ingest_movielens(
    store: Store, folder: Path | str, options: IngestOptions | None = None, progress: Progress = SILENT
) -> tuple[IngestReport, ...]:
    """As `ingest_folder`, for MovieLens's own layouts only."""
    layout = detect_folder(folder)
    if layout is None or not layout.movielens:
        raise UsageError(
            f"{folder} is not a MovieLens folder: it has neither u.data, nor ratings.dat and movies.dat, nor "
            "ratings.csv and movies.csv"
        )
    return ingest_folder(store, folder, options, progress)


def _ml100k(store: Store, folder: Path, options: IngestOptions, progress: Progress) -> list[Prepared]:
    bars = FileFormat("csv", delimiter="|", header=False, quoting=False, encoding="latin-1")
    prepared: list[Prepared] = []
    if (folder / "u.item").is_file():
        prepared.append(prepare_ml100k_items(store, folder, bars, options, progress))
    if (folder / "u.user").is_file():
        file = replace(bars, names=("user_id", "age", "gender", "occupation", "zip"))
        users = UserLayout("user_id", file=file)
        prepared.append(prepare_users(store, folder / "u.user", users, options, progress))
    tabs = FileFormat("csv", delimiter="\t", header=False, names=_RATINGS, quoting=False)
    return [*prepared, prepare_interactions(store, folder / "u.data", _ratings(tabs), options, progress)]


def _dat(store: Store, folder: Path, options: IngestOptions, progress: Progress) -> list[Prepared]:
    # ml-1m is in Latin-1, ml-10m in UTF-8.
    encoding = "utf-8" if _is_utf8(folder / "movies.dat") else "latin-1"
    file = FileFormat("csv", delimiter="::", header=False, quoting=False, encoding=encoding)
    named = replace(file, names=("item_id", "title", "genres"))
    items = ItemLayout("item_id", "title", ("genres",), file=named)
    prepared = [prepare_items(store, folder / "movies.dat", items, options, progress)]
    if (folder / "users.dat").is_file():
        named = replace(file, names=("user_id", "gender", "age", "occupation", "zip"))
        users = UserLayout("user_id", file=named)
        prepared.append(prepare_users(store, folder / "users.dat", users, options, progress))
    ratings = _ratings(replace(file, names=_RATINGS))
    return [*prepared, prepare_interactions(store, folder / "ratings.dat", ratings, options, progress)]


def _ratings(file: FileFormat) -> InteractionLayout:
    return InteractionLayout(user="user_id", item="item_id", weight="rating", time="timestamp", file=file)


def _csv(store: Store, folder: Path, options: IngestOptions, progress: Progress) -> list[Prepared]:
    file = FileFormat("csv", delimiter=",")
    items = ItemLayout(item_id="movieId", title="title", text=("genres",), file=file)
    ratings = InteractionLayout(user="userId", item="movieId", weight="rating", time="timestamp", file=file)
    return [
        prepare_items(store, folder / "movies.csv", items, options, progress),
        prepare_interactions(store, folder / "ratings.csv", ratings, options, progress),
    ]


def _tables(store: Store, folder: Path, options: IngestOptions, progress: Progress) -> list[Prepared]:
    prepared: list[Prepared] = []
    items, users, interactions = (_table(folder, name) for name in ("items", "users", "interactions"))
    if items is not None:
        prepared.append(prepare_items(store, items, None, options, progress))
    if users is not None:
        prepared.append(prepare_users(store, users, None, options, progress))
    assert interactions is not None  # by this the layout was recognised
    return [*prepared, prepare_interactions(store, interactions, None, options, progress)]


def _table(folder: Path, name: str) -> Path | None:
    for ending in _ENDINGS:
        for packed in _PACKED:
            if (folder / f"{name}{ending}{packed}").is_file():
                return folder / f"{name}{ending}{packed}"
    return None


def _is_utf8(path: Path) -> bool:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True
