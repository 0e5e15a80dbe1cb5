"""The record of a scoring run, as tests write it into a ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from guided_store.attributes import AttributeSchema
from guided_store.ledger import RunRecord


def run_record(schema: AttributeSchema, **changes: Any) -> RunRecord:
    """A run named "r" that shows titles; anything else as told."""
    record: dict[str, Any] = {
        "run": "r",
        "provider": "openai",
        "model": "some-model",
        "endpoint": None,
        "purpose": "score",
        "schema": schema,
        "prompt_hash": "p",
        "prompt": "",
        "fields": ("title",),
        "max_chars": 2000,
        "allow_unknown": False,
        "settings": {},
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return RunRecord(**record | changes)
