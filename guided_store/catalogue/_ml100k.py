"""The item file of MovieLens 100K: one column per genre, made into one of names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from guided_store.catalogue._ingest import Prepared
from guided_store.catalogue._ingest_items import prepare_items
from guided_store.catalogue._item_tables import join_present
from guided_store.catalogue._options import FileFormat, IngestOptions, ItemLayout
from guided_store.progress import Progress
from guided_store.store import Store

# The order of the flags in u.item; u.genre lists the same, where it is there.
_GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *(
        "Fantasy",
        "Film-Noir",
        "Horror",
        "Musical",
        "Mystery",
        "Romance",
        "Sci-Fi",
        "Thriller",
        "War",
        "Western",
    ),
)
_COLUMNS = ("item_id", "title", "release_date", "video_release_date", "imdb_url")


def prepare_ml100k_items(
    store: Store, folder: Path, file: FileFormat, options: IngestOptions, progress: Progress
) -> Prepared:
    """Read `u.item`: title and year, release date, IMDb address, and genres joined by a bar."""
    flags = tuple(f"genre {name}" for name in _GENRES)
    layout = ItemLayout("item_id", "title", ("genres",), file=replace(file, names=(*_COLUMNS, *flags)))

    def reshape(table: pa.Table) -> pa.Table:
        names = [
            pc.if_else(pc.equal(table.column(flag), 1), pa.scalar(genre), pa.scalar(None, pa.string()))
            for flag, genre in zip(flags, _GENRES, strict=True)
        ]
        kept = table.select(["item_id", "title", "release_date", "imdb_url"])
        return kept.append_column("genres", join_present(names, "|"))

    return prepare_items(store, folder / "u.item", layout, options, progress, reshape)
