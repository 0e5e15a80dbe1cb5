"""Reading the body of a chat completion, whatever a server sent as one."""

from __future__ import annotations

import json
from dataclasses import dataclass

from guided_store.llm._errors import read_error

_MAX_TOKENS = 2**40  # beyond it a count is a fault of the server, and no sum of counts may overflow
_MAX_WORDS = 200
_THOUGHTS = frozenset({"thinking", "reasoning"})
# What servers that translate another protocol write for OpenAI's "length".
_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})


@dataclass(frozen=True)
class Usage:
    """Tokens of one request as the server counted them.

    `tokens_cached` are part of `tokens_in`, a model's thoughts are part of `tokens_out`.
    """

    tokens_in: int
    tokens_out: int
    tokens_cached: int = 0


@dataclass(frozen=True)
class Completion:
    """What a body says, before the answer in it is read.

    Attributes:
        content: the model's text, or None.
        refusal: the model's words if it refused, or None.
        finish_reason: "stop", "length", "content_filter", ..., or None; OpenAI's words for the latter two
            also where the server has its own.
        usage: tokens, or None where the server gave none that make sense (local servers may not).
        model: the model that answered, in the server's words, or None.
        fault: what is wrong with the body itself, or None.
        thought: whether thoughts came apart from the content.
    """

    content: str | None
    refusal: str | None
    finish_reason: str | None
    usage: Usage | None
    model: str | None
    fault: str | None
    thought: bool = False


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
    if isinstance(content, list) and len(content) == 1:
        content = content[0]  # Gemini wraps its errors
    if not isinstance(content, dict):
        return _fault("response is not a chat completion")
    usage = _usage(content.get("usage"))
    model = _text(content.get("model"))
    choices = content.get("choices")
    if not choices and (content.get("error") or content.get("detail") or content.get("message")):
        return _fault(f"server error: {read_error(body).message or 'no message'}", usage, model)
    if not isinstance(choices, list):
        return _fault("response is not a chat completion: it has no choices", usage, model)
    if len(choices) != 1:
        return _fault(f"response has {len(choices)} choices instead of one", usage, model)
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return _fault("response is not a chat completion: its choice has no message", usage, model)
    if choice.get("error"):  # the model failed on its way; what it said until then is no answer
        return _fault(f"server error: {read_error(json.dumps(choice)).message or 'no message'}", usage, model)
    refusal = message.get("refusal")
    said, refused, fault = _content(message.get("content"))
    if refusal and isinstance(refusal, str):
        refused = words(refusal) or "no words given"
    # vLLM, LM Studio and llama.cpp; OpenRouter and newer vLLM
    thought = any(bool(message.get(name)) for name in ("reasoning_content", "reasoning"))
    return Completion(said, refused, _finish(choice.get("finish_reason")), usage, model, fault, thought)


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
    if not tokens_in or tokens_out is None:
        # Half a count, or the zeros of a server that does not count, would book too little: the estimate
        # stands in for it.
        return None
    # Gemini and xAI leave thoughts out of completion_tokens, and bill them; their total has them.
    total = _count(usage.get("total_tokens"))
    if total is not None:
        tokens_out = max(tokens_out, total - tokens_in)
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    # A cached count that cannot be is taken as none: the higher price.
    return Usage(tokens_in, tokens_out, cached if cached is not None and cached <= tokens_in else 0)


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # The comparison also turns away NaN and infinity.
    return int(value) if 0 <= value <= _MAX_TOKENS and int(value) == value else None


def _finish(value: object) -> str | None:
    reason = _text(value)
    if reason is None:
        return None
    plain = reason.lower()
    if plain in _CUT_OFF:
        return "length"
    # Gemini adds which filter it was: "content_filter: RECITATION".
    return "content_filter" if plain.startswith("content_filter") else reason


def _text(value: object) -> str | None:
    return (words(value) or None) if isinstance(value, str) else None


def _fault(fault: str, usage: Usage | None = None, model: str | None = None) -> Completion:
    return Completion(None, None, None, usage, model, fault)
