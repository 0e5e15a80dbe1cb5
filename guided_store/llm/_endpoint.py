"""The client that talks to a server, with a key that comes from the environment and goes nowhere else."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from guided_store.errors import UsageError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI_URL = "https://api.openai.com/v1"

# Where OpenAI's own models are served: they need a key, and the newer ones refuse "max_tokens".
_OPENAI_HOSTS = ("openai.com", "openai.azure.com", "openai.azure.us", "cognitiveservices.azure.com")

_NO_KEY = "none"  # what servers without keys get to see
_CONNECT_SECONDS = 10.0
# Less than the 5 s after which uvicorn, and so vLLM, closes an idle connection: a request sent into a
# closing connection may have been read, and would have to be recorded as unknown.
_KEEPALIVE_SECONDS = 4.0


def check_base_url(base_url: str | None) -> str | None:
    """The server's address without a slash at its end; None stays None and means OpenAI.

    Raises:
        UsageError: no http(s) address, one that carries more than host and path (an address is recorded with
            the run, so a password or a key in it would be stored), or one that leads past the API.
    """
    if base_url is None:
        return None
    try:
        parts = urlsplit(base_url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or any(c.isspace() for c in base_url.strip()):
        raise UsageError(
            "the base URL is not an http or https address; give one such as http://localhost:8000/v1"
        )
    if _is_azure(host) and "/openai/deployments/" in parts.path:
        raise UsageError(
            f"{host} is asked by its v1 address, without a version: give https://{host}/openai/v1, and the "
            "deployment's name as --model"
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise UsageError(
            f"the base URL of {host} has a user, a password or a query in it; addresses are recorded, so "
            "give host and path alone, and the key by the environment"
        )
    address = base_url.strip().rstrip("/")
    if address.endswith("/chat/completions"):
        raise UsageError(
            "the base URL ends in /chat/completions, which is added to it; give "
            + address.removesuffix("/chat/completions")
        )
    return address


def is_openai(base_url: str | None) -> bool:
    """Whether the address is OpenAI's own or Azure's of OpenAI.

    There is no answer without a key, and the limit of an answer is called max_completion_tokens.
    """
    host = "openai.com" if base_url is None else urlsplit(base_url).hostname or ""
    return any(host == own or host.endswith("." + own) for own in _OPENAI_HOSTS)


def _is_azure(host: str) -> bool:
    return is_openai(f"https://{host}") and host.endswith((".azure.com", ".azure.us"))


def make_client(
    *, base_url: str | None, key_env: str = "OPENAI_API_KEY", concurrency: int, timeout: float
) -> AsyncOpenAI:
    """A client that sends each request once: retries are ours, since each is recorded.

    Args:
        base_url: server, up to and with /v1; None for OpenAI. The variable OPENAI_BASE_URL is not read, so
            that what is recorded as the endpoint is where the requests go.
        key_env: name of the environment variable that has the key. Other servers than OpenAI's may need none.
        concurrency: requests at a time; as many connections are kept open.
        timeout: seconds to wait for the server at any point of a request; at most 10 of them to connect.

    Raises:
        UsageError: no key for OpenAI, a key that cannot be one, or an impossible address, number or time.
    """
    base_url = check_base_url(base_url)
    if concurrency < 1:
        raise UsageError(f"concurrency is {concurrency}; at least 1 request at a time")
    if not (math.isfinite(timeout) and timeout > 0):
        raise UsageError(f"the timeout is {timeout} seconds; it must be more than 0")
    key = _key(base_url, key_env)

    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    limits = httpx2.Limits(
        max_connections=concurrency,
        max_keepalive_connections=concurrency,
        keepalive_expiry=_KEEPALIVE_SECONDS,
    )
    times = httpx2.Timeout(timeout, connect=min(_CONNECT_SECONDS, timeout))
    return AsyncOpenAI(
        api_key=key,
        base_url=base_url or OPENAI_URL,
        timeout=times,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(timeout=times, limits=limits),
    )


def _key(base_url: str | None, key_env: str) -> str:
    key = os.environ.get(key_env, "").strip()
    if not key:
        if not is_openai(base_url):
            return _NO_KEY
        raise UsageError(
            f"no API key: set the environment variable {key_env} (keys are read from there only), or name a "
            "server that needs none with --base-url"
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(
            f"the environment variable {key_env} holds characters that no API key has; set it again"
        )
    return key
