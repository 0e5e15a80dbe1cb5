"""A store with items, and files of scores to import into it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pyarrow as pa
import pytest
from run_fixtures import *  # noqa: F403

from guided_store.attributes import AttributeSchema
from guided_store.ledger import SCHEMA, append_rows
from guided_store.store import Store

PutItems = Callable[..., None]
PutScores = Callable[..., None]
WriteCsv = Callable[..., Path]


@pytest.fixture
def put_items(store: Store) -> PutItems:
    """Append items to the catalogue: ids, titles and optionally years."""

    def put(
        ids: Sequence[str], titles: Sequence[str | None] | None = None, years: Sequence[int] | None = None
    ) -> None:
        fields = [pa.field("item_id", pa.string(), nullable=False)]
        fields += [pa.field("title", pa.string()), pa.field("text", pa.string())]
        columns = [pa.array(ids, pa.string())]
        columns.append(pa.nulls(len(ids), pa.string()) if titles is None else pa.array(titles, pa.string()))
        columns.append(pa.nulls(len(ids), pa.string()))
        if years is not None:
            fields.append(pa.field("year", pa.int64()))
            columns.append(pa.array(years, pa.int64()))
        store.append("items", pa.Table.from_arrays(columns, schema=pa.schema(fields)))

    return put


@pytest.fixture
def write_csv(tmp_path: Path) -> WriteCsv:
    """Write rows (header first) to a CSV file."""

    def write(*rows: Sequence[object], name: str = "scores.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return path

    return write


@pytest.fixture
def put_scores(store: Store, schema: AttributeSchema) -> PutScores:
    """Append good answers of a run: item id -> one vector for each of its samples."""
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in count())

    def put(
        run: str,
        answers: Mapping[str, Sequence[Sequence[float | None]]],
        *,
        scored: AttributeSchema = schema,
        attempt: int = 1,
        provider: str = "openai",
        model: str | None = "some-model",
        text_hash: str | None = None,
    ) -> None:
        rows = [
            {
                "row_id": f"{run}-{item}-{sample}" + (f"-{attempt}" if attempt > 1 else ""),
                "request_id": f"{run}-{item}-{sample}",
                "run": run,
                "item_id": item,
                "sample": sample,
                "attempt": attempt,
                "status": "ok",
                "provider": provider,
                "model": model,
                "values": list(values),
                "schema_digest": scored.digest,
                "text_hash": text_hash,
                "created": next(moments),
            }
            for item, vectors in answers.items()
            for sample, values in enumerate(vectors)
        ]
        append_rows(store, pa.Table.from_pylist(rows, schema=SCHEMA))

    return put
