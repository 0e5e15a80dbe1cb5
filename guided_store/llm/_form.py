"""The form of an answer: how it is asked for, and how the text in it is taken out of a response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from guided_store.llm._completion import Completion

Structured = Literal["json_schema", "json_object", "none"]
"""How a server is asked to keep to the answer's form: by its schema, as any JSON, or by the prompt alone."""

_FENCE = re.compile(r"```[A-Za-z]*[ \t]*\r?\n(.*)\n?[ \t]*```", re.DOTALL)

# The end of thoughts that a server left in the content. Their start may be missing: many chat templates put
# it into the prompt.
_THOUGHTS_END = re.compile(r"</(?:\w+:)?(?:think|thinking|thought|reasoning)>|\[/THINK\]")


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
    """The content of a completion that came to its proper end, without thoughts before or a fence around it.

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
    text = _answer(completion.content or "")
    if not text:
        raise Unusable(
            "empty answer: the model thought and said nothing; its server may take answers for thoughts"
            if completion.thought or (completion.content or "").strip()
            else "empty answer"
        )
    fenced = _FENCE.fullmatch(text)
    return fenced[1] if fenced else text


def _answer(content: str) -> str:
    """What stands after a model's thoughts; all of it where there are none.

    A text that begins as JSON has none before it, whatever its strings hold. Else the last mark counts, since
    thoughts may quote one.
    """
    text = content.strip()
    if text.startswith(("{", "```")):
        return text
    start = 0
    for end in _THOUGHTS_END.finditer(text):
        start = end.end()
    return text[start:].lstrip()
