"""A proposed schema: read from an answer, and written as a file for its user to edit."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from guided_store.attributes import AttributeSchema, schema_from_dict
from guided_store.errors import DataError
from guided_store.llm._brief import END_CHARS, SchemaBrief
from guided_store.llm._completion import Completion, Usage, words
from guided_store.llm._form import Unusable, usable_text

_KEYS = ("rationale", "name", "low", "high", "hindsight")
_RATIONALE_CHARS = 600
_WIDTH = 108


@dataclass(frozen=True)
class Proposal:
    """A schema that a model proposed.

    Attributes:
        brief: what was asked for.
        schema: the attributes, most decisive first as the model saw it.
        rationale: which choice an attribute decides, one line by its name.
        model: who answered.
        sampled: how many items the model was shown.
        usage: tokens of all its answers together, unusable ones included; None where the server counted none.
        answers: response bodies in the order they came, raw; the last one is the schema.
        cut: whether the server seems to have read only a part of what it was sent (`was_cut`).
    """

    brief: SchemaBrief
    schema: AttributeSchema
    rationale: Mapping[str, str]
    model: str
    sampled: int
    usage: Usage | None
    answers: tuple[str, ...]
    cut: bool = False

    def to_toml(self, created: datetime) -> str:
        """The schema as a TOML file, the reasons as comments; reading it gives an equal schema."""
        # Each block is one table: a text never spans lines, its line breaks being escaped.
        head, *tables = self.schema.to_toml().rstrip("\n").split("\n\n")
        about = (
            f"{len(self.schema)} attributes of {self.brief.domain}, proposed by {self.model} on "
            f"{created:%Y-%m-%d} from a sample of {self.sampled}. Each item is scored on each attribute from "
            f"{self.schema.scale[0]:g} (the low end) to {self.schema.scale[1]:g} (the high end)."
        )
        advice = (
            "Edit this before you score: remove what does not decide choices, sharpen the ends. Once scores "
            "are bought, another word makes another schema, and they do not carry over."
        )
        comments = [about, advice]
        if self.cut:
            comments.insert(
                1,
                "WARNING: by its count of tokens the server read only a part of the question. Give the model "
                "a larger context (with Ollama OLLAMA_CONTEXT_LENGTH), or show it a smaller sample.",
            )
        blocks = ["\n#\n".join(map(_comment, comments)) + f"\n{head}"]
        for attribute, table in zip(self.schema.attributes, tables, strict=True):
            blocks.append(f"{_comment(self.rationale[attribute.name])}\n{table}")
        return "\n\n".join(blocks) + "\n"


def read_proposal(
    completion: Completion, brief: SchemaBrief, name: str
) -> tuple[AttributeSchema, dict[str, str]]:
    """Schema and reasons from an answer; nothing is repaired.

    Args:
        completion: the answer.
        brief: what was asked for. A quarter more or fewer attributes are accepted.
        name: of the schema.

    Raises:
        Unusable: the answer is no schema of the asked form.
    """
    answer = _parse(usable_text(completion))
    if not isinstance(answer, dict) or set(answer) != {"attributes"}:
        raise Unusable('the answer is not one JSON object with "attributes" alone')
    elements = answer["attributes"]
    if not isinstance(elements, list):
        raise Unusable('"attributes" is not a list')
    if abs(len(elements) - brief.size) > brief.size // 4:
        raise Unusable(f"{brief.size} attributes were asked for, the answer has {len(elements)}")
    tables, rationale = [], {}
    for number, element in enumerate(elements, start=1):
        table = _element(element, number)
        rationale[str(table["name"])] = words(table.pop("rationale"), _RATIONALE_CHARS)
        tables.append(table)
    content = {"name": name, "version": 1, "item": " ".join(brief.item.split()), "attribute": tables}
    try:
        return schema_from_dict(content, "the answer"), rationale
    except DataError as error:
        raise Unusable(str(error)) from None


def _element(element: Any, number: int) -> dict[str, Any]:
    """One attribute's table, its rationale still in it."""
    if not isinstance(element, dict):
        raise Unusable(f"attribute {number} is not an object")
    missing = [key for key in _KEYS if key not in element]
    if missing or len(element) > len(_KEYS):
        raise Unusable(f"attribute {number} has not exactly the keys {', '.join(_KEYS)}")
    where = f"attribute {number} ({words(str(element['name']), 40)})"
    for key in _KEYS:
        kind = bool if key == "hindsight" else str
        if not isinstance(element[key], kind):
            raise Unusable(f"{where}: {key} is not a {'truth value' if kind is bool else 'text'}")
    for end in ("low", "high"):
        text = element[end] = " ".join(element[end].split())
        if not text.isprintable():
            raise Unusable(f"{where}: its {end} end has characters that cannot be shown")
        if len(text) > END_CHARS:
            raise Unusable(
                f"{where}: its {end} end has {len(text)} characters; at most {END_CHARS}, better far fewer"
            )
    if not element["rationale"].strip():
        raise Unusable(f"{where}: its rationale is empty")
    return {key: element[key] for key in _KEYS}


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable(f"the answer is not JSON: {words(text, 60)}") from None


def _comment(text: str) -> str:
    line = words(text, 2 * _RATIONALE_CHARS)
    return "\n".join(textwrap.wrap(line, _WIDTH, initial_indent="# ", subsequent_indent="# "))
