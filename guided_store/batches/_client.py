"""The synchronous client, and its errors in one sentence each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from guided_store.errors import GuidedStoreError, UsageError

if TYPE_CHECKING:
    import openai

OPENAI_HOST = "api.openai.com"


class RemoteError(GuidedStoreError):
    """The server refused a step, or could not be reached.

    Attributes:
        status: its HTTP status; None where no answer came, so that it is not known what became of the step.
    """

    def __init__(self, sentence: str, status: int | None) -> None:
        super().__init__(sentence)
        self.status = status


class Clients:
    """One client per endpoint, made when it is first needed and closed at the end of a `with` block."""

    def __init__(self, timeout: float = 120.0) -> None:
        self._timeout = timeout
        self._made: dict[tuple[str | None, str], openai.OpenAI] = {}

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._made.values():
            client.close()

    def of(self, base_url: str | None, key_env: str) -> openai.OpenAI:
        """The client of one endpoint; errors as in `make_sync_client`."""
        place = base_url, key_env
        if place not in self._made:
            self._made[place] = make_sync_client(base_url=base_url, key_env=key_env, timeout=self._timeout)
        return self._made[place]


def make_sync_client(
    *, base_url: str | None, key_env: str = "OPENAI_API_KEY", timeout: float = 120.0
) -> openai.OpenAI:
    """A client that never repeats a request by itself; the key is read from the environment only.

    Args:
        base_url: the endpoint; None for OpenAI's own.
        key_env: the environment variable that holds the key. Endpoints of others may need none.
        timeout: seconds without a sign of the server.

    Raises:
        UsageError: OpenAI's own endpoint, and the variable is not set.
    """
    import openai

    key = os.environ.get(key_env, "").strip()
    if not key:
        if base_url is None or urlsplit(base_url).hostname == OPENAI_HOST:
            raise UsageError(f"set the environment variable {key_env} to your API key")
        key = "none"
    return openai.OpenAI(api_key=key, base_url=base_url, timeout=timeout, max_retries=0)


@contextmanager
def call(client: openai.OpenAI, failure: str) -> Iterator[None]:
    """Turn the errors of one step into a `RemoteError` that begins with `failure`."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        words = f"{host(client)} answered HTTP {error.status_code}: {_message(error)}"
        raise RemoteError(f"{failure}: {_without_key(words, client)}", error.status_code) from None
    except (openai.APIConnectionError, httpx2.HTTPError) as error:
        reason = error.__cause__ or error
        words = f"{host(client)} gave no answer ({type(reason).__name__}: {str(reason)[:200]})"
        raise RemoteError(f"{failure}: {_without_key(words, client)}", None) from None
    except openai.APIError as error:
        words = f"{host(client)} answered what cannot be read ({str(error)[:200]})"
        raise RemoteError(f"{failure}: {_without_key(words, client)}", None) from None


def host(client: openai.OpenAI) -> str:
    """The server's name, with a port where it has one."""
    return urlsplit(str(client.base_url)).netloc.rpartition("@")[2]


def _message(error: openai.APIStatusError) -> str:
    body = error.body
    words = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(words or error.message).split())[:300]


def _without_key(text: str, client: openai.OpenAI) -> str:
    """Servers like to quote the key that they refuse."""
    key = client.api_key
    return text.replace(key, "***") if len(key) > 4 and key != "none" else text
