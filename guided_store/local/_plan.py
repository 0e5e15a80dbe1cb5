"""The run that a local scoring belongs to: its name, its record, and the scale that the record keeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import RunRecord, default_name, free_name, run_records
from guided_store.local import _scale
from guided_store.local._directions import describe_question, question_hash
from guided_store.store import Store
from guided_store.versions import check_name

PROVIDER = "local"


def plan_run(
    store: Store,
    schema: AttributeSchema,
    *,
    model: str,
    identity: str,
    run: str | None,
    fields: tuple[str, ...],
    max_chars: int,
    again: bool,
) -> tuple[RunRecord, bool]:
    """The record of the run to go on with, or of one to begin, and whether it is held; nothing is written.

    A record to begin has no scale in its settings yet. Without a name the run is found by what it asks.

    Raises:
        UsageError: not a legal name, a name that belongs to another question, or (unless `again`) the same
            was asked under another name.
    """
    record = RunRecord(
        run="",
        provider=PROVIDER,
        model=model,
        endpoint=None,
        purpose="score",
        schema=schema,
        prompt_hash=question_hash(identity, _scale.RULE),
        prompt=describe_question(schema),
        fields=fields,
        max_chars=max_chars,
        allow_unknown=False,
        settings={"identity": identity},
        created=datetime.now(UTC),
    )
    held = {other.run: other for other in run_records(store)}
    same = [name for name, other in held.items() if other.question == record.question]
    name = check_name(run) if run is not None else default_name(record)
    if run is None and again:
        name = free_name(name, held)
    if name in same:
        return held[name], True
    if same and not again:
        raise UsageError(
            f"run {same[0]} has these scores already: go on with --run {same[0]}, or begin a run with "
            "--again, with a scale of its own"
        )
    if name in held:
        raise UsageError(
            f"run {name!r} exists and asks something else (another model, schema, fields or rule); give this "
            "one another name with --run, or none"
        )
    return replace(record, run=name), False
