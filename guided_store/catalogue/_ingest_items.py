"""Taking items and users into the store: upserts by id that may bring new columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._columns import COMMON_TEXT, Columns, listing, plain, settle
from guided_store.catalogue._ingest import Prepared, need_writable
from guided_store.catalogue._item_tables import (
    compose_text,
    last_of_each,
    read_table,
    split_year,
    usable_names,
)
from guided_store.catalogue._options import IngestOptions, ItemLayout, UserLayout
from guided_store.catalogue._readers import Reader, open_reader
from guided_store.catalogue._report import IngestReport
from guided_store.catalogue._schemas import ITEMS, ITEMS_SCHEMA, USERS, USERS_SCHEMA
from guided_store.catalogue._sources import list_sources
from guided_store.errors import DataError, UsageError
from guided_store.progress import SILENT, Progress
from guided_store.store import Store


def ingest_items(
    store: Store,
    source: Path | str | Sequence[Path | str],
    layout: ItemLayout | None = None,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
) -> IngestReport:
    """Add items from CSV, Parquet or JSON lines files, or update those that are there, as one commit.

    Items are matched by id. The columns of the file replace those of the stored row, blanks included; columns
    that the file does not have stay, new ones extend the table. Of rows with the same id the last one counts.
    The whole table is held in memory.

    Args:
        store: open for writing.
        source: a file, a folder of files, or several.
        layout: which columns are what; guessed by default.
        options: `on_error` and `replace` apply.
        progress: shows the reading.

    Raises:
        UsageError: files or columns that do not exist.
        DataError: files that cannot be read, rows in them, or a column of another type than stored.
    """
    return prepare_items(store, source, layout, options, progress).commit()


def ingest_users(
    store: Store,
    source: Path | str | Sequence[Path | str],
    layout: UserLayout | None = None,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
) -> IngestReport:
    """Add or update users and their group columns; as `ingest_items`, for the `users` table."""
    return prepare_users(store, source, layout, options, progress).commit()


def prepare_items(
    store: Store,
    source: Path | str | Sequence[Path | str],
    layout: ItemLayout | None = None,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
    reshape: Callable[[pa.Table], pa.Table] | None = None,
) -> Prepared:
    """The first half of `ingest_items`: all but the writing. `reshape` changes each file's table first."""
    layout, options = layout or ItemLayout(), options or IngestOptions()
    need_writable(store)
    files = list_sources(source)
    bad = BadRows(options.on_error)
    tables: list[pa.Table] = []
    understood: list[str] = []
    used: dict[str, str] = {}
    for path in files:
        reader = open_reader(path, layout.file)
        columns, text = _item_columns(reader, layout, check_text=reshape is None)
        if columns.sentence and columns.sentence not in understood:
            understood.append(columns.sentence)
        table = read_table(reader, columns.names["item_id"], "item id", bad, progress)
        table = table if reshape is None else reshape(table)
        table, sentences = _shape_items(table, columns, text, layout)
        understood += [sentence for sentence in sentences if sentence not in understood]
        used = used or {**columns.names, **({"text": ", ".join(text)} if text else {})}
        tables.append(table)
    return _upsert(store, ITEMS, "item_id", tables, files, bad, options, used, understood)


def prepare_users(
    store: Store,
    source: Path | str | Sequence[Path | str],
    layout: UserLayout | None = None,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
) -> Prepared:
    """The first half of `ingest_users`: all but the writing."""
    layout, options = layout or UserLayout(), options or IngestOptions()
    need_writable(store)
    files = list_sources(source)
    bad = BadRows(options.on_error)
    tables: list[pa.Table] = []
    understood: list[str] = []
    used: dict[str, str] = {}
    for path in files:
        reader = open_reader(path, layout.file)
        columns = settle(reader.path, reader.names, {"user": layout.user}, ("user",), ("user",))
        for name in layout.columns or ():
            if name not in reader.names:
                raise UsageError(f"{path} has no column {name!r} to group users by; {listing(reader.names)}")
        if columns.sentence and columns.sentence not in understood:
            understood.append(columns.sentence)
        key = columns.names["user"]
        table = read_table(reader, key, "user id", bad, progress)
        if layout.columns is not None:
            table = table.select(list(dict.fromkeys([key, *layout.columns])))
        table = table.rename_columns(["user_id" if name == key else name for name in table.column_names])
        tables.append(usable_names(table))
        used = used or dict(columns.names)
    return _upsert(store, USERS, "user_id", tables, files, bad, options, used, understood)


def _item_columns(reader: Reader, layout: ItemLayout, *, check_text: bool) -> tuple[Columns, tuple[str, ...]]:
    named = {"item_id": layout.item_id, "title": layout.title}
    columns = settle(reader.path, reader.names, named, ("item_id", "title"), ("item_id",))
    if layout.text is not None:
        for name in layout.text:
            if check_text and name not in reader.names:
                raise UsageError(f"{reader.path} has no column {name!r} for --text; {listing(reader.names)}")
        return columns, layout.text
    if "text" in reader.names:
        return columns, ("text",)
    by_name = {plain(name): name for name in reversed(reader.names)}
    found = tuple(by_name[common] for common in COMMON_TEXT if common in by_name)
    text = tuple(name for name in found if name not in columns.names.values())
    if text:
        guessed = (*columns.guessed, "text")
        columns = Columns({**columns.names, "text": ", ".join(text)}, guessed)
    return columns, text


