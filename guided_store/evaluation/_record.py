"""Evaluations kept in the store: the append-only table `evaluations`, one row per system and evaluation."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa

from guided_store import __version__
from guided_store.evaluation._evaluation import Evaluation

TABLE = "evaluations"

SCHEMA = pa.schema(
    [
        pa.field("evaluation", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("system", pa.string(), nullable=False),
        pa.field("trained", pa.bool_(), nullable=False),
        pa.field("split_kind", pa.string(), nullable=False),
        pa.field("split_digest", pa.string(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("repeats", pa.string(), nullable=False),
        pa.field("cases", pa.int64(), nullable=False),
        pa.field("unranked", pa.int64(), nullable=False),
        pa.field("metrics", pa.string(), nullable=False),
        pa.field("intervals", pa.string(), nullable=False),
        pa.field("parameters", pa.string(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("package", pa.string(), nullable=False),
    ]
)
"""`evaluation` is shared by the rows of one evaluation; metrics, intervals and parameters are JSON."""


class EvaluationStore(Protocol):
    """The part of `guided_store.store.Store` used here."""

    def has_table(self, name: str, /) -> bool: ...
    def append(self, name: str, rows: pa.Table, /) -> object: ...
    def read(self, name: str, /) -> pa.Table: ...


def record(store: EvaluationStore, evaluation: Evaluation, subject: str) -> str:
    """Append every row of an evaluation to the store's table `evaluations`.

    Args:
        store: open for writing.
        subject: what was evaluated, such as "refined/films-y" or the path of a list.

    Returns:
        The evaluation's id (a random UUID), shared by its rows.
    """
    name = str(uuid.uuid4())
    now = datetime.now(UTC)
    rows = [
        {
            "evaluation": name,
            "time": now,
            "subject": subject,
            "system": row.name,
            "trained": row.trained,
            "split_kind": evaluation.split_kind,
            "split_digest": evaluation.split_digest,
            "part": evaluation.part,
            "repeats": evaluation.repeats,
            "cases": row.cases,
            "unranked": row.unranked,
            "metrics": json.dumps(row.metrics),
            "intervals": json.dumps(row.intervals),
            "parameters": json.dumps(row.parameters),
            "seconds": row.seconds,
            "package": __version__,
        }
        for row in evaluation.rows.values()
    ]
    store.append(TABLE, pa.Table.from_pylist(rows, schema=SCHEMA))
    return name


def recorded(store: EvaluationStore, subject: str | None = None) -> list[dict[str, object]]:
    """Recorded rows, oldest first, JSON columns decoded; all, or those of one subject."""
    if not store.has_table(TABLE):
        return []
    rows: list[dict[str, object]] = store.read(TABLE).sort_by("time").to_pylist()
    for row in rows:
        for column in ("metrics", "intervals", "parameters"):
            row[column] = json.loads(str(row[column]))
    return [row for row in rows if subject is None or row["subject"] == subject]
