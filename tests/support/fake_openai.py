"""A fake OpenAI-compatible server on loopback: real HTTP/1.1 with keep-alive, and faults on demand.

    python tests/support/fake_openai.py --log FILE [--latency 0.05] [--faults '{"refusal": 0.1}'] [--seed 0]

Standard library only, one thread, well under a millisecond of CPU time per request. Prints its port; SIGTERM
ends it. Every request and what became of it is one JSON line in the log, written before the reply goes out: a
client that is killed meanwhile cannot make the log lie. `POST /_settings` changes settings while it runs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import fields
from email.utils import formatdate
from typing import Any

from fake_answers import (
    DROPPED,
    REFUSED,
    Malformed,
    Reader,
    Reply,
    answer,
    draw_fault,
    error_body,
    refuse,
)
from fake_batches import Batches
from fake_settings import Log, Settings

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


class Bucket:
    """A limit per minute, refilled evenly; `left` may be asked for the headers."""

    def __init__(self, name: str, limit: float, capacity: float) -> None:
        self.name, self.limit, self.capacity = name, limit, capacity
        self.left, self._at = capacity, time.monotonic()

    def take(self, amount: float) -> float:
        """Take `amount`; 0.0, or the seconds until there is enough (and nothing is taken)."""
        now = time.monotonic()
        self.left = min(self.capacity, self.left + (now - self._at) * self.limit / 60)
        self._at = now
        if self.left < amount:
            return (amount - self.left) * 60 / self.limit
        self.left -= amount
        return 0.0

    def headers(self) -> dict[str, str]:
        reset = (self.capacity - self.left) * 60 / self.limit
        return {
            f"x-ratelimit-limit-{self.name}": str(int(self.limit)),
            f"x-ratelimit-remaining-{self.name}": str(int(self.left)),
            f"x-ratelimit-reset-{self.name}": f"{reset:.3f}s" if reset >= 1 else f"{int(reset * 1000)}ms",
        }


class Server:
    """Routes requests; knows nothing of sockets but how to answer on one."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self.settings, self.log = settings, log
        self.count = 0
        self.batches = Batches(settings, log, self.answer_line)
        self._reader = Reader(settings.attributes, settings.scale)
        capacities = {"requests": settings.burst, "tokens": settings.burst * 2000}
        limits = {"requests": settings.rpm, "tokens": settings.tpm}
        self._buckets = [Bucket(name, limit, capacities[name]) for name, limit in limits.items() if limit]

    def handle(
        self, connection: Connection, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        """Answer one request, now or later."""
        if path == "/_settings":
            self.settings.change(json.loads(body))
            connection.reply(Reply(200, b"{}"))
        elif self.settings.key and headers.get("authorization") != f"Bearer {self.settings.key}":
            # Quotes what it refuses, as OpenAI does in part and others in full.
            words = f"Incorrect API key provided: {headers.get('authorization', '').removeprefix('Bearer ')}."
            connection.reply(Reply(401, error_body(words, "invalid_api_key")))
        elif path == "/v1/chat/completions" and method == "POST":
            self._chat(connection, headers.get("x-client-request-id", ""), body)
        elif path == "/v1/models":
            models = {"object": "list", "data": [{"id": "fake", "object": "model", "owned_by": "tests"}]}
            connection.reply(Reply(200, json.dumps(models).encode()))
        else:
            reply = self.batches.route(method, path, headers, body)
            connection.reply(reply or Reply(404, error_body(f"Unknown URL {path}", "unknown_url")))

    def _chat(self, connection: Connection, request_id: str, body: bytes) -> None:
        n, self.count = self.count, self.count + 1
        fault = draw_fault(self.settings.faults, self.settings.seed, n)
        try:
            asked = self._reader.read(json.loads(body))
        except (Malformed, ValueError, KeyError, TypeError) as error:
            self.log("received", n=n, id=request_id, malformed=str(error))
            self.log("error", n=n, id=request_id, status=400)
            connection.reply(Reply(400, error_body(str(error), "invalid_request_error")))
            return
        fault = (asked.poison() or (fault, 0))[0]
        titles = [next(iter(data.values()), "")[:80] for data in asked.data]
        told = {"n": n, "id": request_id, "items": titles, "fault": fault, "tokens_in": asked.tokens_in}
        self.log("received", injected=asked.injected, **told)
        limits: dict[str, str] = {}
        for bucket in self._buckets:
            wait = bucket.take(1 if bucket.name == "requests" else asked.tokens_in)
            limits |= bucket.headers()
            if wait:
                reply = refuse("rate_limit", wait, limits, "")
                self._send(connection, reply, n, request_id, "rate_limit")
                return
        if fault == "drop_unread":
            self.log("dropped", n=n, id=request_id)
            connection.drop()
            return

        def later() -> None:
            if fault in REFUSED:
                date = formatdate(time.time() + 2, usegmt=True)
                reply = refuse(fault, self.settings.pause, limits, date)
            else:
                reply = answer(asked, fault, n, **self._how())
                reply.headers.update(limits)
            self._send(connection, reply, n, request_id, fault)

        seconds = self.settings.slow if fault == "slow" else self.settings.latency
        asyncio.get_running_loop().call_later(seconds, later)

    def _send(self, connection: Connection, reply: Reply, n: int, request_id: str, fault: str | None) -> None:
        # A client that hung up does not stop the computing, nor the bill.
        sent = "none" if connection.closed else reply.sent
        if reply.usage is None:
            more = {"status": reply.status, "retry_after": reply.retry_after}
            self.log("error", n=n, id=request_id, fault=fault, sent=sent, **more)
        else:
            self.log("answer", n=n, id=request_id, status=200, fault=fault, sent=sent, usage=reply.usage)
        if reply.sent == "none":
            connection.drop()
        else:
            connection.reply(reply)

    def answer_line(self, request_id: str, body: dict[str, Any], batch: str) -> Reply:
        """The answer to one line of a batch file; connections do not matter there."""
        n, self.count = self.count, self.count + 1
        fault = draw_fault(self.settings.faults, self.settings.seed, n)
        asked = self._reader.read(body)
        fault = (asked.poison() or (fault, 0))[0]
        if fault in DROPPED or (fault in REFUSED and REFUSED[fault][0] == 429):
            fault = None
        if fault in REFUSED:
            reply = refuse(fault, 0, {}, "")
            self.log("error", n=n, id=request_id, fault=fault, status=reply.status, batch=batch)
        else:
            reply = answer(asked, fault, n, **self._how())
            self.log(
                "answer",
                n=n,
                id=request_id,
                status=200,
                fault=fault,
                sent="whole",
                usage=reply.usage,
                batch=batch,
            )
        return reply

    def _how(self) -> dict[str, Any]:
        return {"seed": self.settings.seed, "noise": self.settings.noise, "shift": self.settings.shift}


class Connection(asyncio.Protocol):
    """One keep-alive connection: cuts the bytes into requests, writes replies."""

    def __init__(self, handle: Callable[[Connection, str, str, dict[str, str], bytes], None]) -> None:
        self._handle = handle
        self._buffer = bytearray()
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self.closed = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self.closed and (request := self._next()):
            try:
                self._handle(self, *request)
            except Exception as error:  # a bug here must not look like a dropped connection
                self.reply(Reply(500, error_body(f"{type(error).__name__}: {error}", "bug_in_fake_server")))

    def _next(self) -> tuple[str, str, dict[str, str], bytes] | None:
        """The next whole request in the buffer: method, path, headers (lower case), body."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *rest = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        method, path, _ = first.split(" ")
        start, stop = end + 4, end + 4 + int(headers.get("content-length", 0))
        if headers.get("transfer-encoding", "").lower() == "chunked":
            found = self._chunks(start)
            if found is None:
                return None
            body, stop = found
        elif len(self._buffer) < stop:
            return None
        else:
            body = bytes(self._buffer[start:stop])
        del self._buffer[:stop]
        return method, path, headers, body

    def _chunks(self, start: int) -> tuple[bytes, int] | None:
        body = bytearray()
        while True:
            line = self._buffer.find(b"\r\n", start)
            if line < 0:
                return None
            size = int(self._buffer[start:line].split(b";")[0], 16)
            start = line + 2 + size + 2
            if len(self._buffer) < start:
                return None
            if not size:
                return bytes(body), start
            body += self._buffer[line + 2 : start - 2]

    def reply(self, reply: Reply) -> None:
        """Write the reply, or half of its body and hang up."""
        if self.closed:
            return
        headers = {
            "content-type": "application/json",
            **reply.headers,
            "content-length": str(len(reply.body)),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Error')}\r\n{lines}\r\n".encode(
            "latin-1"
        )
        if reply.sent == "half":
            self._transport.write(head + reply.body[: len(reply.body) // 2])
            self._transport.close()
        elif reply.sent == "none":
            self.drop()
        else:
            self._transport.write(head + reply.body)

    def drop(self) -> None:
        """Hang up at once, as a crashed server or a lost network does."""
        self.closed = True
        self._transport.abort()


async def serve(settings: Settings, log: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; the port goes to stdout."""
    server = Server(settings, Log(log))
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listening = await loop.create_server(lambda: Connection(server.handle), "127.0.0.1", port, backlog=1024)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    listening.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--log", default=os.devnull)
    settings = Settings()
    for entry in fields(Settings):
        parser.add_argument(f"--{entry.name.replace('_', '-')}", help="a JSON value")
    given = vars(parser.parse_args())
    port, log = given.pop("port"), given.pop("log")
    chosen: dict[str, Any] = {}
    for name, text in given.items():
        if text is not None:
            chosen[name] = text
            with contextlib.suppress(ValueError):
                chosen[name] = json.loads(text)
    settings.change(chosen)
    asyncio.run(serve(settings, log, port))


if __name__ == "__main__":
    main()
