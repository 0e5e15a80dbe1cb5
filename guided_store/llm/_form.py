"""The form of an answer: how it is asked for, and how the text in it is taken out of a response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from guided_store.llm._completion import Completion

Structured = Literal["json_schema", "json_object", "none"]
"""How a server is asked to keep to the answer's form: by its schema, as any JSON, or by the prompt alone."""

_FENCE = re.compile(r"```[A-Za-z]*[ \t]*\r?\n(.*)\n?[ \t]*```", re.DOTALL)


class Unusable(Exception):
    """An answer that cannot be used; the message says why, in words for people and models."""


def strict_object(properties: Mapping[str, object]) -> dict[str, object]:
    """The JSON schema of an object with exactly these properties, as strict modes want it."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def response_format(
    name: str, schema: Mapping[str, object], structured: Structured
) -> dict[str, object] | None:
    """A request's `response_format` for answers of this schema; None where nothing is to be told."""
    match structured:
        case "json_schema":
            described = {"name": name, "strict": True, "schema": dict(schema)}
            return {"type": "json_schema", "json_schema": described}
        case "json_object":
            return {"type": "json_object"}
        case "none":
            return None


def usable_text(completion: Completion) -> str:
    """The content of a completion that came to its proper end, without a code fence around it.

    Raises:
        Unusable: it was refused, cut off, filtered, or is no text. The message is "kind" or "kind: detail".
    """
    if completion.fault:
        raise Unusable(f"bad response: {completion.fault}")
    if completion.refusal:
        raise Unusable(f"refused: {completion.refusal}")
    match completion.finish_reason:
        case "length":
            raise Unusable("cut off: the answer reached the limit of output tokens")
        case "content_filter":
            raise Unusable("filtered: the server's content filter stopped the answer")
        case "tool_calls" | "function_call":
            raise Unusable("wrong form: the model called a tool instead of answering")
    text = (completion.content or "").strip()
    if not text:
        raise Unusable("empty answer")
    fenced = _FENCE.fullmatch(text)
    return fenced[1] if fenced else text
