"""Options for a run that exists already: what is left out comes from its record."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import UserHistories, find_run
from guided_store.llm import Prices
from guided_store.runs._options import ScoringOptions
from guided_store.store import Store

_DEFAULTS = {field.name: field.default for field in fields(ScoringOptions)}
_SETTINGS = (
    "items_per_request",
    "repeats",
    "attempts",
    "temperature",
    "reasoning_effort",
    "structured",
    "notes",
)


def make_options(
    store: Store, schema: AttributeSchema | None = None, *, model: str | None = None, **given: Any
) -> tuple[AttributeSchema, ScoringOptions]:
    """The schema and the options to score with; those not given, or as by default, come from the named run.

    Args:
        store: where the run is looked up.
        schema: the attributes; None: those of the run.
        model: the model's name; None: that of the run.
        given: further attributes of `ScoringOptions`; `run` names the run.

    Raises:
        UsageError: something needed is neither given nor recorded, or an option makes no sense.
    """
    name = given.get("run")
    record = None if name is None else find_run(store, name)
    if record is not None:
        known: dict[str, Any] = {
            "base_url": record.endpoint,
            "fields": record.fields,
            "max_chars": record.max_chars,
            "allow_unknown": record.allow_unknown,
        }
        known |= {key: record.settings[key] for key in _SETTINGS if key in record.settings}
        if (prices := record.settings.get("prices")) is not None:
            known["prices"] = Prices(**prices)
        if record.users is not None:
            known |= {"users": record.users, "max_chars": _DEFAULTS["max_chars"]}
            given["users"] = _filled(given.get("users"), record.users)
        for key, value in known.items():
            if given.get(key, _DEFAULTS[key]) == _DEFAULTS[key]:
                given[key] = value
        schema = record.schema if schema is None else schema
        model = record.model if model is None else model
    unknown = "" if name is None or record is not None else f"; the store has no run {name!r} to take it from"
    if schema is None:
        raise UsageError(
            f"which attributes are to be scored? Give --schema with a name or a TOML file{unknown}"
        )
    if model is None:
        raise UsageError(f"which model is to be asked? Give --model with its name at the endpoint{unknown}")
    if given.get("fields") is not None:
        given["fields"] = tuple(given["fields"])
    return schema, ScoringOptions(model, **given)


def _filled(given: UserHistories | None, held: UserHistories) -> UserHistories:
    """What is shown of users as it is given, and where that is as by default, as it is recorded."""
    usual = UserHistories()
    if given is None or given == usual:
        return held
    changed = {name: value for name, value in given.to_dict().items() if value != usual.to_dict()[name]}
    return replace(held, **changed)
