"""Options of the commands that ask a language model, and the scoring options they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli._options import names

if TYPE_CHECKING:
    from guided_store.attributes import AttributeSchema
    from guided_store.runs import ScoringOptions
    from guided_store.store import Store

QUESTION, ANSWERS, LIMITS = "The question", "Answers", "Limits and cost"

Schema = Annotated[
    str | None,
    typer.Option(
        metavar="SCHEMA", help="A bundled schema, or a TOML file; not needed with a --run that exists."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The model's name at the endpoint; not needed with a --run that exists."
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="OPENAI_BASE_URL",
        help="An OpenAI-compatible endpoint, such as http://localhost:8000/v1; by default OpenAI's own.",
    ),
]
KeyEnv = Annotated[
    str, typer.Option(metavar="VARIABLE", help="Environment variable with the key; it is never stored.")
]
Run = Annotated[
    str | None,
    typer.Option(metavar="RUN", help="Name of the run: go on with it, or give a new one a name."),
]
Fields = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN,...",
        help="Item columns that are sent; by default title and text.",
        rich_help_panel=QUESTION,
    ),
]
MaxChars = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Characters of a column that are sent.", rich_help_panel=QUESTION),
]
Notes = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="A sentence on the domain for the instructions.", rich_help_panel=QUESTION
    ),
]
AllowUnknown = Annotated[
    bool,
    typer.Option(
        "--allow-unknown",
        help="Let the model answer that it cannot tell; such scores stay missing.",
        rich_help_panel=QUESTION,
    ),
]
PerRequest = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Items asked about in one request; see `score check`.",
        rich_help_panel=ANSWERS,
    ),
]
Repeats = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="Independent answers for each item.", rich_help_panel=ANSWERS),
]
Attempts = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="N",
        help="Unusable answers about an item before it is given up.",
        rich_help_panel=ANSWERS,
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Ask again about items that were given up.", rich_help_panel=ANSWERS),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Buy answers anew that another run holds already.",
        rich_help_panel=ANSWERS,
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(min=0, max=2, help="Passed on where given.", rich_help_panel=ANSWERS, show_default=False),
]
Reasoning = Annotated[
    str | None,
    typer.Option(
        "--reasoning-effort",
        metavar="EFFORT",
        help="Passed on where given, such as low.",
        rich_help_panel=ANSWERS,
    ),
]
MaxOutput = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Room for an answer, hidden reasoning included; by default by the schema.",
        rich_help_panel=ANSWERS,
    ),
]
Structured = Annotated[
    Literal["json_schema", "json_object", "none"],
    typer.Option(help="How the endpoint is held to the answer's form.", rich_help_panel=ANSWERS),
]
Concurrency = Annotated[
    int, typer.Option(min=1, metavar="N", help="Requests in flight at once.", rich_help_panel=LIMITS)
]
Rpm = Annotated[
    float | None,
    typer.Option(
        "--rpm",
        min=1,
        metavar="N",
        help="Requests a minute, beside what the server says.",
        rich_help_panel=LIMITS,
    ),
]
Tpm = Annotated[
    float | None,
    typer.Option(
        "--tpm",
        min=1,
        metavar="N",
        help="Tokens a minute, beside what the server says.",
        rich_help_panel=LIMITS,
    ),
]
Timeout = Annotated[
    float,
    typer.Option(min=1, metavar="SECONDS", help="How long to wait for one answer.", rich_help_panel=LIMITS),
]
Outage = Annotated[
    float,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help="How long to go on trying when nothing is answered.",
        rich_help_panel=LIMITS,
    ),
]
Prices = Annotated[
    str | None,
    typer.Option(
        metavar="IN,OUT[,CACHED]",
        help="US dollars per million tokens in and out.",
        rich_help_panel=LIMITS,
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="DOLLARS",
        help="Hard stop: what the run may cost in total, with what is in flight.",
        rich_help_panel=LIMITS,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Score at most so many items in this call.", rich_help_panel=LIMITS
    ),
]


def make_question(
    store: Store,
    schema: str | None,
    *,
    model: str | None,
    base_url: str | None,
    fields: str | None,
    prices: str | None,
    **given: Any,
) -> tuple[AttributeSchema, ScoringOptions]:
    """The schema and the options that a command line asks for.

    What it leaves out comes from the record of the run it names, where there is one.
    """
    from guided_store.attributes import load_schema
    from guided_store.llm import Prices
    from guided_store.runs import make_options

    return make_options(
        store,
        None if schema is None else load_schema(schema),
        model=model,
        base_url=base_url,
        fields=names(fields) or None,
        prices=None if prices is None else Prices.parse(prices),
        **given,
    )
