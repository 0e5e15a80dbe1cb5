"""Sending one request, and telling apart what may have become of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guided_store.journal import Outcome

if TYPE_CHECKING:
    from openai import AsyncOpenAI

REQUEST_ID = "X-Client-Request-Id"
_PATH = "/chat/completions"
_MOST_ERROR_TEXT = 20_000
_MOST_WORDS = 300
# Shorter keys are placeholders for servers without any, such as "none": a word that texts may hold.
_SECRET_LENGTH = 8
_TOLD = (b"x-ratelimit-", b"retry-after")


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of a request.

    Attributes:
        outcome: for the journal.
        headers: those about limits, names in lower case.
        code: the error code in the body, or "".
        reached: whether the server replied at all.
    """

    outcome: Outcome
    headers: Mapping[str, str]
    code: str = ""
    reached: bool = True


class Sender:
    """Sends request bodies to one endpoint, once each.

    Args:
        client: with its own retries off.
        timeout: seconds for a whole request.
    """

    def __init__(self, client: AsyncOpenAI, timeout: float) -> None:
        import httpx2
        import openai

        self._client = client
        self._response = httpx2.Response
        # Past the client's own limits, for servers that drip a byte now and then.
        self._deadline = timeout + 15.0
        self._status_error = openai.APIStatusError
        self._connection_error = openai.APIConnectionError
        # Before the connection stood nothing can have been asked.
        self._unsent = (
            httpx2.ConnectError,
            httpx2.ConnectTimeout,
            httpx2.PoolTimeout,
            httpx2.UnsupportedProtocol,
            httpx2.ProxyError,
        )
        key = client.api_key
        self._key = key if len(key) >= _SECRET_LENGTH else None

    async def send(self, request_id: str, body: dict[str, object]) -> Reply:
        """Send a request; never raises for what a server or a network can do.

        The response's text is kept as it came: nothing is parsed here but error messages.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._deadline):
                # `post` and not `chat.completions.create`: the body is in its final form, and the response is
                # wanted as text, which spares a third of the client's work.
                response = await self._client.post(
                    _PATH, cast_to=self._response, body=body, options={"headers": {REQUEST_ID: request_id}}
                )
        except self._status_error as error:
            return self._refused(request_id, error.response, time.perf_counter() - started)
        except self._connection_error as error:
            cause = error.__cause__
            if isinstance(cause, self._unsent):
                reason = f"not sent: {self._words(cause)}"
                return self._lost(request_id, "error", reason, started)
            return self._lost(request_id, "unknown", self._words(cause or error), started)
        except TimeoutError:
            return self._lost(request_id, "unknown", "no whole answer in time", started)
        outcome = Outcome(
            request_id=request_id,
            kind="answer",
            time=time.time(),
            http=response.status_code,
            body=self._scrub(response.text),
            latency=time.perf_counter() - started,
        )
        return Reply(outcome, _limit_headers(response))

    def _refused(self, request_id: str, response: Any, latency: float) -> Reply:
        text = self._scrub(response.text)
        code, message = read_error(text)
        outcome = Outcome(
            request_id=request_id,
            kind="error",
            time=time.time(),
            http=response.status_code,
            body=text[:_MOST_ERROR_TEXT],
            reason=f"http {response.status_code}: {message or response.reason_phrase}",
            latency=latency,
        )
        return Reply(outcome, _limit_headers(response), code)

    def _lost(self, request_id: str, kind: Any, reason: str, started: float) -> Reply:
        outcome = Outcome(
            request_id=request_id,
            kind=kind,
            time=time.time(),
            reason=reason,
            latency=time.perf_counter() - started,
        )
        return Reply(outcome, {}, reached=False)

    def _words(self, error: BaseException) -> str:
        """An error of the network in words; many have an empty message."""
        text = " ".join(str(error).split())[:_MOST_WORDS]
        name = type(error).__name__
        return self._scrub(f"{name} ({text})" if text else name)

    def _scrub(self, text: str) -> str:
        """The text without the key: servers echo what they refuse."""
        if self._key is not None and self._key in text:
            return text.replace(self._key, "[key]")
        return text


def read_error(text: str) -> tuple[str, str]:
    """Code and message of an error response's body, in one line; "" where it has none.

    Understands OpenAI's form and those that other servers use ("message", "detail", plain text).
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        plain = text if "<html" not in text[:500].lower() else ""
        return "", " ".join(plain.split())[:_MOST_WORDS]
    code, message = "", ""
    fields = content if isinstance(content, dict) else {}
    error = fields.get("error", fields)
    if isinstance(error, str):
        message = error
    elif isinstance(error, dict):
        code = str(error.get("code") or error.get("type") or "")
        message = str(error.get("message") or error.get("detail") or "")
    return code, " ".join(message.split())[:_MOST_WORDS]


def _limit_headers(response: Any) -> dict[str, str]:
    """The few headers that speak of limits; one pass over the raw ones costs less than a look-up of each."""
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in response.headers.raw
        if name.lower().startswith(_TOLD)
    }
