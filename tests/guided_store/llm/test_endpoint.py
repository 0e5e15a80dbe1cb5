"""The client: where the key comes from, where it never shows, and what the connections allow."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from guided_store.errors import UsageError
from guided_store.llm import check_base_url, is_openai, make_client

KEY = "sk-very-secret-0123456789"
LOCAL = "http://127.0.0.1:8000/v1"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OTHER_KEY"):
        monkeypatch.delenv(name, raising=False)


def client(**options: Any) -> Any:
    return make_client(**{"base_url": LOCAL, "concurrency": 7, "timeout": 30.0} | options)


def test_without_a_key_openai_is_out_of_reach() -> None:
    for base_url in (None, "https://api.openai.com/v1", "https://eu.api.openai.com/v1"):
        with pytest.raises(
            UsageError, match=r"no API key: set the environment variable OPENAI_API_KEY \("
        ) as error:
            client(base_url=base_url)
        assert error.value.exit_code == 2


def test_the_sentence_names_the_variable_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OTHER_KEY", " ")
    with pytest.raises(UsageError, match="OTHER_KEY"):
        client(base_url=None, key_env="OTHER_KEY")


def test_other_servers_need_no_key() -> None:
    assert client().api_key == "none"


def test_the_key_comes_from_the_named_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", f" {KEY}\n")
    assert client(key_env="OTHER_KEY").api_key == KEY


def test_the_key_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = client(base_url=None)
    for thing in (made, made._client, made.chat.completions):
        assert KEY not in repr(thing)
        assert KEY not in str(thing)


@pytest.mark.parametrize("key", ["sk-two words", "sk-line\nbreak", "sk-schlüssel", "sk-\x07"])
def test_a_key_that_cannot_be_one_is_not_repeated(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds characters that no API key has") as error:
        client()
    assert key not in str(error.value)
    assert "sk-" not in str(error.value)


def test_openai_is_where_requests_go_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.example/v1")
    assert str(client(base_url=None).base_url) == "https://api.openai.com/v1/"


def test_requests_are_sent_once_over_enough_connections() -> None:
    made = client(concurrency=300, timeout=5.0)
    assert made.max_retries == 0
    pool = made._client._transport._pool
    assert pool._max_connections == 300
    assert pool._max_keepalive_connections == 300
    assert pool._keepalive_expiry < 5
    assert made.timeout.read == made.timeout.connect == 5.0
    assert client(timeout=90.0).timeout.connect == 10.0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"concurrency": 0}, "concurrency is 0; at least 1"),
        ({"timeout": 0.0}, "the timeout is 0.0 seconds; it must be more than 0"),
        ({"timeout": float("nan")}, "the timeout is nan seconds"),
    ],
)
def test_impossible_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        client(**options)


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://host/v1", "http://", "http:///v1", "http://ho st/v1", "http://h:99999"],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UsageError, match="not an http or https address"):
        check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hunter2@host/v1",
        "http://hunter2@host/v1",
        "http://host/v1?key=hunter2",
        "http://host/#hunter2",
    ],
)
def test_secrets_in_an_address_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="the base URL of host has a user, a password or a query") as error:
        check_base_url(url)
    assert "hunter2" not in str(error.value)


def test_addresses() -> None:
    assert check_base_url(None) is None
    assert check_base_url(" http://localhost:8000/v1/ ") == "http://localhost:8000/v1"
    assert is_openai(None)
    assert is_openai("https://api.openai.com/v1")
    assert not is_openai("https://api.openai.com.example/v1")
    assert not is_openai("https://notopenai.com/v1")


def test_azure_is_openai_too() -> None:
    """It wants a key, and its newer models refuse `max_tokens`."""
    address = "https://mine.openai.azure.com/openai/v1"
    assert is_openai(check_base_url(address))
    assert not is_openai("https://openai.azure.com.example/openai/v1")
    with pytest.raises(UsageError, match="no API key"):
        client(base_url=address)


def test_an_azure_address_with_deployment_and_version_is_led_to_the_one_without() -> None:
    url = "https://mine.openai.azure.com/openai/deployments/gpt-5-mini?api-version=2024-10-21"
    with pytest.raises(
        UsageError, match=r"give https://mine\.openai\.azure\.com/openai/v1, and the deployment"
    ):
        check_base_url(url)


def test_an_address_that_already_has_the_method() -> None:
    with pytest.raises(UsageError, match=r"which is added to it; give http://localhost:8000/v1$"):
        check_base_url("http://localhost:8000/v1/chat/completions/")


def test_one_request_goes_out_with_its_key_and_no_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a server on loopback that always fails: one request, the key in its header alone."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        text = json.dumps({"error": {"message": "down"}}).encode()
        head = f"HTTP/1.1 500 Down\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + text)
        await writer.drain()
        writer.close()

    async def talk() -> Exception:
        import openai

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, client(base_url=f"http://127.0.0.1:{port}/v1") as made:
            with pytest.raises(openai.InternalServerError) as error:
                await made.chat.completions.create(model="m", messages=[])
        return error.value

    error = asyncio.run(talk())
    assert len(seen) == 1
    assert f"Authorization: Bearer {KEY}".lower().encode() in seen[0].lower()
    assert seen[0].startswith(b"POST /v1/chat/completions ")
    assert KEY not in str(error) + repr(error)


def test_the_room_is_quick_to_import() -> None:
    heavy = "{'openai', 'httpx2', 'torch', 'lancedb'}"
    code = f"import sys, guided_store.llm; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
