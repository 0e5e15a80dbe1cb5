"""A small server on loopback that answers as a test tells it to, request by request."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Mapping[str, str], str]
Script = Callable[[int, dict[str, Any]], Answer]


class Scripted:
    """A running server.

    Attributes:
        url: base URL for a client.
        bodies, headers: of the requests it received, in order; header names in lower case.
    """

    def __init__(self, script: Script) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    number = len(outer.bodies)
                    outer.bodies.append(body)
                    outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                status, headers, text = script(number, body)
                data = text.encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client has hung up
                    self.wfile.write(data)
                    self.wfile.flush()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def items_of(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """The items that a request asks about."""
    found: list[dict[str, str]] = json.loads(body["messages"][1]["content"])["items"]
    return found


def completion(
    body: Mapping[str, Any],
    score: int | Callable[[str], int] = 5,
    *,
    finish: str = "stop",
    usage: bool = True,
) -> Answer:
    """A good answer to a request: each attribute of an item has the score, or what it is for its title."""
    items = items_of(body)
    names = ("humor", "pace")
    answer = {
        "items": [
            {
                "id": item["id"],
                "scores": dict.fromkeys(names, score if isinstance(score, int) else score(item["title"])),
            }
            for item in items
        ]
    }
    message = {"role": "assistant", "content": json.dumps(answer)}
    content: dict[str, Any] = {
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "model": "m-1",
    }
    if usage:
        content["usage"] = {"prompt_tokens": 100, "completion_tokens": 10}
    return 200, {"content-type": "application/json"}, json.dumps(content)


def error(status: int, message: str, code: str = "some_code", **headers: str) -> Answer:
    """A refusal in OpenAI's form; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps({"error": {"message": message, "code": code}})


def good(_: int, body: dict[str, Any]) -> Answer:
    """The script of a server that always answers well."""
    return completion(body)


def films(n: int) -> dict[str, str | None]:
    """Titles by item id."""
    return {f"i{number}": f"Film {number}" for number in range(n)}
