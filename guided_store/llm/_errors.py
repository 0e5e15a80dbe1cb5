"""Reading the error objects that servers send, in the many shapes they have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_MOST_WORDS = 300
_MOST_ERROR = 4096  # characters; a longer 200 body is an answer, and is not parsed to find out


@dataclass(frozen=True)
class ServerError:
    """What a server says went wrong.

    Attributes:
        code: its code or type in words, such as "insufficient_quota"; "" where there is none.
        status: an HTTP status inside the body, which gateways pass on from behind; None where there is none.
        message: one line; "" where there is none.
    """

    code: str
    status: int | None
    message: str


def read_error(text: str) -> ServerError:
    """The error in a response's body.

    Understands OpenAI's form, Gemini's list around it, FastAPI's `detail` (a text or a list), a bare
    `message`, and plain text; a page of HTML has no message.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return ServerError("", None, "" if "<html" in text[:500].lower() else _line(text))
    return _read(content)


def error_within(body: str) -> ServerError | None:
    """The error of a body that came with HTTP 200 and holds nothing but one; None for all others."""
    if len(body) > _MOST_ERROR or '"choices"' in body or '"error"' not in body:
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return _read(content) if _fields(content).get("error") else None


def _fields(content: Any) -> dict[str, Any]:
    if isinstance(content, list) and len(content) == 1:
        content = content[0]
    return content if isinstance(content, dict) else {}


def _read(content: Any) -> ServerError:
    fields = _fields(content)
    error = fields.get("error") or fields.get("detail") or fields
    if isinstance(error, list) and error:
        error = error[0]
    if not isinstance(error, dict):
        return ServerError("", None, _line(error))
    status = next((number for key in ("code", "status") if (number := _status(error.get(key)))), None)
    code = next((error[key] for key in ("code", "type", "status") if isinstance(error.get(key), str)), "")
    message = error.get("message") or error.get("detail") or error.get("msg")
    return ServerError(code, status, _line(message))


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600 else None


def _line(text: object) -> str:
    """A foreign text as one printable line; "" for what is none."""
    if not isinstance(text, str):
        return ""
    seen = "".join(c if c.isprintable() else " " for c in text[: 4 * _MOST_WORDS])
    return " ".join(seen.split())[:_MOST_WORDS]
