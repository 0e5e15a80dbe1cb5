"""Asking a model for a schema, until it gives one that can be used."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from guided_store.errors import GuidedStoreError, UsageError
from guided_store.llm._brief import SchemaBrief
from guided_store.llm._completion import Usage, read_completion, words
from guided_store.llm._endpoint import is_openai
from guided_store.llm._form import Structured, Unusable
from guided_store.llm._proposal import Proposal, read_proposal
from guided_store.llm._tokens import was_cut

if TYPE_CHECKING:
    from openai import AsyncOpenAI

ATTEMPTS = 3
"""Answers asked for before it is given up: the first, and two more that are told what was wrong."""

_TRIES = 5
_LONGEST_WAIT = 60.0


class ProposalError(GuidedStoreError):
    """No schema came of it.

    Attributes:
        usage: tokens of the answers that came, as in `Proposal`.
        answers: response bodies that came and could not be used, raw.
    """

    def __init__(self, sentence: str, usage: Usage | None, answers: Sequence[str]) -> None:
        super().__init__(sentence)
        self.usage, self.answers = usage, tuple(answers)


def propose_schema(
    client: AsyncOpenAI,
    model: str,
    brief: SchemaBrief,
    sample: Sequence[Mapping[str, str]],
    *,
    name: str,
    structured: Structured = "json_schema",
    max_output_tokens: int | None = None,
    keep: Callable[[str], None] | None = None,
    backoff: float = 1.0,
) -> Proposal:
    """A schema for a domain, from a sample of its items.

    An answer that cannot be used is asked for again, twice at most, with the reason. Overload (429, 5xx) and
    connections that were never made are tried again after a while; a request that was sent and never answered
    is not, since it may be billed.

    Args:
        client: from `make_client`; it is closed afterwards. Not to be called where an event loop is running.
        model: the server's name for the model.
        brief: what is asked for.
        sample: field to text of some items (`draw_sample`), the same fields that scoring will show.
        name: of the schema.
        structured: how the server is to keep to the answer's form.
        max_output_tokens: limit for one answer, a model's thoughts included; doubled after an answer that was
            cut off. None: plenty at OpenAI, and no limit at other servers, where a context may be small.
        keep: called with each raw response body as it comes, before it is read.
        backoff: seconds before the first repetition of a request that failed; doubled each time.

    Raises:
        UsageError: no items.
        ProposalError: no usable answer; carries the answers there were.
    """
    if not sample:
        raise UsageError("there is no item text to show; ingest items with titles or texts first")
    if max_output_tokens is None and is_openai(str(client.base_url)):
        max_output_tokens = brief.output_tokens
    asking = _Asking(client, model, structured, backoff, keep)
    return asyncio.run(asking.run(brief, sample, name, max_output_tokens))


class _Asking:
    """One call of `propose_schema`: what came so far."""

    def __init__(
        self,
        client: AsyncOpenAI,
        model: str,
        structured: Structured,
        backoff: float,
        keep: Callable[[str], None] | None,
    ) -> None:
        self._client, self._model, self._structured = client, model, structured
        self._backoff, self._keep = backoff, keep
        self._answers: list[str] = []
        self._usages: list[Usage | None] = []

    async def run(
        self, brief: SchemaBrief, sample: Sequence[Mapping[str, str]], name: str, room: int | None
    ) -> Proposal:
        messages = brief.messages(sample)
        async with self._client:
            for _ in range(ATTEMPTS):
                body = await self._ask(self._body(brief, messages, room))
                completion = read_completion(body)
                self._usages.append(completion.usage)
                try:
                    schema, rationale = read_proposal(completion, brief, name)
                except Unusable as unusable:
                    reason = str(unusable)
                else:
                    usage = completion.usage
                    return Proposal(
                        brief=brief,
                        schema=schema,
                        rationale=rationale,
                        model=completion.model or self._model,
                        sampled=len(sample),
                        usage=self._usage(),
                        answers=tuple(self._answers),
                        cut=usage is not None and was_cut(messages, usage.tokens_in),
                    )
                if completion.finish_reason == "length":
                    if room is None:  # the model's context is full, and asking again does not widen it
                        raise self._failure(
                            f"{reason}: a smaller --sample leaves more of the model's context"
                        )
                    room *= 2
                elif completion.content:
                    messages = [*brief.messages(sample), *_again(completion.content, reason)]
        raise self._failure(f"no schema in {ATTEMPTS} answers of {self._model}; the last one: {reason}")

    def _body(
        self, brief: SchemaBrief, messages: Sequence[Mapping[str, str]], room: int | None
    ) -> dict[str, object]:
        body: dict[str, object] = {"model": self._model, "messages": messages}
        limit = "max_completion_tokens" if is_openai(str(self._client.base_url)) else "max_tokens"
        options = {limit: room, "response_format": brief.response_format(self._structured)}
        return body | {name: value for name, value in options.items() if value is not None}

    async def _ask(self, body: Mapping[str, object]) -> str:
        """The raw body of one answer."""
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        wait = self._backoff
        for left in reversed(range(_TRIES)):
            try:
                raw = await self._client.chat.completions.with_raw_response.create(**body)  # type: ignore[call-overload]
            except APIStatusError as error:
                if not left or not _worth_repeating(error.status_code, error.code):
                    raise self._failure(
                        f"the server refused: {words(error.message)} (http {error.status_code})"
                    ) from None
                wait = _told(error.response.headers.get("retry-after"), wait)
            except APIConnectionError as error:
                if not _never_sent(error):
                    what = (
                        "the server did not answer in time (a longer --timeout or a smaller --sample helps)"
                        if isinstance(error, APITimeoutError)
                        else "the connection broke before the answer came"
                    )
                    raise self._failure(f"{what}; the request may be billed all the same") from None
                if not left:
                    raise self._failure(f"no connection to {self._client.base_url}") from None
            else:
                text = str(raw.text)
                self._answers.append(text)
                if self._keep:
                    self._keep(text)
                return text
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        raise AssertionError("unreachable")

    def _usage(self) -> Usage | None:
        known = [usage for usage in self._usages if usage is not None]
        if len(known) < len(self._usages) or not known:
            return None
        return Usage(
            sum(usage.tokens_in for usage in known),
            sum(usage.tokens_out for usage in known),
            sum(usage.tokens_cached for usage in known),
        )

    def _failure(self, sentence: str) -> ProposalError:
        return ProposalError(sentence, self._usage(), self._answers)


def _again(content: str, reason: str) -> list[dict[str, str]]:
    """The conversation goes on: what was answered, and why it cannot be used."""
    request = (
        f"This answer cannot be used: {reason}. Answer again with the whole JSON object, corrected, in the "
        "form that was asked for, and nothing else."
    )
    return [{"role": "assistant", "content": content}, {"role": "user", "content": request}]


def _worth_repeating(status: int, code: object) -> bool:
    return (status == 429 and code != "insufficient_quota") or status in (408, 409) or status >= 500


def _told(header: str | None, wait: float) -> float:
    """Seconds to wait: what the server says where it does, within reason."""
    try:
        seconds = float(header) if header else wait
    except ValueError:  # a date; ours to guess
        return wait
    return min(max(seconds, 0.0), _LONGEST_WAIT) if math.isfinite(seconds) else wait


def _never_sent(error: BaseException) -> bool:
    """Whether a connection was refused before anything went over it."""
    cause = error.__cause__
    while cause is not None:
        if type(cause).__name__ in ("ConnectError", "ConnectTimeout"):
            return True
        cause = cause.__cause__
    return False
