"""What the journal holds: one record when a request is sent, one when its fate is known.

A record is one line of JSON that begins with a checksum of the rest, so that a line the disk damaged is not
taken for an answer:

    {"crc":"5d41402a","sent":{"request_id":"...","item_ids":["1","2"],...}}
    {"crc":"91c0ee7b","outcome":{"request_id":"...","kind":"answer","body":"...",...}}
    {"crc":"0f1e2d3c","sealed":{"file":1}}

The last kind ends a file whose open requests are written again at the start of the next one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from guided_store.errors import UsageError
from guided_store.llm import Prices

Kind = Literal["answer", "error", "unknown"]

_PREFIX = b'{"crc":"'
_START = len(_PREFIX) + 8 + len(b'",')
OUTCOME_MARK = b'"outcome":{'
OUTCOME_AT = slice(_START, _START + len(OUTCOME_MARK))
"""Where a line of an outcome has `OUTCOME_MARK`; for counting without parsing."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that is about to be sent.

    Attributes:
        request_id: unique, also sent to the server as a header.
        run: whose request it is.
        sample: which independent repeat, from 0; the same for all its items.
        item_ids, text_hashes, attempts: per item, of equal length: whose score is asked, by which text, and
            which try of it this is (from 1).
        estimate: US dollars it may cost at most, None without prices.
        prices: what tokens cost, None where the user did not say.
        time: Unix time.
        batch: the batch job it belongs to, None for a live request.
    """

    request_id: str
    run: str
    sample: int
    item_ids: tuple[str, ...]
    text_hashes: tuple[str, ...]
    attempts: tuple[int, ...]
    estimate: float | None
    prices: Prices | None
    time: float
    batch: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request.

    Attributes:
        request_id: which one.
        kind: "answer" (a response came, usable or not), "error" (refused, or never reached the server:
            nothing was answered or billed) or "unknown" (sent, and the connection was lost before an answer).
        time: Unix time.
        http: the response's status.
        body: the response's text, as it came.
        reason: why there is no answer.
        latency: seconds from sending to the end of the response.
    """

    request_id: str
    kind: Kind
    time: float
    http: int | None = None
    body: str | None = None
    reason: str | None = None
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """The end of a file: what was in flight then is written again at the start of the next one."""

    file: int


Record = Sent | Outcome | Sealed


def encode(record: Record) -> bytes:
    """A record as one line, with its newline; ASCII only, so that no text can break the line."""
    match record:
        case Sent():
            content: dict[str, Any] = {"sent": sent_to_dict(record)}
        case Outcome():
            content = {"outcome": outcome_to_dict(record)}
        case Sealed():
            content = {"sealed": {"file": record.file}}
    rest = json.dumps(content, separators=(",", ":"))[1:].encode("ascii")
    return b'%s%08x",%s\n' % (_PREFIX, zlib.crc32(rest), rest)


def decode(line: bytes) -> Record:
    """The record of one line, with or without its newline.

    Raises:
        ValueError: the line is cut or damaged.
    """
    line = line.removesuffix(b"\n")
    rest = line[_START:]
    if line[:_START] != b'%s%08x",' % (_PREFIX, zlib.crc32(rest)):
        raise ValueError("the checksum does not fit")
    content = json.loads(b"{" + rest)
    try:
        match content:
            case {"sent": dict(fields)}:
                return sent_from_dict(fields)
            case {"outcome": dict(fields)}:
                return outcome_from_dict(fields)
            case {"sealed": {"file": int(number)}}:
                return Sealed(number)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a field is missing or wrong ({error})") from None
    raise ValueError("no such kind of record")


def sent_to_dict(sent: Sent) -> dict[str, Any]:
    """A `Sent` as JSON-serialisable fields; `sent_from_dict` reads it back."""
    prices = sent.prices
    return {
        "request_id": sent.request_id,
        "run": sent.run,
        "sample": sent.sample,
        "item_ids": sent.item_ids,
        "text_hashes": sent.text_hashes,
        "attempts": sent.attempts,
        "estimate": sent.estimate,
        "prices": None
        if prices is None
        else {"input": prices.input, "output": prices.output, "cached": prices.cached},
        "time": sent.time,
        "batch": sent.batch,
    }


def sent_from_dict(fields: Mapping[str, Any]) -> Sent:
    """A `Sent` from its fields; unknown ones are passed over.

    Raises:
        KeyError, TypeError, ValueError: fields are missing or wrong.
    """
    items, hashes, attempts = fields["item_ids"], fields["text_hashes"], fields["attempts"]
    if not len(items) == len(hashes) == len(attempts) > 0:
        raise ValueError("item ids, text hashes and attempts differ in number, or there are none")
    return Sent(
        request_id=_text(fields["request_id"]),
        run=_text(fields["run"]),
        sample=int(fields["sample"]),
        item_ids=tuple(_text(item) for item in items),
        text_hashes=tuple(_text(text_hash) for text_hash in hashes),
        attempts=tuple(int(attempt) for attempt in attempts),
        estimate=_number(fields.get("estimate")),
        prices=_prices(fields.get("prices")),
        time=float(fields["time"]),
        batch=fields.get("batch"),
    )


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """An `Outcome` as JSON-serialisable fields; `outcome_from_dict` reads it back."""
    return {
        "request_id": outcome.request_id,
        "kind": outcome.kind,
        "time": outcome.time,
        "http": outcome.http,
        "body": outcome.body,
        "reason": outcome.reason,
        "latency": outcome.latency,
    }


def outcome_from_dict(fields: Mapping[str, Any]) -> Outcome:
    """An `Outcome` from its fields; errors as in `sent_from_dict`."""
    if fields["kind"] not in ("answer", "error", "unknown"):
        raise ValueError(f"no such kind of outcome: {fields['kind']!r}")
    http, body, reason = fields.get("http"), fields.get("body"), fields.get("reason")
    return Outcome(
        request_id=_text(fields["request_id"]),
        kind=cast("Kind", fields["kind"]),
        time=float(fields["time"]),
        http=None if http is None else int(http),
        body=None if body is None else _text(body),
        reason=None if reason is None else _text(reason),
        latency=_number(fields.get("latency")),
    )


def _prices(fields: Mapping[str, Any] | None) -> Prices | None:
    try:
        return None if fields is None else Prices(**fields)
    except UsageError as error:
        raise ValueError(str(error)) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
