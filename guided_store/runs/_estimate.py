"""What a run would take and cost, before anything is asked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from guided_store.attributes import AttributeSchema
from guided_store.journal import question_of
from guided_store.ledger import held_run, iter_shown
from guided_store.llm import Question, Usage
from guided_store.runs._compose import Composer
from guided_store.runs._options import ScoringOptions
from guided_store.runs._plan import plan_run
from guided_store.runs._select import select
from guided_store.runs._work import Unit, count
from guided_store.store import Store
from guided_store.wording import counted

_ANSWERS_ENOUGH = 5
# JSON has more tokens to a byte than prose has.
_BYTES_PER_TOKEN = 3


@dataclass(frozen=True)
class Estimate:
    """What the next call of `score_items` would do.

    Attributes:
        run, model: the run it belongs to (it may not exist yet), and who is asked.
        items, without_text: in the catalogue, and those of them with nothing to send.
        done, given_up, in_batches: answers that are there, were given up, or wait in batch jobs.
        left: answers to ask for; those beyond `limit` are not in the figures below.
        requests: requests for them, if each answer can be used.
        tokens_in, tokens_out: about how many.
        cost: about how many US dollars; None without prices.
        cost_at_most: what no single round of these requests can exceed; None without prices.
        run_spent: what the run has cost so far.
        seconds_at_least: from the limits per minute, where there are any.
        measured: whether the figures follow from the run's own answers.
    """

    run: str
    model: str
    items: int
    without_text: int
    done: int
    given_up: int
    in_batches: int
    left: int
    requests: int
    tokens_in: int
    tokens_out: int
    cost: float | None
    cost_at_most: float | None
    run_spent: float
    seconds_at_least: float
    measured: bool

    def lines(self) -> list[str]:
        """The estimate as plain lines."""
        lines = [
            f"run {self.run}: {counted(self.left, 'answer')} to ask {self.model} for, in "
            f"{counted(self.requests, 'request')}"
        ]
        if self.done:
            lines.append(f"{self.done:,} are there already and are not bought again")
        if self.given_up:
            lines.append(f"{self.given_up:,} were given up before; --retry-failed asks for them again")
        if self.in_batches:
            lines.append(f"{self.in_batches:,} wait in batch jobs")
        if self.without_text:
            lines.append(f"{self.without_text:,} of {self.items:,} items have no text to send")
        basis = (
            "by this run's answers so far" if self.measured else "before the first answer, without reasoning"
        )
        lines.append(f"about {self.tokens_in:,} tokens in and {self.tokens_out:,} out ({basis})")
        if self.cost is None:
            lines.append("cost unknown; give --prices INPUT,OUTPUT in dollars per million tokens")
        else:
            lines.append(
                f"about ${self.cost:,.2f}, at most ${self.cost_at_most:,.2f} if nothing is asked twice"
            )
        if self.run_spent:
            lines.append(f"spent so far: ${self.run_spent:,.2f}")
        if self.seconds_at_least >= 60:
            lines.append(f"at least {self.seconds_at_least / 60:,.0f} minutes by the limits given")
        return lines

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return asdict(self)


def estimate_run(store: Store, schema: AttributeSchema, options: ScoringOptions) -> Estimate:
    """What `score_items` with these arguments would ask, and what it would cost; asks and writes nothing.

    Tokens follow from the run's own answers where it has five or more, asked for in requests of as many
    items; else from four bytes to a token, and from an answer without reasoning before it. No key is needed.

    Raises:
        UsageError: as `score_items`.
    """
    record = plan_run(store, schema, options)
    question = question_of(record)
    compose = Composer(question, options)
    requests = answers = tokens_in = 0
    bound = 0.0

    def add(unit: Unit) -> None:
        nonlocal requests, answers, tokens_in, bound
        request = compose(unit)
        requests += 1
        answers += len(unit.asks)
        tokens_in += request.tokens_in
        bound += request.bound

    selection = select(store, record, options)
    tally = count(selection, iter_shown(store, record), add)
    tokens_out = requests * _answer_tokens(question, 0) + answers * _answer_tokens(question, 1)
    held = selection.holdings
    before = held_run(store, record)
    alike = before is None or before.settings.get("items_per_request") == options.items_per_request
    measured = alike and held.answered >= _ANSWERS_ENOUGH and held.tokens_out > 0 and tally.done > 0
    if measured:
        # Per answer that could be used: what was asked in vain is part of its price.
        tokens_in = round(held.tokens_in / tally.done * answers)
        tokens_out = round(held.tokens_out / tally.done * answers)
    prices = options.prices
    return Estimate(
        run=record.run,
        model=record.model,
        items=tally.items,
        without_text=tally.without_text,
        done=tally.done,
        given_up=tally.given_up,
        in_batches=tally.in_batches,
        left=tally.left,
        requests=requests,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cost=None if prices is None else prices.cost(Usage(tokens_in, tokens_out)),
        cost_at_most=None if prices is None else bound,
        run_spent=held.spent,
        seconds_at_least=max(
            0.0 if options.requests_per_minute is None else requests / options.requests_per_minute * 60,
            0.0
            if options.tokens_per_minute is None
            else (tokens_in + tokens_out) / options.tokens_per_minute * 60,
        ),
        measured=measured,
    )


def _answer_tokens(question: Question, items: int) -> int:
    """About how many tokens an answer has: its frame (0 items), or what one item adds to it."""
    if not items:
        return 8
    middle = sum(question.schema.scale) / 2
    entry = {"id": "xxxxx", "scores": dict.fromkeys(question.schema.names, int(middle))}
    return -(-len(json.dumps(entry)) // _BYTES_PER_TOKEN)
