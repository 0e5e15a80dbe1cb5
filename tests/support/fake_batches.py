"""The fake server's files and batches: uploads in memory, jobs that finish, expire or fail."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_answers import Malformed, Reply, error_body
from fake_settings import Log, Settings

MAX_LINES, MAX_BYTES = 50_000, 200_000_000
ENDED = ("completed", "expired", "failed", "cancelled")


@dataclass
class Job:
    """One batch: its lines, and how far it has come."""

    id: str
    input_file: str
    endpoint: str
    metadata: dict[str, str]
    outcome: str
    lines: list[dict[str, Any]]
    error: str | None = None
    status: str = "validating"
    created: float = field(default_factory=time.time)
    polls: int = 0
    output_file: str | None = None
    error_file: str | None = None
    counts: tuple[int, int] = (0, 0)


class Batches:
    """`/v1/files` and `/v1/batches`. `answer_line` answers one line of an input file."""

    def __init__(
        self, settings: Settings, log: Log, answer_line: Callable[[str, dict[str, Any], str], Reply]
    ) -> None:
        self._settings, self._log, self._answer_line = settings, log, answer_line
        self._files: dict[str, tuple[dict[str, Any], bytes]] = {}
        self._jobs: dict[str, Job] = {}

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply | None:
        """The reply, or None for an address that is none of these."""
        address = urlsplit(path)
        room, *rest = address.path.removeprefix("/v1/").split("/")
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        match method, room, *rest:
            case "POST", "files":
                return self._dropping("upload", self._upload(headers, body))
            case "GET", "files":
                return _listing([told for told, _ in self._files.values()], query)
            case _, "files", name, *what:
                return self._file(method, name, what)
            case "POST", "batches":
                return self._dropping("create", self._create(json.loads(body)))
            case "GET", "batches":
                newest_first = [self._told(job) for job in reversed(self._jobs.values())]
                return _listing(newest_first, query)
            case _, "batches", name, *what:
                if name not in self._jobs:
                    return Reply(404, error_body(f"No batch found with id '{name}'.", "not_found"))
                return self._batch(method, self._jobs[name], what)
        return None

    def _dropping(self, call: str, reply: Reply) -> Reply:
        left = self._settings.batch_drops.get(call, 0)
        if left and reply.status == 200:
            self._settings.batch_drops[call] = left - 1
            return Reply(200, b"", sent="none")
        return reply

    # files -----------------------------------------------------------------------------------------------

    def _upload(self, headers: dict[str, str], body: bytes) -> Reply:
        parts = _multipart(headers.get("content-type", ""), body)
        if "file" not in parts or parts.get("purpose", ("", b""))[1] != b"batch":
            return Reply(400, error_body("'file' and purpose 'batch' are required", "invalid_request_error"))
        name, content = parts["file"]
        told = self._keep(name or "upload.jsonl", content, "batch")
        self._log("upload", file=told["id"], bytes=len(content))
        return Reply(200, json.dumps(told).encode())

    def _keep(self, name: str, content: bytes, purpose: str) -> dict[str, Any]:
        told = {
            "id": f"file-{len(self._files) + 1}",
            "object": "file",
            "bytes": len(content),
            "created_at": int(time.time()),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self._files[str(told["id"])] = (told, content)
        return told

    def _file(self, method: str, name: str, what: list[str]) -> Reply | None:
        if name not in self._files:
            return Reply(404, error_body(f"No such File object: {name}", "not_found"))
        told, content = self._files[name]
        if method == "GET" and what == ["content"]:
            return Reply(200, content, {"content-type": "application/octet-stream"})
        if method == "DELETE" and not what:
            del self._files[name]
            return Reply(200, json.dumps({"id": name, "object": "file", "deleted": True}).encode())
        return Reply(200, json.dumps(told).encode()) if method == "GET" and not what else None

    # batches ---------------------------------------------------------------------------------------------

    def _create(self, asked: dict[str, Any]) -> Reply:
        if asked.get("endpoint") != "/v1/chat/completions" or asked.get("completion_window") != "24h":
            return Reply(
                400, error_body("endpoint or completion_window not supported", "invalid_request_error")
            )
        source = str(asked.get("input_file_id"))
        if source not in self._files:
            return Reply(400, error_body(f"No such File object: {source}", "invalid_request_error"))
        outcomes = self._settings.batch_outcomes
        outcome = outcomes[min(len(self._jobs), len(outcomes) - 1)]
        lines, error = _read_lines(self._files[source][1])
        if outcome == "failed" and error is None:
            error = "Enqueued token limit reached for this model."
        name = f"batch_{len(self._jobs) + 1}"
        metadata = asked.get("metadata") or {}
        job = Job(name, source, asked["endpoint"], metadata, outcome, lines, error)
        self._jobs[job.id] = job
        self._log("batch", batch=job.id, file=source, lines=len(lines), metadata=job.metadata)
        for line in lines if error is None else ():
            self._log("received", id=line["custom_id"], batch=job.id)
        return Reply(200, json.dumps(self._told(job)).encode())

    def _batch(self, method: str, job: Job, what: list[str]) -> Reply | None:
        if method == "POST" and what == ["cancel"]:
            if job.status in ENDED:
                return Reply(
                    400, error_body(f"Cannot cancel a batch that is {job.status}.", "invalid_request_error")
                )
            job.status = "cancelling"
        elif method != "GET" or what:
            return None
        else:
            self._move(job)
        return Reply(200, json.dumps(self._told(job)).encode())

    def _move(self, job: Job) -> None:
        """One step on: what a look at the batch finds."""
        job.polls += 1
        if job.status in ENDED:
            return
        if job.error is not None:
            job.status = "failed"
        elif job.status == "cancelling":
            self._finish(job, "cancelled")
        elif (
            job.polls > self._settings.batch_polls and time.time() - job.created >= self._settings.batch_delay
        ):
            self._finish(job, {"expired": "expired"}.get(job.outcome, "completed"))
        else:
            job.status = "in_progress"
        if job.status in ENDED:
            self._log("batch_ended", batch=job.id, status=job.status)

    def _finish(self, job: Job, status: str) -> None:
        """Answer the lines that are reached, in an order of their own; the others go to the error file."""
        lines = list(job.lines)
        random.Random(f"{self._settings.seed} {job.id}").shuffle(lines)
        reached = len(lines) if status == "completed" else len(lines) // 2
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for place, line in enumerate(lines):
            told = {
                "id": f"batch_req_{job.id}_{place}",
                "custom_id": line["custom_id"],
                "response": None,
                "error": None,
            }
            if place >= reached:
                code = f"batch_{status}"
                message = "This request could not be executed before the completion window expired."
                bad.append({**told, "error": {"code": code, "message": message}})
                self._log("error", id=line["custom_id"], batch=job.id, fault=code, status=None)
                continue
            if job.outcome == "empty":
                reply = Reply(400, error_body("The model does not support this.", "invalid_request_error"))
                self._log("error", id=line["custom_id"], batch=job.id, fault="empty_batch", status=400)
            else:
                try:
                    reply = self._answer_line(line["custom_id"], line["body"], job.id)
                except Malformed as error:
                    reply = Reply(400, error_body(str(error), "invalid_request_error"))
                    self._log("error", id=line["custom_id"], batch=job.id, fault="malformed", status=400)
            try:
                body: Any = json.loads(reply.body)
            except ValueError:
                body = reply.body.decode()
            response = {"status_code": reply.status, "request_id": f"req_{job.id}_{place}", "body": body}
            (good if reply.status == 200 else bad).append({**told, "response": response})
        if good:
            job.output_file = self._keep("output.jsonl", _jsonl(good), "batch_output")["id"]
        if bad:
            job.error_file = self._keep("errors.jsonl", _jsonl(bad), "batch_output")["id"]
        job.counts, job.status = (len(good), len(bad)), status

    def _told(self, job: Job) -> dict[str, Any]:
        errors = None
        if job.status == "failed":
            fault = {"code": "validation_error", "message": job.error, "line": None, "param": None}
            errors = {"object": "list", "data": [fault]}
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": job.endpoint,
            "errors": errors,
            "input_file_id": job.input_file,
            "completion_window": "24h",
            "status": job.status,
            "output_file_id": job.output_file,
            "error_file_id": job.error_file,
            "created_at": int(job.created),
            "expires_at": int(job.created) + 86_400,
            "request_counts": {
                "total": 0 if job.error else len(job.lines),
                "completed": job.counts[0],
                "failed": job.counts[1],
            },
            "metadata": job.metadata,
        }


def _read_lines(content: bytes) -> tuple[list[dict[str, Any]], str | None]:
    """The lines of an input file, and what is wrong with it."""
    lines: list[dict[str, Any]] = []
    names: set[str] = set()
    if len(content) > MAX_BYTES:
        return [], "The file is too large."
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            line = json.loads(text)
            name = line["custom_id"]
            sound = (
                line["method"] == "POST" and line["url"] == "/v1/chat/completions" and "model" in line["body"]
            )
        except (ValueError, KeyError, TypeError):
            return [], f"Line {number} is not a valid request."
        if not sound or name in names:
            return [], f"Line {number} is not a request for this endpoint, or its custom_id came before."
        names.add(name)
        lines.append(line)
    if not lines or len(lines) > MAX_LINES:
        return [], f"The file has {len(lines)} requests; 1 to {MAX_LINES} are allowed."
    return lines, None


def _jsonl(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _listing(told: list[dict[str, Any]], query: dict[str, str]) -> Reply:
    """One page of a list, by the cursor `after` and `limit`."""
    names = [entry["id"] for entry in told]
    start = names.index(query["after"]) + 1 if query.get("after") in names else 0
    page = told[start : start + int(query.get("limit", 20))]
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    more = start + len(page) < len(told)
    return Reply(200, json.dumps({"object": "list", "data": page, **ends, "has_more": more}).encode())


def _multipart(content_type: str, body: bytes) -> dict[str, tuple[str, bytes]]:
    """Parts of a form by name: file name and content."""
    boundary = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    parts: dict[str, tuple[str, bytes]] = {}
    for part in body.split(boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        words = head.decode("utf-8", "replace").replace("\r\n", ";").split(";")
        named = {key.strip(): value.strip('"') for key, _, value in (word.partition("=") for word in words)}
        parts[named.get("name", "")] = (named.get("filename", ""), content.removesuffix(b"\r\n"))
    return parts
