"""The run that a question belongs to: its name, its record, and whether it was asked before."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Literal

from guided_store.attributes import AttributeSchema
from guided_store.catalogue import has_interactions
from guided_store.errors import UsageError
from guided_store.ledger import RunRecord, choose_fields, default_name, free_name, held_run, run_records
from guided_store.llm import Question
from guided_store.runs._options import ScoringOptions
from guided_store.store import Store

PROVIDER = "openai"


def plan_run(store: Store, schema: AttributeSchema, options: ScoringOptions) -> RunRecord:
    """The record of the run to go on with or to begin; nothing is written.

    Without a name in the options it is derived from the question, so that the same question finds its run.

    Raises:
        UsageError: no items, unknown fields, another run asked the same already (unless `again`), or the run
            of that name asks something else.
    """
    draft = draft_record(store, schema, options, "score")
    record = replace(draft, run=_choose_name(store, draft, options))
    held_run(store, record)
    return record


def draft_record(
    store: Store, schema: AttributeSchema, options: ScoringOptions, purpose: Literal["score", "check"]
) -> RunRecord:
    """The record of a run without its name; raises UsageError for no items or unknown fields."""
    users = options.users
    subject: Literal["items", "users"] = "items" if users is None else "users"
    question = Question(schema, options.allow_unknown, options.notes, subject)
    if users is not None and not has_interactions(store):
        raise UsageError(
            "the store has no users' histories; add them with `guided-store ingest interactions`"
        )
    settings = {} if users is None else {"users": users.to_dict()}
    return RunRecord(
        run="",
        provider=PROVIDER,
        model=options.model,
        endpoint=options.base_url,
        purpose=purpose,
        schema=schema,
        prompt_hash=question.prompt_hash,
        prompt=question.system,
        fields=choose_fields(store, options.fields),
        max_chars=options.max_chars if users is None else users.chars,
        allow_unknown=options.allow_unknown,
        settings=settings
        | {
            "items_per_request": options.items_per_request,
            "repeats": options.repeats,
            "attempts": options.attempts,
            "temperature": options.temperature,
            "reasoning_effort": options.reasoning_effort,
            "structured": options.structured,
            "notes": options.notes,
            "prices": None if options.prices is None else asdict(options.prices),
        },
        created=datetime.now(UTC),
    )


def _choose_name(store: Store, record: RunRecord, options: ScoringOptions) -> str:
    same = [
        held.run
        for held in run_records(store)
        if held.purpose == record.purpose and held.question == record.question
    ]
    name = options.run or default_name(record)
    if name in same and (options.run is not None or not options.again):
        return name
    if options.again:
        return name if options.run is not None else free_name(name, [held.run for held in run_records(store)])
    if same:
        raise UsageError(
            f"run {same[0]} asked the same question already: go on with --run {same[0]}, ask --repeats 2 for "
            "independent second answers, or --again to buy all anew"
        )
    return name
