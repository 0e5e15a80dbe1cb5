"""The `scores` table: an append-only ledger of every answer that was ever given about an item.

One row per (run, item, sample, attempt). A run is one decision to score: an imported file, or a model with a
prompt. What was paid for is kept raw, failures included; guided versions are built from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.errors import DataError, UsageError
from guided_store.store import Store

TABLE = "scores"

SCHEMA = pa.schema(
    [
        # Identity: the same answer always has the same row id, so that replaying is idempotent.
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),  # one request may answer for several items
        pa.field("run", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),  # independent repeats within a run, from 0
        pa.field(
            "attempt", pa.int32(), nullable=False
        ),  # tries for one sample, from 1; the last good one counts
        pa.field("status", pa.string(), nullable=False),  # "ok", "failed", "unknown" (sent, never answered)
        pa.field("reason", pa.string()),  # why it failed
        # Who answered what.
        pa.field("provider", pa.string(), nullable=False),  # "import", "openai", "local"
        pa.field("model", pa.string()),
        pa.field("values", pa.list_(pa.float32())),  # in the schema's order, null where the answer has a gap
        pa.field("raw_answer", pa.string()),
        pa.field("finish_reason", pa.string()),
        # To what question.
        pa.field("schema_digest", pa.string(), nullable=False),
        pa.field("prompt_hash", pa.string()),
        pa.field("text_hash", pa.string()),  # of the item text that was sent
        pa.field("source_digest", pa.string()),  # of the imported file
        pa.field("source_place", pa.int64()),  # line (Parquet: row) in the imported file, from 1
        # At what price.
        pa.field("tokens_in", pa.int64()),
        pa.field("tokens_out", pa.int64()),
        pa.field("cost", pa.float64()),  # US dollars
        pa.field("latency", pa.float64()),  # seconds
        pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


@dataclass(frozen=True)
class RunInfo:
    """One scoring run in the ledger.

    Attributes:
        run: its name.
        provider, model: who scored; the model is None for imports.
        schema_digest: which schema was asked.
        answers, failed: rows with status "ok", and the others.
        items: items with at least one answer.
        cost: US dollars, failed attempts included.
        first, last: times of its first and last row, UTC.
    """

    run: str
    provider: str
    model: str | None
    schema_digest: str
    answers: int
    failed: int
    items: int
    cost: float
    first: datetime
    last: datetime


def append_rows(store: Store, rows: pa.Table) -> int:
    """Append the rows whose `row_id` the ledger does not hold yet; returns how many were new.

    Args:
        store: open for writing.
        rows: columns of `SCHEMA`; nullable ones may be absent.
    """
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in SCHEMA
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    if store.has_table(TABLE):
        known = store.read(TABLE, ["row_id"]).column("row_id")
        table = table.filter(pc.invert(pc.is_in(table.column("row_id"), value_set=known.combine_chunks())))
    if table.num_rows:
        store.append(TABLE, table)
    return int(table.num_rows)


def find_rows(store: Store, row_ids: Sequence[str]) -> pa.Table:
    """Those of the rows that the ledger holds, columns `row_id` and `run`."""
    if not store.has_table(TABLE):
        return pa.table({"row_id": pa.array([], pa.string()), "run": pa.array([], pa.string())})
    held = store.read(TABLE, ["row_id", "run"])
    return held.filter(pc.is_in(held.column("row_id"), value_set=pa.array(row_ids, pa.string())))


def list_runs(store: Store) -> list[RunInfo]:
    """Every scoring run in the ledger, oldest first."""
    if not store.has_table(TABLE):
        return []
    names = ["run", "provider", "model", "schema_digest", "status", "item_id", "cost", "created"]
    held = store.read(TABLE, names)
    good = pc.equal(held.column("status"), "ok")
    held = held.append_column("answer", pc.cast(good, pa.int64()))
    held = held.append_column("answered", pc.if_else(good, held.column("item_id"), None))
    groups = held.group_by(["run", "schema_digest"], use_threads=False).aggregate(
        [
            ("provider", "first"),
            ("model", "first"),
            ("answer", "sum"),
            ("status", "count"),
            ("answered", "count_distinct"),
            ("cost", "sum"),
            ("created", "min"),
            ("created", "max"),
        ]
    )
    found = [
        RunInfo(
            run=row["run"],
            provider=row["provider_first"],
            model=row["model_first"],
            schema_digest=row["schema_digest"],
            answers=row["answer_sum"],
            failed=row["status_count"] - row["answer_sum"],
            items=row["answered_count_distinct"],
            cost=row["cost_sum"] or 0.0,
            first=row["created_min"],
            last=row["created_max"],
        )
        for row in groups.to_pylist()
    ]
    return sorted(found, key=lambda info: (info.first, info.run))


def choose_run(store: Store, run: str | None, schema_digest: str, schema_name: str) -> RunInfo:
    """The named run, or with None the only one, among the runs that scored on this schema.

    Raises:
        UsageError: there is no such run, none at all, or several and none was named.
    """
    runs = list_runs(store)
    fitting = [info for info in runs if info.schema_digest == schema_digest]
    names = ", ".join(info.run for info in fitting)
    if run is not None:
        for info in fitting:
            if info.run == run:
                return info
        if any(info.run == run for info in runs):
            raise UsageError(
                f"run {run!r} was scored on another schema than {schema_name!r} as it reads now; build with "
                "the schema it was scored on"
            )
        raise UsageError(
            f"the ledger has no run {run!r} on schema {schema_name!r}"
            + (f"; it has {names}" if names else "")
        )
    if not fitting:
        raise UsageError(f"nothing was scored on schema {schema_name!r} yet; import scores first")
    if len(fitting) > 1:
        raise UsageError(f"several runs scored on schema {schema_name!r}: name one of {names}")
    return fitting[0]


@dataclass(frozen=True)
class RunScores:
    """A run's scores on a list of items.

    Attributes:
        mean: float64 (n, A), mean over samples of the last good attempt; NaN where there is no score.
        spread: float64 (n, A), population standard deviation over samples, NaN as in `mean`; None where no
            item has two samples.
        source_digests: files the run's rows came from, sorted.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64] | None
    source_digests: tuple[str, ...]


