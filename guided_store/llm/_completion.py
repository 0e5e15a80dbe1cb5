"""Reading the body of a chat completion, whatever a server sent as one."""

from __future__ import annotations

import json
from dataclasses import dataclass

_MAX_TOKENS = 2**40  # beyond it a count is a fault of the server, and no sum of counts may overflow
_MAX_WORDS = 200
_THOUGHTS = frozenset({"thinking", "reasoning"})


@dataclass(frozen=True)
class Usage:
    """Tokens of one request as the server counted them; `tokens_cached` are part of `tokens_in`."""

    tokens_in: int
    tokens_out: int
    tokens_cached: int = 0


@dataclass(frozen=True)
class Completion:
    """What a body says, before the answer in it is read.

    Attributes:
        content: the model's text, or None.
        refusal: the model's words if it refused, or None.
        finish_reason: "stop", "length", "content_filter", ..., or None.
        usage: tokens, or None where the server gave none that make sense (local servers may not).
        model: the model that answered, in the server's words, or None.
        fault: what is wrong with the body itself, or None.
    """

    content: str | None
    refusal: str | None
    finish_reason: str | None
    usage: Usage | None
    model: str | None
    fault: str | None


def read_completion(body: str) -> Completion:
    """The parts of a response body of /v1/chat/completions. Never raises; `fault` says what cannot be read.

    Usage and model are read also where the rest is at fault: a useless answer is paid for as well.
    """
    try:
        content = json.loads(body)
    # ValueError covers JSONDecodeError and integers too long to convert.
    except ValueError:
        return _fault("response is empty" if not body.strip() else "response is not JSON: " + words(body, 60))
    except RecursionError:
        return _fault("response is not JSON: nested too deeply")
    if not isinstance(content, dict):
        return _fault("response is not a chat completion")
    usage = _usage(content.get("usage"))
    model = _text(content.get("model"))
    choices = content.get("choices")
    if content.get("error") and not choices:
        return _fault(f"server error: {_error(content['error'])}", usage, model)
    if not isinstance(choices, list):
        return _fault("response is not a chat completion: it has no choices", usage, model)
    if len(choices) != 1:
        return _fault(f"response has {len(choices)} choices instead of one", usage, model)
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return _fault("response is not a chat completion: its choice has no message", usage, model)
    finish = _text(choice.get("finish_reason"))
    refusal = message.get("refusal")
    said, refused, fault = _content(message.get("content"))
    return Completion(
        said, words(refusal) if refusal and isinstance(refusal, str) else refused, finish, usage, model, fault
    )


def words(text: str, length: int = _MAX_WORDS) -> str:
    """The start of a foreign text, fit for one line of a terminal and for a table: printable, no newlines."""
    start = text[: 4 * length]
    line = " ".join("".join(c if c.isprintable() else " " for c in start).split())
    return line if len(line) <= length and len(start) == len(text) else line[:length].rstrip() + "..."


def _content(content: object) -> tuple[str | None, str | None, str | None]:
    """Text, refusal and fault of a message's content, which is a text or a list of parts."""
    if content is None or isinstance(content, str):
        return content, None, None
    if not isinstance(content, list):
        return None, None, "content is neither a text nor a list of parts"
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "refusal" and isinstance(part.get("refusal"), str):
            return None, words(part["refusal"]) or "no words given", None
        elif not (isinstance(kind, str) and kind in _THOUGHTS):
            return None, None, "content has a part that is no text"
    return "".join(texts) if texts else None, None, None


def _usage(usage: object) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    tokens_in, tokens_out = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if tokens_in is None or tokens_out is None:
        return None  # half a count would book too little; the estimate stands in for it
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    # A cached count that cannot be is taken as none: the higher price.
    return Usage(tokens_in, tokens_out, cached if cached is not None and cached <= tokens_in else 0)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # The comparison also turns away NaN and infinity.
    return int(value) if 0 <= value <= _MAX_TOKENS and int(value) == value else None


def _text(value: object) -> str | None:
    return (words(value) or None) if isinstance(value, str) else None


def _error(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return (words(message) if isinstance(message, str) else "") or "no message"


def _fault(fault: str, usage: Usage | None = None, model: str | None = None) -> Completion:
    return Completion(None, None, None, usage, model, fault)
