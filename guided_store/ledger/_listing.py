"""Which runs the ledger holds, and which one is meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from guided_store.errors import UsageError
from guided_store.ledger._rows import TABLE
from guided_store.ledger._runs import run_records
from guided_store.store import Store


@dataclass(frozen=True)
class RunInfo:
    """One scoring run in the ledger.

    Attributes:
        run: its name.
        provider, model: who scored; the model is None for imports.
        schema_digest: which schema was asked.
        purpose: "score", or "check" for runs that only measure.
        subject: whether it scored "items" or "users".
        answers, failed, unknown: rows with these statuses ("ok" for answers).
        items: items with at least one answer.
        cost: US dollars, failed attempts included.
        first, last: times of its first and last row, UTC.
    """

    run: str
    provider: str
    model: str | None
    schema_digest: str
    purpose: str
    answers: int
    failed: int
    unknown: int
    items: int
    cost: float
    first: datetime
    last: datetime
    subject: str = "items"


def list_runs(store: Store) -> list[RunInfo]:
    """Every scoring run in the ledger, oldest first."""
    if not store.has_table(TABLE):
        return []
    names = ["run", "provider", "model", "schema_digest", "status", "item_id", "cost", "created"]
    held = store.read(TABLE, names)
    good = pc.equal(held.column("status"), "ok")
    for status in ("ok", "failed", "unknown"):
        held = held.append_column(status, pc.cast(pc.equal(held.column("status"), status), pa.int64()))
    held = held.append_column("answered", pc.if_else(good, held.column("item_id"), None))
    groups = held.group_by(["run", "schema_digest"], use_threads=False).aggregate(
        [
            ("provider", "first"),
            ("model", "first"),
            ("ok", "sum"),
            ("failed", "sum"),
            ("unknown", "sum"),
            ("answered", "count_distinct"),
            ("cost", "sum"),
            ("created", "min"),
            ("created", "max"),
        ]
    )
    records = {record.run: record for record in run_records(store)}
    found = [
        RunInfo(
            run=row["run"],
            provider=row["provider_first"],
            model=row["model_first"],
            schema_digest=row["schema_digest"],
            purpose=records[row["run"]].purpose if row["run"] in records else "score",
            answers=row["ok_sum"],
            failed=row["failed_sum"],
            unknown=row["unknown_sum"],
            items=row["answered_count_distinct"],
            cost=row["cost_sum"] or 0.0,
            first=row["created_min"],
            last=row["created_max"],
            subject=records[row["run"]].subject if row["run"] in records else "items",
        )
        for row in groups.to_pylist()
    ]
    return sorted(found, key=lambda info: (info.first, info.run))


def choose_run(store: Store, run: str | None, schema_digest: str, schema_name: str) -> RunInfo:
    """The named run, or with None the only one, among the runs that scored items on this schema.

    Runs of purpose "check" have to be named. Runs that scored users are none of them.

    Raises:
        UsageError: there is no such run, none at all, or several and none was named.
    """
    runs = list_runs(store)
    if any(info.run == run and info.subject == "users" for info in runs):
        raise UsageError(f"run {run!r} scored users, not items; `guided-store build users` takes it")
    runs = [info for info in runs if info.subject == "items"]
    fitting = [info for info in runs if info.schema_digest == schema_digest]
    if run is None:
        fitting = [info for info in fitting if info.purpose == "score"]
    names = ", ".join(info.run for info in fitting)
    if run is not None:
        for info in fitting:
            if info.run == run:
                return info
        if any(info.run == run for info in runs):
            raise UsageError(
                f"run {run!r} was scored on another schema than {schema_name!r} as it reads now; name the "
                "schema it was scored on"
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
