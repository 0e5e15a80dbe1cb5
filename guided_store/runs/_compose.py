"""Making a unit of work into a request: its id, its body, and the most it can take."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from guided_store.journal import Sent
from guided_store.llm import (
    LimitField,
    Prices,
    Question,
    bound_tokens,
    guess_tokens,
    is_openai,
    make_keys,
    request_body,
)
from guided_store.runs._options import ScoringOptions
from guided_store.runs._work import Unit

LARGEST_ROOM = 4
"""The most that an answer's room grows after answers that were cut off, as a multiple of the usual."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, not yet sent.

    Attributes:
        request_id: new, never used before.
        keys: what its items are called.
        body: the JSON body.
        tokens_in: about how many it sends.
        room: the limit of output tokens.
        bound: US dollars it can cost at most; 0 without prices.
    """

    request_id: str
    keys: tuple[str, ...]
    body: dict[str, object]
    tokens_in: int
    room: int
    bound: float

    def to_sent(self, run: str, unit: Unit, most: float, prices: Prices | None) -> Sent:
        """Its record for the journal: `unit` asked in this run, at `most` dollars where prices are known."""
        return Sent(
            request_id=self.request_id,
            run=run,
            sample=unit.asks[0].sample,
            item_ids=tuple(ask.text.item_id for ask in unit.asks),
            text_hashes=tuple(ask.text.hash for ask in unit.asks),
            attempts=tuple(ask.attempt for ask in unit.asks),
            estimate=None if prices is None else most,
            prices=prices,
            time=time.time(),
        )


class Composer:
    """Makes requests of one question; called for each attempt, so that each has an id of its own."""

    def __init__(self, question: Question, options: ScoringOptions) -> None:
        self._question, self._options = question, options
        self._limit_field: LimitField = (
            "max_completion_tokens" if is_openai(options.base_url) else "max_tokens"
        )
        self._room = 1
        # What the answer's schema adds to a request is the same for all.
        form = question.response_format(options.structured)
        self._form_bound = bound_tokens([], form) - bound_tokens([])
        self._form_guess = guess_tokens([], form)

    def widen(self, room: int) -> None:
        """Give every request at least this multiple of the usual room, which the model is seen to need."""
        self._room = max(self._room, room)

    def is_outdated(self, request: Request, complaint: str) -> bool:
        """Whether a server turned a request down for the name of its output limit; later ones have the other.

        Gateways to OpenAI's newer models take `max_completion_tokens` alone, most other servers `max_tokens`.
        """
        if "max_tokens" not in request.body or "max_completion_tokens" not in complaint:
            return False
        self._limit_field = "max_completion_tokens"
        return True

    def __call__(self, unit: Unit) -> Request:
        """A request about the unit's items."""
        options, n = self._options, len(unit.asks)
        request_id = uuid.uuid4().hex
        keys = make_keys(request_id, n)
        room = max(unit.room, self._room) * (options.max_output_tokens or self._question.output_tokens(n))
        body = request_body(
            self._question,
            options.model,
            keys,
            [ask.text.data for ask in unit.asks],
            structured=options.structured,
            temperature=options.temperature,
            reasoning_effort=options.reasoning_effort,
            max_output_tokens=room,
            limit_field=self._limit_field,
        )
        messages = body["messages"]
        assert isinstance(messages, list)
        bound = 0.0
        if options.prices is not None:
            most = bound_tokens(messages) + self._form_bound
            bound = (most * options.prices.input + room * options.prices.output) / 1e6
        return Request(request_id, keys, body, guess_tokens(messages) + self._form_guess, room, bound)
