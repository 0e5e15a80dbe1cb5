"""A small question, right answers to it, and bodies that carry an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.llm import Question

ATTRIBUTES = (
    Attribute("humor", "none", "constant comedy"),
    Attribute("action", "none", "relentless action"),
    Attribute("pace", "very slow", "breakneck"),
)

Body = Callable[..., str]


@pytest.fixture(scope="session")
def question() -> Question:
    """Three attributes on the scale from 0 to 10."""
    return Question(AttributeSchema("demo", 1, "film", (0, 10), ATTRIBUTES))


@pytest.fixture(scope="session")
def unsure() -> Question:
    """The same question, with null allowed."""
    return Question(AttributeSchema("demo", 1, "film", (0, 10), ATTRIBUTES), allow_unknown=True)


@pytest.fixture(scope="session")
def fractional() -> Question:
    """The same attributes on the scale from 0 to 1."""
    return Question(AttributeSchema("demo", 1, "film", (0, 1), ATTRIBUTES))


@pytest.fixture(scope="session")
def body() -> Body:
    """Builds a response body; `content` is a text, or an answer to be written as JSON."""

    def build(content: Any = None, *, finish: str | None = "stop", usage: Any = None, **message: Any) -> str:
        if isinstance(content, dict):
            content = json.dumps(content)
        return json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "model": "test-1",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": finish,
                        "message": {"role": "assistant", "content": content} | message,
                    }
                ],
                "usage": usage,
            }
        )

    return build


@pytest.fixture(scope="session")
def answer() -> Callable[..., dict[str, Any]]:
    """Builds a right answer: for each key the scores 1, 2, 3."""

    def build(keys: Sequence[str]) -> dict[str, Any]:
        return {"items": [{"id": key, "scores": {"humor": 1, "action": 2, "pace": 3}} for key in keys]}

    return build
