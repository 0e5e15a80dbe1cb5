"""A comparison on disk: the page, and its plots as files."""

from __future__ import annotations

from pathlib import Path

from guided_store.comparison import Comparison
from guided_store.errors import StoreError
from guided_store.report._drawing import need_matplotlib, write_files
from guided_store.report._page import page
from guided_store.report._sections import pictures_of
from guided_store.store import replacing


def write_report(comparison: Comparison, path: Path, plots: Path | None = None) -> tuple[Path, ...]:
    """Write a comparison as one HTML page: whole or not at all, and without any outside resource.

    The same comparison gives the same bytes (with the same matplotlib).

    Args:
        comparison: what to show; sections that it lacks are left out.
        path: of the page; an older one is replaced.
        plots: a folder for every plot as PNG and as SVG; made if it is not there. None writes none.

    Returns:
        what was written, the page first.

    Raises:
        UsageError: matplotlib (extra `report`) is not installed.
        StoreError: the page or the folder cannot be written.
    """
    need_matplotlib()
    if not path.parent.is_dir():
        raise StoreError(f"the report cannot be written to {path}: there is no folder {path.parent}")
    drawn = pictures_of(comparison, png=plots is not None)
    text = page(comparison, drawn)
    try:
        with replacing(path) as temporary:
            # Titles may hold half a surrogate pair, which no encoding has.
            temporary.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"the report cannot be written to {path}: {error.strerror or error}") from None
    written = [path]
    if plots is not None:
        for placed in (one for found in drawn.values() for one in found):
            written += write_files(placed.picture, plots)
    return tuple(written)
