"""`attributes propose`: a schema to start from, asked of a language model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import _llm_options as o
from cli._context import settings
from cli._options import names
from cli._output import Json, listing, print_json, show
from guided_store.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guided_store.llm import Prices, Proposal, ProposalFile, SchemaBrief, Structured, Usage
    from guided_store.store import Store

MAX_CHARS = 500
"""Characters of a column that are shown of an item: its start tells what kind of thing it is."""

TOKENS_EACH = 75
"""About how many tokens of the answer one attribute takes."""


def add_to(group: typer.Typer) -> None:
    """Add the command of this module to the group `attributes`."""
    group.command()(propose)


def propose(
    ctx: typer.Context,
    domain: Annotated[str, typer.Option(metavar="TEXT", help='What is sold, such as "office products".')],
    item: Annotated[
        str, typer.Option(metavar="TEXT", help='What one item is called, such as "office product".')
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="The model's name at the endpoint.")],
    to: Annotated[Path, typer.Option(metavar="FILE", help="The TOML file to write, for you to edit.")],
    size: Annotated[int, typer.Option(metavar="N", help="Attributes to ask for.")] = 20,
    sample: Annotated[int, typer.Option(min=1, metavar="N", help="Items of the catalogue to show.")] = 40,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed shows other items.")] = 0,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the schema; by default that of the file.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take and cost; ask nothing.")
    ] = False,
    base_url: o.BaseUrl = None,
    key_env: o.KeyEnv = "OPENAI_API_KEY",
    fields: o.Fields = None,
    max_chars: o.MaxChars = MAX_CHARS,
    notes: o.Notes = "",
    max_output_tokens: o.MaxOutput = None,
    structured: o.Structured = "json_schema",
    timeout: o.Timeout = 600.0,
    prices: o.Prices = None,
    as_json: Json = False,
) -> None:
    """Ask a language model for a schema, by what sells in the domain and a sample of the catalogue.

    The model sees the text of --sample items and nothing else of the store. It answers with attributes and
    the reason for each, written as TOML for you to edit. Unusable answers are asked for again, twice at most;
    whatever was answered is kept beside FILE until the schema is there.
    """
    from guided_store.llm import Prices, ProposalFile, SchemaBrief, make_client, propose_schema

    chosen = settings(ctx)
    brief = SchemaBrief(domain, item, size, notes)
    known = None if prices is None else Prices.parse(prices)
    file = ProposalFile(to, {"model": model, "domain": domain, "item": item, "size": size}, force=force)
    with chosen.open() as store:
        shown = _sample(store, fields, sample, seed, max_chars)
    if dry_run:
        _say_estimate(brief, shown, structured, known, as_json)
        return
    client = make_client(base_url=base_url, key_env=key_env, concurrency=1, timeout=timeout)
    with _kept(file, known), chosen.progress().task(f"asking {model}", None):
        proposal = propose_schema(
            client,
            model,
            brief,
            shown,
            name=name or _schema_name(to),
            structured=structured,
            max_output_tokens=max_output_tokens,
            keep=file.keep,
        )
        file.write(proposal.to_toml(datetime.now()))
    _say(proposal, to, known, as_json)


def _sample(
    store: Store, fields: str | None, size: int, seed: int, max_chars: int
) -> list[Mapping[str, str]]:
    """The texts of `size` items."""
    from guided_store.ledger import choose_fields, iter_texts
    from guided_store.llm import draw_sample

    columns = choose_fields(store, names(fields) or None)
    texts = ((text.item_id, text.data) for text in iter_texts(store, columns, max_chars=max_chars))
    return draw_sample(texts, size, seed=seed)


@contextmanager
def _kept(file: ProposalFile, prices: Prices | None) -> Iterator[None]:
    """Say of whatever ends the block early what it cost and where the answers are."""
    from guided_store.llm import ProposalError

    try:
        yield
    except ProposalError as error:
        parts = [str(error)]
        if error.answers:
            parts += [_spent(error.usage, prices), f"the answers are kept in {file.raw}"]
        raise ProposalError("; ".join(parts), error.usage, error.answers) from None
    except BaseException:
        if file.raw is not None:
            typer.echo(f"what was answered is kept in {file.raw}", err=True)
        raise


def _say(proposal: Proposal, to: Path, prices: Prices | None, as_json: bool) -> None:
    from guided_store.attributes import check_schema

    schema, usage = proposal.schema, proposal.usage
    remarks = check_schema(schema)
    if as_json:
        print_json(
            {
                "file": to,
                "schema": schema.to_dict(),
                "rationale": proposal.rationale,
                "model": proposal.model,
                "sampled": proposal.sampled,
                "answers": len(proposal.answers),
                "usage": usage,
                "cut": proposal.cut,
                "cost": None if usage is None or prices is None else prices.cost(usage),
                "remarks": remarks,
            }
        )
        return
    show(
        listing(
            ("attribute", "0", "10", ""),
            [(a.name, a.low, a.high, "hindsight" if a.hindsight else "") for a in schema.attributes],
        ),
        "",
        f"{counted(len(schema), 'attribute')} by {proposal.model} from {counted(proposal.sampled, 'item')}, "
        f"in {counted(len(proposal.answers), 'answer')}: {_spent(usage, prices)}",
        *(f"- {remark.message}" for remark in remarks),
        *(
            ["warning: the server seems to have read only a part of what it was sent; see the file's header"]
            if proposal.cut
            else []
        ),
        f"written to {to}: edit it, then guided-store attributes check {to}",
    )


def _say_estimate(
    brief: SchemaBrief,
    shown: list[Mapping[str, str]],
    structured: Structured,
    prices: Prices | None,
    as_json: bool,
) -> None:
    """What one answer takes: a guess for what is sent, and room for an attribute's texts each."""
    from guided_store.llm import Usage, guess_tokens

    usage = Usage(
        guess_tokens(brief.messages(shown), brief.response_format(structured)), TOKENS_EACH * brief.size
    )
    cost = None if prices is None else prices.cost(usage)
    if as_json:
        print_json({"sampled": len(shown), "usage": usage, "cost": cost})
        return
    dollars = "" if cost is None else f", about ${cost:.4f}"
    show(
        f"would show {counted(len(shown), 'item')} and ask for {counted(brief.size, 'attribute')}: about "
        f"{usage.tokens_in:,} tokens in and {usage.tokens_out:,} out{dollars}, a model's thoughts and "
        "answers that have to be asked for again not counted"
    )


def _spent(usage: Usage | None, prices: Prices | None) -> str:
    if usage is None:
        return "the server counted no tokens"
    tokens = f"{usage.tokens_in:,} tokens in, {usage.tokens_out:,} out"
    return tokens if prices is None else f"{tokens}, ${prices.cost(usage):.4f}"


def _schema_name(to: Path) -> str:
    return to.name.removesuffix(".toml") or to.name
