"""What a user can ask of a scoring run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from guided_store.errors import UsageError
from guided_store.ledger import UserHistories
from guided_store.llm import Prices, Structured, check_base_url
from guided_store.versions import check_name

_SHORT = {"requests_per_minute": "rpm", "tokens_per_minute": "tpm"}  # what the command line calls them


@dataclass(frozen=True)
class ScoringOptions:
    """How to score a catalogue with a language model.

    Attributes:
        model: the model's name at the endpoint.
        base_url: an OpenAI-compatible endpoint such as http://localhost:8000/v1; None is OpenAI's own.
        key_env: the environment variable that holds the key; the key itself is never stored or logged.
        items_per_request: items asked about in one request.
        repeats: independent answers per item.
        concurrency: requests in flight at once, at most.
        requests_per_minute, tokens_per_minute: upper bounds beside those that the server announces.
        prices: US dollars per million tokens; None: costs are unknown.
        max_cost: US dollars that the run may cost in total, earlier calls and requests in flight included.
        attempts: unusable answers per item and repeat, and lost answers per request, before it is given up.
        temperature, reasoning_effort: passed on where given; many models accept one of them only.
        max_output_tokens: room for an answer, hidden reasoning included; None: computed from the schema. An
            answer that is cut off gets twice the room in the next attempt, four times at most.
        structured: how the answer's form is enforced: by the JSON schema, as any JSON object, or not at all.
        fields: item columns to send; None: title and text, those that exist.
        max_chars: characters sent of each field, at most.
        timeout: seconds to wait for one answer.
        run: the run's name; None: derived from the question.
        again: ask although another run asked the same question already.
        retry_failed: ask again about items that were given up in an earlier call.
        limit: score at most this many items in this call.
        allow_unknown: let the model answer that it cannot tell.
        notes: a sentence on the domain, added to the instructions.
        outage: seconds of nothing but failures before the run gives up.
        users: score users instead of items, showing these of their histories; items above are users then, and
            `max_chars` is `users.chars`.

    Raises:
        UsageError: a value that makes no sense.
    """

    model: str
    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    items_per_request: int = 1
    repeats: int = 1
    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    prices: Prices | None = None
    max_cost: float | None = None
    attempts: int = 3
    temperature: float | None = None
    reasoning_effort: str | None = None
    max_output_tokens: int | None = None
    structured: Structured = "json_schema"
    fields: tuple[str, ...] | None = None
    max_chars: int = 2000
    timeout: float = 120.0
    run: str | None = None
    again: bool = False
    retry_failed: bool = False
    limit: int | None = None
    allow_unknown: bool = False
    notes: str = ""
    outage: float = 600.0
    users: UserHistories | None = None

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise UsageError("the model has no name; say which one with --model")
        object.__setattr__(self, "base_url", check_base_url(self.base_url))
        if not self.key_env.strip():
            raise UsageError("the environment variable that holds the key has no name")
        for name, most in (("items_per_request", 100), ("repeats", 1000), ("concurrency", 2000)):
            _check_range(name, getattr(self, name), 1, most)
        _check_range("attempts", self.attempts, 1, 20)
        _check_range("max_chars", self.max_chars, 1, 1_000_000)
        for name in ("max_output_tokens", "limit", "requests_per_minute", "tokens_per_minute"):
            _check_range(name, getattr(self, name), 1, math.inf)
        for name in ("timeout", "outage"):
            _check_range(name, getattr(self, name), 0.001, math.inf)
        _check_range("temperature", self.temperature, 0, 2)
        _check_range("max_cost", self.max_cost, 0, math.inf)
        if self.max_cost is not None and self.prices is None:
            raise UsageError("a maximum cost needs the model's prices: give --prices INPUT,OUTPUT as well")
        forms = get_args(Structured)
        if self.structured not in forms:
            raise UsageError(f"structured is {self.structured!r}; choose one of {', '.join(forms)}")
        if self.reasoning_effort is not None and not self.reasoning_effort.strip():
            raise UsageError("the reasoning effort is empty; leave it out, or name one such as low")
        if self.fields is not None and not self.fields:
            raise UsageError("no field to send was named; leave --fields out to send title and text")
        if self.run is not None:
            check_name(self.run)


def _check_range(name: str, value: float | None, least: float, most: float) -> None:
    if value is None:
        return
    shown = _SHORT.get(name, name.replace("_", "-"))
    if not (math.isfinite(value) and least <= value <= most):
        upper = "" if math.isinf(most) else f" and at most {most:,}"
        raise UsageError(f"--{shown} is {value:,}; it must be a number of at least {least:,}{upper}")
