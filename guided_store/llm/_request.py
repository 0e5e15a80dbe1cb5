"""The body of one request, the same for live requests and for batch files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from guided_store.llm._form import Structured
from guided_store.llm._question import Question

LimitField = Literal["max_completion_tokens", "max_tokens"]
"""What a server calls the limit of output tokens: OpenAI the first, many local servers only the second."""


def request_body(
    question: Question,
    model: str,
    keys: Sequence[str],
    data: Sequence[Mapping[str, str]],
    *,
    structured: Structured,
    temperature: float | None = None,
    reasoning_effort: str | None = None,
    max_output_tokens: int,
    limit_field: LimitField,
    seed: int | None = None,
) -> dict[str, object]:
    """The JSON body for POST /v1/chat/completions.

    Options that are None are left out, since many models refuse those that they do not know.

    Args:
        question: what is asked.
        model: the server's name for the model.
        keys, data: length n, names of the n items in this request, and their texts (`Question.messages`).
        structured: how the server is to keep to the answer's form.
        max_output_tokens: limit for the answer, a model's thoughts included.
        limit_field: the name that the server has for this limit.
    """
    body: dict[str, object] = {"model": model, "messages": question.messages(keys, data)}
    options = {
        "response_format": question.response_format(structured),
        limit_field: max_output_tokens,
        "temperature": temperature,
        "reasoning_effort": reasoning_effort,
        "seed": seed,
    }
    return body | {name: value for name, value in options.items() if value is not None}
