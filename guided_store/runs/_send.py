"""Sending one request, and telling apart what may have become of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guided_store.journal import Outcome
from guided_store.llm import error_within, read_error

if TYPE_CHECKING:
    from openai import AsyncOpenAI

REQUEST_ID = "X-Client-Request-Id"
_PATH = "/chat/completions"
_MOST_ERROR_TEXT = 20_000
_MOST_WORDS = 300
# Shorter keys are placeholders for servers without any, such as "none": a word that texts may hold.
_SECRET_LENGTH = 8
_TOLD = (b"x-ratelimit-", b"retry-after")
# What a request that is sent again later may not meet any more.
_WAITS = frozenset({408, 425, 429, *range(500, 600)})


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
            latency = time.perf_counter() - started
            return self._refused(request_id, error.response, latency, error.response.status_code)
        except self._connection_error as error:
            cause = error.__cause__
            if isinstance(cause, self._unsent):
                reason = f"not sent: {self._words(cause)}"
                return self._lost(request_id, "error", reason, started)
            return self._lost(request_id, "unknown", self._words(cause or error), started)
        except TimeoutError:
            return self._lost(request_id, "unknown", "no whole answer in time", started)
        latency, text = time.perf_counter() - started, self._scrub(response.text)
        # Gateways answer 200 and put into the body what the server behind them refused.
        within = error_within(text)
        if within is not None and within.status in _WAITS:
            return self._refused(request_id, response, latency, within.status)
        outcome = Outcome(
            request_id=request_id,
            kind="answer",
            time=time.time(),
            http=response.status_code,
            body=text,
            latency=latency,
        )
        return Reply(outcome, _limit_headers(response))

    def _refused(self, request_id: str, response: Any, latency: float, status: int | None) -> Reply:
        text = self._scrub(response.text)
        error = read_error(text)
        outcome = Outcome(
            request_id=request_id,
            kind="error",
            time=time.time(),
            http=status,
            body=text[:_MOST_ERROR_TEXT],
            reason=f"http {status}: {error.message or response.reason_phrase}",
            latency=latency,
        )
        return Reply(outcome, _limit_headers(response), error.code)

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


def _limit_headers(response: Any) -> dict[str, str]:
    """The few headers that speak of limits; one pass over the raw ones costs less than a look-up of each."""
    return {
        name.lower().decode("latin-1"): value.decode("latin-1")
        for name, value in response.headers.raw
        if name.lower().startswith(_TOLD)
    }
