"""The `scores` table: an append-only ledger of every answer that was ever given about an item.

One row per (request, item). A run is one decision to score: an imported file, or a model with a question.
What was paid for is kept raw, failures included; guided versions are built from it.

| status  | what happened                                                                    |
|---------|----------------------------------------------------------------------------------|
| ok      | answered; `values` are the scores                                                |
| failed  | answered, but not usable; `reason` says why                                      |
| error   | refused by the server (an HTTP status): nothing was answered or billed           |
| unknown | sent, and never learned what became of it; `cost` is an upper bound of its price |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from guided_store.store import Store

TABLE = "scores"

SCHEMA = pa.schema(
    [
        # Identity: the same answer always has the same row id, so that replaying is idempotent.
        pa.field("row_id", pa.string(), nullable=False),
        pa.field("request_id", pa.string(), nullable=False),  # one request may ask for several items
        pa.field("run", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),  # independent repeats within a run, from 0
        pa.field("attempt", pa.int32(), nullable=False),  # tries for one sample, from 1
        pa.field("status", pa.string(), nullable=False),  # "ok", "failed", "error", "unknown"
        pa.field("reason", pa.string()),  # why there are no values
        # Who answered what.
        pa.field("provider", pa.string(), nullable=False),  # "import", "openai", "local"
        pa.field("model", pa.string()),
        pa.field("values", pa.list_(pa.float32())),  # in the schema's order, null where the answer has a gap
        pa.field("raw_answer", pa.string()),  # the response's body, in the first row of its request
        pa.field("finish_reason", pa.string()),
        # To what question.
        pa.field("schema_digest", pa.string(), nullable=False),
        pa.field("prompt_hash", pa.string()),
        pa.field("text_hash", pa.string()),  # of the item text that was sent
        pa.field("source_digest", pa.string()),  # of the imported file
        pa.field("source_place", pa.int64()),  # line (Parquet: row) in the imported file, from 1
        # At what price: a request's share for this item.
        pa.field("tokens_in", pa.int64()),
        pa.field("tokens_out", pa.int64()),
        pa.field("cost", pa.float64()),  # US dollars
        pa.field("latency", pa.float64()),  # seconds, of the whole request
        pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


def append_rows(store: Store, rows: pa.Table, *, known_new: bool = False) -> int:
    """Append the rows whose `row_id` the ledger does not hold yet; returns how many were new.

    Memory does not grow with the ledger: its ids are compared batch by batch.

    Args:
        store: open for writing.
        rows: columns of `SCHEMA`; nullable ones may be absent. A `row_id` that comes twice is taken once.
        known_new: trust that none is held, and skip the comparison.
    """
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in SCHEMA
    ]
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    if not known_new:
        ids = table.column("row_id")
        first = pc.equal(
            pc.index_in(ids, value_set=ids.combine_chunks()), pa.array(range(len(ids)), pa.int32())
        )
        held = find_rows(store, ids).column("row_id").combine_chunks()
        table = table.filter(pc.and_(first, pc.invert(pc.is_in(ids, value_set=held))))
    if table.num_rows:
        store.append(TABLE, table)
        store.compact(TABLE)
    return int(table.num_rows)


def find_rows(store: Store, row_ids: Sequence[str] | pa.ChunkedArray) -> pa.Table:
    """Those of the rows that the ledger holds, columns `row_id` and `run`."""
    names = ["row_id", "run"]
    asked = (
        row_ids.combine_chunks() if isinstance(row_ids, pa.ChunkedArray) else pa.array(row_ids, pa.string())
    )
    found = [
        batch.filter(pc.is_in(batch.column("row_id"), value_set=asked))
        for batch in (store.batches(TABLE, names) if len(asked) and store.has_table(TABLE) else ())
    ]
    return pa.Table.from_batches(found, schema=pa.schema([SCHEMA.field(name) for name in names]))


def run_batches(
    store: Store, run: str, columns: Sequence[str], *, where: str = "", batch_size: int = 16_384
) -> Iterator[pa.RecordBatch]:
    """The rows of a run in storage order, in batches; none where there is no ledger yet.

    Args:
        store: the store.
        run: whose rows.
        columns: which columns.
        where: a further condition in SQL.
        batch_size: rows at most.
    """
    if store.has_table(TABLE):
        condition = f"run = {quoted(run)}" + (f" AND {where}" if where else "")
        yield from store.dataset(TABLE).to_batches(
            columns=list(columns), filter=condition, batch_size=batch_size, scan_in_order=True
        )


def quoted(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"
