"""Names of runs that nobody named."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection

from guided_store.ledger._runs import RunRecord

_UNFIT = re.compile(r"[^a-z0-9_]+")
_MODEL, _SCHEMA = 24, 16  # characters


def default_name(record: RunRecord) -> str:
    """Model, schema and the start of a digest of the question, such as "gpt-5-mini-films-1a2b3c4d"."""
    content = [list(part) if isinstance(part, tuple) else part for part in record.question]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]
    middle = "-check" if record.purpose == "check" else ""
    return f"{_slug(record.model, _MODEL)}-{_slug(record.schema.name, _SCHEMA)}{middle}-{digest}"


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with the first number from 2 behind it that is not taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _slug(text: str, length: int) -> str:
    """The text as part of a legal name; of a path its last part."""
    words = _UNFIT.sub("-", text.lower().rstrip("/").rsplit("/", 1)[-1]).strip("-_")
    return words[:length].strip("-_") or "model"
