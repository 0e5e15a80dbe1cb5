"""The `runs` table: what each run asks, and of whom; one row a run, written before its first request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import pyarrow as pa

from guided_store.attributes import AttributeSchema, schema_from_dict
from guided_store.errors import StoreError, UsageError
from guided_store.ledger._rows import quoted
from guided_store.ledger._users import UserHistories, histories_from_dict
from guided_store.store import Store

TABLE = "runs"

Purpose = Literal["score", "check"]

_SCHEMA = pa.schema(
    [
        pa.field("run", pa.string(), nullable=False),
        pa.field("provider", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("endpoint", pa.string()),
        pa.field("purpose", pa.string(), nullable=False),
        pa.field("schema", pa.string(), nullable=False),  # JSON, whole: a run can be read without any file
        pa.field("schema_digest", pa.string(), nullable=False),
        pa.field("prompt_hash", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("fields", pa.list_(pa.string()), nullable=False),
        pa.field("max_chars", pa.int32(), nullable=False),
        pa.field("allow_unknown", pa.bool_(), nullable=False),
        pa.field("settings", pa.string(), nullable=False),  # JSON
        pa.field("created", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)


@dataclass(frozen=True)
class RunRecord:
    """One run of scoring by a model: the question, and who is asked.

    Attributes:
        run: its name, formed like a version's.
        provider: "openai" (any endpoint that speaks its protocol) or "local".
        model: the model's name as it was asked for, or a folder.
        endpoint: base URL without credentials; None for the provider's own.
        purpose: "score", or "check" for runs that only measure, which guided versions use only when named.
        schema: the attributes.
        prompt_hash, prompt: the instructions, hashed and in words.
        fields: columns of the items table that are shown to the model, in this order.
        max_chars: at which length a field is cut.
        allow_unknown: whether the model may answer that it cannot tell.
        settings: how it was asked at first (temperature, repeats, ...), JSON-serialisable; not the question,
            but for "users": which histories are shown, where it is users that are scored.
        created: UTC.
    """

    run: str
    provider: str
    model: str
    endpoint: str | None
    purpose: Purpose
    schema: AttributeSchema
    prompt_hash: str
    prompt: str
    fields: tuple[str, ...]
    max_chars: int
    allow_unknown: bool
    settings: Mapping[str, Any]
    created: datetime

    @property
    def users(self) -> UserHistories | None:
        """Which histories of users it shows; None for a run that scores items."""
        shown = self.settings.get("users")
        return None if shown is None else histories_from_dict(shown)

    @property
    def subject(self) -> Literal["items", "users"]:
        """What it scores."""
        return "items" if self.users is None else "users"

    @property
    def question(self) -> tuple[object, ...]:
        """What makes two runs ask the same: model and place, schema, prompt, and how items are shown.

        Of a run that scores users, also which histories.
        """
        asked = (
            self.provider,
            self.model,
            self.endpoint,
            self.schema.digest,
            self.prompt_hash,
            self.fields,
            self.max_chars,
        )
        shown = self.users
        return asked if shown is None else (*asked, shown.split, shown.at, shown.newest)


_DIFFERENCES = ("provider", "model", "endpoint", "schema", "prompt", "fields", "text length")
_OF_USERS = ("split", "time of the split", "length of histories")


def record_run(store: Store, record: RunRecord) -> RunRecord:
    """Write a run's record, or find that it is there; returns the one that is held.

    Args:
        store: open for writing.
        record: the run.

    Raises:
        UsageError: the name belongs to a run that asks something else; the sentence says what differs.
    """
    held = held_run(store, record)
    if held is None:
        store.append(TABLE, _row(record))
        return record
    return held


def held_run(store: Store, record: RunRecord) -> RunRecord | None:
    """What the store holds under this record's name, if anything; raises as `record_run`, writes nothing."""
    held = find_run(store, record.run)
    if held is None:
        return None
    if held.subject != record.subject:
        raise UsageError(
            f"run {record.run!r} exists and scores {held.subject}; give this one another name with --run, "
            "or none"
        )
    names = (*_DIFFERENCES, *_OF_USERS)  # without users the questions end before these
    different = [name for name, a, b in zip(names, held.question, record.question, strict=False) if a != b]
    if different:
        raise UsageError(
            f"run {record.run!r} exists and asks with another {' and '.join(different)}; give this one "
            "another name with --run, or none"
        )
    return held


def find_run(store: Store, run: str) -> RunRecord | None:
    """The record of a run; None for imports and unknown names."""
    if not store.has_table(TABLE):
        return None
    rows = store.read(TABLE, where=f"run = {quoted(run)}").to_pylist()
    return _record(rows[0]) if rows else None


def need_run(store: Store, run: str) -> RunRecord:
    """The record of a run.

    Raises:
        UsageError: there is no such run, or it was imported.
    """
    record = find_run(store, run)
    if record is None:
        names = ", ".join(held.run for held in run_records(store))
        raise UsageError(f"no run {run!r} has asked a model" + (f"; there are {names}" if names else " yet"))
    return record


def run_records(store: Store) -> list[RunRecord]:
    """All recorded runs, oldest first."""
    rows = store.read(TABLE).to_pylist() if store.has_table(TABLE) else []
    return sorted((_record(row) for row in rows), key=lambda record: (record.created, record.run))


def _row(record: RunRecord) -> pa.Table:
    row = {
        "run": record.run,
        "provider": record.provider,
        "model": record.model,
        "endpoint": record.endpoint,
        "purpose": record.purpose,
        "schema": json.dumps(record.schema.to_dict(), ensure_ascii=False),
        "schema_digest": record.schema.digest,
        "prompt_hash": record.prompt_hash,
        "prompt": record.prompt,
        "fields": list(record.fields),
        "max_chars": record.max_chars,
        "allow_unknown": record.allow_unknown,
        "settings": json.dumps(dict(record.settings)),
        "created": record.created,
    }
    return pa.Table.from_pylist([row], schema=_SCHEMA)


def _record(row: dict[str, Any]) -> RunRecord:
    schema = schema_from_dict(json.loads(row["schema"]), f"run {row['run']!r}")
    if schema.digest != row["schema_digest"]:
        raise StoreError(f"the schema recorded with run {row['run']!r} does not have the digest beside it")
    return RunRecord(
        run=row["run"],
        provider=row["provider"],
        model=row["model"],
        endpoint=row["endpoint"],
        purpose=cast("Purpose", row["purpose"]),
        schema=schema,
        prompt_hash=row["prompt_hash"],
        prompt=row["prompt"],
        fields=tuple(row["fields"]),
        max_chars=row["max_chars"],
        allow_unknown=row["allow_unknown"],
        settings=json.loads(row["settings"]),
        created=row["created"],
    )
