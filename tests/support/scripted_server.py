"""A chat completions endpoint on loopback that plays a list of answers, for requests the fake server has no
answers to (schemas instead of scores).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """One response; `body` None breaks the connection instead."""

    body: str | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Scripted:
    """A running server: `requests` are the JSON bodies it received, `keys` what authorised them."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


def completion(
    content: str | None, *, finish: str = "stop", tokens: tuple[int, int] | None = (1000, 200), **message: Any
) -> Reply:
    """A chat completion with this content."""
    body: dict[str, Any] = {
        "model": "scripted-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content} | message,
            }
        ],
    }
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    return Reply(json.dumps(body))


def refusal(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """An error in OpenAI's form; `retry_after="0"` becomes the header Retry-After."""
    return Reply(
        json.dumps({"error": {"message": message, "code": code}}),
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


@contextmanager
def scripted(replies: Sequence[Reply]) -> Iterator[Scripted]:
    """A server that gives the replies one after the other, and 500 after the last."""
    left = list(replies)
    state = Scripted("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append(json.loads(content))
            state.keys.append(self.headers["Authorization"])
            reply = left.pop(0) if left else Reply('{"error": {"message": "nothing left to say"}}', 500)
            if reply.body is None:
                self.close_connection = True
                return
            body = reply.body.encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