def read_run(store: Store, run: str, schema_digest: str, item_ids: Sequence[str], width: int) -> RunScores:
    """What a run says of the given items; items it does not know are NaN.

    Raises:
        DataError: a row does not have `width` values.
    """
    names = ["row_id", "item_id", "sample", "attempt", "values", "source_digest"]
    where = f"run = {_quoted(run)} AND schema_digest = {_quoted(schema_digest)} AND status = 'ok'"
    held = store.read(TABLE, names, where=where)
    digests = sorted(digest for digest in pc.unique(held.column("source_digest")).to_pylist() if digest)
    lengths = pc.fill_null(pc.list_value_length(held.column("values")), 0).to_numpy()
    if (lengths != width).any():
        row = held.column("row_id")[int(np.argmax(lengths != width))].as_py()
        raise DataError(f"row {row} of run {run!r} in the ledger does not have {width} values")
    codes = pc.index_in(held.column("item_id"), value_set=pa.array(item_ids, pa.string()))
    codes = pc.fill_null(codes, -1).to_numpy()
    values = held.column("values").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    values = np.asarray(values, np.float64).reshape(-1, width)
    sample, attempt = held.column("sample").to_numpy(), held.column("attempt").to_numpy()

    # Of each (item, sample) the last attempt: sort by attempt, keep the last of each group.
    order = np.lexsort((np.arange(len(codes)), attempt, sample, codes))
    order = order[codes[order] >= 0]
    pair = np.stack([codes[order], sample[order]], axis=1)
    last = np.ones(len(order), bool)
    last[:-1] = (pair[1:] != pair[:-1]).any(axis=1)
    kept = order[last]
    return RunScores(*_over_samples(codes[kept], values[kept], len(item_ids)), tuple(digests))


def _over_samples(
    codes: NDArray[np.int64], values: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Mean and spread per item over its rows; gaps do not count."""
    known = ~np.isnan(values)
    counts = np.zeros((n, values.shape[1]))
    total = np.zeros_like(counts)
    np.add.at(counts, codes, known)
    np.add.at(total, codes, np.where(known, values, 0))
    with np.errstate(invalid="ignore"):
        mean = total / np.where(counts > 0, counts, np.nan)
    if counts.max(initial=0) < 2:
        return mean, None
    squares = np.zeros_like(counts)
    np.add.at(squares, codes, np.where(known, (values - mean[codes]) ** 2, 0))
    return mean, np.sqrt(squares / np.where(counts > 0, counts, np.nan))


def _quoted(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
