"""Importing scores made elsewhere: file -> joined to the catalogue -> ledger -> guided version."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import DataError, UsageError
from guided_store.ledger import append_rows, find_rows
from guided_store.progress import SILENT, Progress
from guided_store.scoring._average import check_coverage
from guided_store.scoring._catalogue import Catalogue, load_catalogue
from guided_store.scoring._guided import build_guided
from guided_store.scoring._match import Match, disagreeing, match_ids, match_titles, read_titles
from guided_store.scoring._result import ScoreImport
from guided_store.scoring._source import Columns, OnError, ScoreFile, read_scores
from guided_store.store import Store
from guided_store.versions import check_name, need_free_name

MATCHES = (("item_id",), ("title", "year"), ("title",))
"""Ways to join a file of scores to the catalogue."""

MINIMUM_AGREEMENT = 0.9
"""Share of the titles that must agree where items are joined by id and both sides carry titles."""


def import_scores(
    store: Store,
    source: str | Path,
    schema: AttributeSchema,
    *,
    as_name: str,
    match: Sequence[str] = ("item_id",),
    allow_missing: bool = False,
    on_error: OnError = "fail",
    run: str | None = None,
    columns: Columns | None = None,
    progress: Progress = SILENT,
) -> ScoreImport:
    """Import attribute scores from a file and build the version `guided/<as_name>` from them.

    Only the schema's columns become attributes. Joined rows are appended to the `scores` ledger, where the
    same row of the same file is recognised and not written twice; then the version is built from the ledger.

    Args:
        store: open for writing, with items.
        source: .csv, .tsv or .parquet with one row per item.
        schema: the attributes to take, and their scale.
        as_name: name of the guided version, not taken.
        match: ("item_id",), or ("title", "year"), or ("title",) where nothing has a year. Titles are compared
            without case, accents, punctuation, brackets and article order; a year may be one off where that
            leaves no doubt; what several rows fit is reported and not guessed.
        allow_missing: accept that under 80 % of the catalogue is scored.
        on_error: "fail" refuses a file with a bad row; "skip" leaves bad rows out and reports them.
        run: name of the run in the ledger, written like a version's; by default made from the file's digest.
            Rows that the ledger holds already stay in the run they are in.
        columns: names of the file's id, title and year columns.
        progress: shows the steps.

    Raises:
        UsageError: no items, no such file or way to match, no titles to match by, or too low a coverage.
        DataError: a bad file or row; or a join by id under which the titles do not agree.
        VersionError: the name is taken.
    """
    keys = tuple(match)
    if keys not in MATCHES:
        ways = " or ".join(",".join(way) for way in MATCHES)
        raise UsageError(f"cannot match by {','.join(keys)!r}; match by {ways}")
    need_free_name(store, f"guided/{as_name}")
    if run is not None:
        check_name(run)
    columns = columns or Columns()
    items = load_catalogue(store)
    if not items.ids:
        raise UsageError("the store has no items yet; ingest a catalogue first")
    with progress.task("import scores", 4) as task:
        task.note("reading")
        file = read_scores(Path(source), schema, columns, need_id=keys == ("item_id",), on_error=on_error)
        task.advance()
        task.note("matching")
        joined, compared, disagree = _join(items, file, keys)
        given = np.any(~np.isnan(file.values), axis=1)
        rows = np.where(given[joined.rows] & (joined.rows >= 0), joined.rows, -1)
        scored = int((rows >= 0).sum())
        check_coverage(scored, len(items.ids), allow_missing, str(file.path))
        task.advance()
        task.note("ledger")
        run, appended = _record(store, file, schema, items.ids, rows, keys, run)
        task.advance()
        task.note("version")
        notes = _notes(joined, compared, disagree)
        provenance = {"source": file.path.name, "match": list(keys), "ambiguous_items": len(joined.ambiguous)}
        version = build_guided(
            store, as_name, schema=schema, run=run, allow_missing=allow_missing, provenance=provenance
        )
        task.advance()
    constant = [str(name) for name in _list(version.recipe["constant"])]
    if constant:
        notes.append(
            f"every item has the same score on {', '.join(constant)}: no use for telling items apart"
        )
    return ScoreImport(
        version=version,
        source=file.path,
        match=keys,
        run=run,
        rows_read=len(file),
        rows_used=len(np.unique(rows[rows >= 0])),
        catalogue_items=len(items.ids),
        scored_items=scored,
        missing_values=int(np.isnan(file.values[rows[rows >= 0]]).sum()),
        appended=appended,
        ignored_columns=file.ignored,
        ambiguous=joined.ambiguous,
        skipped=tuple(file.skipped),
        unscored=tuple(items.ids[item] for item in np.flatnonzero(rows < 0)[:20].tolist()),
        notes=tuple(notes),
    )


def _join(items: Catalogue, file: ScoreFile, keys: tuple[str, ...]) -> tuple[Match, int, int]:
    """The join, how many titles it could compare, and how many of them disagree."""
    item_titles = items.joining_titles
    file_titles = None if file.titles is None else read_titles(file.titles, file.years)
    if keys == ("item_id",):
        assert file.item_ids is not None  # read_scores was told that they are needed
        match = match_ids(items.ids, file.item_ids)
        if item_titles is None or file_titles is None:
            return match, 0, 0
        compared, pairs = disagreeing(match, item_titles, file_titles)
        if compared and 1 - len(pairs) / compared < MINIMUM_AGREEMENT:
            raise DataError(_refusal(items, file, compared, pairs))
        return match, compared, len(pairs)
    if item_titles is None:
        raise UsageError(
            "the catalogue has no titles to match by; ingest items with a title, or match by item_id"
        )
    if file_titles is None:
        raise UsageError(f"{file.path} has no titles to match by; name its title column, or match by item_id")
    use_year = "year" in keys
    for where, titles in (("the catalogue", item_titles), (str(file.path), file_titles)):
        if use_year and all(title.year is None for title in titles):
            raise UsageError(f"{where} has no years, neither in a column nor in titles; match by title alone")
    return match_titles(item_titles, file_titles, use_year=use_year), 0, 0


def _refusal(items: Catalogue, file: ScoreFile, compared: int, pairs: Sequence[tuple[int, int]]) -> str:
    assert file.titles is not None
    shown = "; ".join(
        f"id {items.ids[item]} is {items.titles[item]!r} here and {file.titles[row]!r} there"
        for item, row in pairs[:3]
    )
    share = 1 - len(pairs) / compared
    return (
        f"{file.path}: joined by item id, only {share:.1%} of {compared:,} titles agree with the catalogue's "
        f"({shown}): the ids name other items; use --match title,year, or leave the title column out of the "
        "file if the ids are right"
    )


def _record(
    store: Store,
    file: ScoreFile,
    schema: AttributeSchema,
    item_ids: Sequence[str],
    rows: NDArray[np.int64],
    keys: tuple[str, ...],
    run: str | None,
) -> tuple[str, int]:
    """Write the joined rows to the ledger; returns the run they are in, and how many were new.

    A row's id comes from the file's digest, the schema, the way of matching, the item and the line: importing
    the same file again finds its rows, whatever the version is called, and goes on in their run.
    """
    matched = np.flatnonzero(rows >= 0)
    chosen = rows[matched]
    prefix = f"import\0{file.digest}\0{schema.digest}\0{','.join(keys)}\0"
    row_ids = [
        hashlib.sha256(f"{prefix}{item_ids[item]}\0{place}".encode()).hexdigest()
        for item, place in zip(matched.tolist(), file.places[chosen].tolist(), strict=True)
    ]
    held = find_rows(store, row_ids)
    if held.num_rows:
        run = Counter(held.column("run").to_pylist()).most_common(1)[0][0]
    elif run is None:
        run = f"import-{hashlib.sha256(prefix.encode()).hexdigest()[:12]}"
    n = len(matched)
    values = pa.array(file.values[chosen].astype(np.float32).ravel(), pa.float32(), from_pandas=True)
    offsets = pa.array(np.arange(n + 1) * len(schema), pa.int32())
    table = pa.table(
        {
            "row_id": pa.array(row_ids, pa.string()),
            "request_id": pa.array(row_ids, pa.string()),
            "run": pa.array([run] * n, pa.string()),
            "item_id": pa.array([item_ids[item] for item in matched.tolist()], pa.string()),
            "sample": pa.array(np.zeros(n), pa.int32()),
            "attempt": pa.array(np.ones(n), pa.int32()),
            "status": pa.array(["ok"] * n, pa.string()),
            "provider": pa.array(["import"] * n, pa.string()),
            "values": pa.ListArray.from_arrays(offsets, values),
            "schema_digest": pa.array([schema.digest] * n, pa.string()),
            "source_digest": pa.array([file.digest] * n, pa.string()),
            "source_place": pa.array(file.places[chosen], pa.int64()),
            "created": pa.array([datetime.now(UTC)] * n, pa.timestamp("us", tz="UTC")),
        }
    )
    return run, append_rows(store, table)


def _notes(joined: Match, compared: int, disagree: int) -> list[str]:
    notes = []
    if disagree:
        notes.append(f"{disagree:,} of {compared:,} titles differ between file and catalogue (joined by id)")
    if joined.near_years:
        notes.append(f"{joined.near_years:,} items were matched with a year that is one off")
    if joined.shared:
        notes.append(f"{joined.shared:,} items share their row with another item of the same title")
    return notes


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value