def _shape_items(
    table: pa.Table, columns: Columns, text: tuple[str, ...], layout: ItemLayout
) -> tuple[pa.Table, list[str]]:
    """Standard columns in front under their standard names, the user's own behind them."""
    sentences: list[str] = []
    standard: dict[str, pa.ChunkedArray] = {"item_id": table.column(columns.names["item_id"])}
    title = columns.get("title")
    if title is not None:
        values = table.column(title)
        standard["title"] = values.cast(pa.string())
    if text:
        standard["text"] = pa.chunked_array([compose_text(table, text)])
    for name in table.column_names:
        if name in (columns.names["item_id"], title) or name in standard:
            if name in standard and name not in (columns.names["item_id"], title, *text):
                sentences.append(f"column {name!r} was left out: another one takes its name")
            continue
        standard[name] = table.column(name)
    shaped = usable_names(pa.table(standard))
    if title is not None:
        shaped, sentence = split_year(shaped, layout.split_year)
        sentences += [sentence] if sentence else []
    return shaped, sentences


def _upsert(
    store: Store,
    name: str,
    key: str,
    tables: list[pa.Table],
    files: list[Path],
    bad: BadRows,
    options: IngestOptions,
    used: dict[str, str],
    understood: list[str],
) -> Prepared:
    rows = sum(table.num_rows for table in tables) + bad.count
    if not rows:
        raise DataError(f"{files[0]} has no rows")
    left_out = {f"unreadable, {kind}": count for kind, count in sorted(bad.kinds.items())}
    base = ITEMS_SCHEMA if name == ITEMS else USERS_SCHEMA
    old = store.read(name) if store.has_table(name) and not options.replace else base.empty_table()
    new_columns = [
        column
        for column in dict.fromkeys(column for table in tables for column in table.column_names)
        if column not in old.column_names
    ]
    result, added, updated, same = old, 0, 0, 0
    for table in tables:  # one after another: what a later file says of an id holds
        once, repeated = last_of_each(table, key)
        if repeated:
            reason = f"the same {key.replace('_', ' ')} again further down in the file"
            left_out[reason] = left_out.get(reason, 0) + repeated
        result, fresh, alike = _merge(result, once, key, name)
        added += fresh
        updated += once.num_rows - fresh - alike
        same += alike
    if same:
        left_out["in the table already"] = same
    if not result.num_rows:
        raise DataError(f"{files[0]} has no rows that could be read as {name}")
    schema = pa.schema([field if field.name != key else base.field(key) for field in result.schema])
    result = result.cast(schema)
    changed = options.replace or not store.has_table(name) or not result.equals(old)

    def commit() -> IngestReport:
        if changed:
            store.replace(name, result)
        return IngestReport(
            table=name,
            files=tuple(path.name for path in files),
            rows=rows,
            added=added,
            updated=updated,
            left_out=left_out,
            columns=used,
            understood=tuple(understood),
            total=result.num_rows,
            new_columns=tuple(new_columns),
            bad_rows=tuple(bad.examples),
        )

    return Prepared(commit)


def _merge(old: pa.Table, new: pa.Table, key: str, name: str) -> tuple[pa.Table, int, int]:
    """`old` with the values of `new`, whose new rows follow; how many follow, how many changed nothing."""
    place = pc.index_in(new.column(key).combine_chunks(), value_set=old.column(key).combine_chunks())
    fresh = pc.is_null(place).to_numpy(zero_copy_only=False)
    # For each row of the result: which row of `old` and of `new` it is made from, -1 for none.
    from_old = np.append(np.arange(old.num_rows), np.full(int(fresh.sum()), -1))
    from_new = np.full(old.num_rows, -1)
    from_new[place.drop_null().to_numpy()] = np.flatnonzero(~fresh)
    from_new = np.append(from_new, np.flatnonzero(fresh))
    old_rows = pa.array(from_old, mask=from_old < 0)
    new_rows = pa.array(from_new, mask=from_new < 0)
    columns: dict[str, pa.Array] = {}
    alike = (from_old >= 0) & (from_new >= 0)
    for column in dict.fromkeys([*old.column_names, *new.column_names]):
        sides = []
        for table, rows in ((old, old_rows), (new, new_rows)):
            if column in table.column_names:
                sides.append(table.column(column).combine_chunks().take(rows))
        if column not in new.column_names:
            columns[column] = sides[0]
            continue
        if column not in old.column_names:
            columns[column] = sides[0]
            alike &= sides[0].is_null().to_numpy(zero_copy_only=False)
            continue
        before, after = _one_type(sides[0], sides[1], column, name)
        both_blank = pc.and_(before.is_null(), after.is_null())
        equal = pc.if_else(both_blank, True, pc.fill_null(pc.equal(before, after), False))
        alike &= equal.to_numpy(zero_copy_only=False)
        columns[column] = pc.if_else(pa.array(from_new >= 0), after, before)
    return pa.table(columns), int(fresh.sum()), int(alike.sum())


def _one_type(before: pa.Array, after: pa.Array, column: str, name: str) -> tuple[pa.Array, pa.Array]:
    """Both sides of a column in one type: the stored one, or one that holds both."""
    if before.type == after.type:
        return before, after
    if pa.types.is_null(before.type) or before.null_count == len(before):
        return before.cast(after.type), after
    try:
        return before, after.cast(before.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass
    if pa.types.is_integer(before.type) and pa.types.is_floating(after.type):
        return before.cast(pa.float64()), after.cast(pa.float64())
    raise DataError(
        f"column {column!r} holds {before.type} values in the {name} table and {after.type} in the new file; "
        "nothing was written: rename the column, or start the table anew with --replace"
    )
