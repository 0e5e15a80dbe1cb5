"""What a model is asked: instructions, data apart from them, and the form of the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from guided_store.attributes import AttributeSchema
from guided_store.llm._data import data_text
from guided_store.llm._form import Structured, response_format, strict_object
from guided_store.llm._prompt import TEMPLATE_VERSION, Subject, system_text, whole_numbers

ENUM_STEPS = 21
"""Scales of up to this many whole scores list them one by one in the answer's schema."""

ENUM_VALUES = 1000
"""OpenAI's strict mode takes this many enum values in a schema; above it the scores are plain integers."""

_NAME = "item_scores"

# A reasoning model's thoughts count as output, and their length is not known beforehand.
_ROOM_TO_THINK = 2000

_ID = "id"


@dataclass(frozen=True)
class Question:
    """One question, put to a model about many items.

    Attributes:
        schema: the A attributes to score.
        allow_unknown: True if the model may answer null where it has no ground for a score.
        notes: the user's own words on the domain, added to the instructions; "" for none.
        subject: whether items are scored or users; the data of a user is a "history".
    """

    schema: AttributeSchema
    allow_unknown: bool = False
    notes: str = ""
    subject: Subject = "items"

    @cached_property
    def system(self) -> str:
        """The instructions: the same text in every request, whatever the items."""
        return system_text(
            self.schema, allow_unknown=self.allow_unknown, notes=self.notes, subject=self.subject
        )

    @cached_property
    def prompt_hash(self) -> str:
        """SHA-256 of template version, instructions and answer schema: all of the question but its items.

        How many items share a request is no part of it.
        """
        content = {"template": TEMPLATE_VERSION, "system": self.system, "answer": self.answer_schema()}
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(b"guided-store question 1\0" + text.encode()).hexdigest()

    @cached_property
    def whole(self) -> bool:
        """Whether scores are whole numbers: both ends are, and the scale is not 0 to 1 or -1 to 1."""
        return whole_numbers(self.schema)

    def answer_schema(self) -> dict[str, object]:
        """The answer as JSON schema, for any number of items: `{"items": [{"id", "scores": {name: score}}]}`.

        It keeps to what OpenAI's strict mode and local servers share: every property required, none added,
        no bounds. Whole scores are an enum of up to `ENUM_STEPS` values each and `ENUM_VALUES` together, else
        any integer; other scores are any number. `judge` checks the range in each case.
        """
        score = self._score_schema()
        scores = strict_object(dict.fromkeys(self.schema.names, score))
        item = strict_object({_ID: {"type": "string"}, "scores": scores})
        return strict_object({"items": {"type": "array", "items": item}})

    def messages(self, keys: Sequence[str], data: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        """The system and the user message for some items.

        Args:
            keys: length n, what the items are called in this request (`make_keys`).
            data: length n, field to text. A field named "id" is sent as "id_", the id being the key.

        The user message is JSON and nothing else: `{"items": [{"id": key, field: text, ...}]}`. Reading it as
        JSON gives each text back exactly, and no text can end its own field.

        Raises:
            ValueError: keys and data differ in length.
        """
        items = [{_ID: key, **_renamed(fields)} for key, fields in zip(keys, data, strict=True)]
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": data_text({"items": items})},
        ]

    def response_format(self, structured: Structured) -> dict[str, object] | None:
        """The request's `response_format`; None where the server is to be told nothing."""
        return response_format(_NAME, self.answer_schema(), structured)

    def output_tokens(self, n: int) -> int:
        """Tokens an answer on `n` items may take: more than its characters, and room to think before it."""
        low, high = self.schema.scale
        digits = max(len(f"{low:g}"), len(f"{high:g}")) + (0 if self.whole else 4)
        item = sum(len(name) + max(digits, 4) + 6 for name in self.schema.names) + 60
        return _ROOM_TO_THINK + n * item

    def _score_schema(self) -> dict[str, object]:
        low, high = self.schema.scale
        steps = int(high) - int(low) + 1
        score: dict[str, object]
        if not self.whole:
            score = {"type": "number"}
        elif steps > ENUM_STEPS or steps * len(self.schema) > ENUM_VALUES:
            score = {"type": "integer"}
        else:
            score = {"type": "integer", "enum": list(range(int(low), int(high) + 1))}
        return {"anyOf": [score, {"type": "null"}]} if self.allow_unknown else score


def _renamed(fields: Mapping[str, str]) -> Mapping[str, str]:
    if _ID not in fields:
        return fields
    other = _ID
    while other in fields:
        other += "_"
    return {other if name == _ID else name: text for name, text in fields.items()}
