"""`score run/check`: scores bought from a language model, or made by a local one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import _llm_options as o
from cli._context import Settings, settings
from cli._options import SplitKind, moment, names
from cli._output import Json, print_json, print_report, show

if TYPE_CHECKING:
    from guided_store.versions import VersionInfo


USERS = "Users instead of items"

_NO_AS = "--as builds a guided version of items; after scoring users, `build users` makes theirs"


def add_to(group: typer.Typer) -> None:
    """Add the commands of this module to the group `score`."""
    group.command()(run)
    group.command()(check)


def run(
    ctx: typer.Context,
    schema: o.Schema = None,
    model: o.Model = None,
    provider: Annotated[
        Literal["openai", "local"],
        typer.Option(help="An endpoint, or a sentence-transformers model (--model NAME or FOLDER) here."),
    ] = "openai",
    base_url: o.BaseUrl = None,
    key_env: o.KeyEnv = "OPENAI_API_KEY",
    run: o.Run = None,
    as_name: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="Build guided/NAME when all is scored.", show_default=False
        ),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Build it with less than 80 % of the items scored.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take and cost; ask nothing.")
    ] = False,
    fields: o.Fields = None,
    max_chars: o.MaxChars = 2000,
    notes: o.Notes = "",
    allow_unknown: o.AllowUnknown = False,
    items_per_request: o.PerRequest = 1,
    repeats: o.Repeats = 1,
    attempts: o.Attempts = 3,
    retry_failed: o.RetryFailed = False,
    again: o.Again = False,
    temperature: o.Temperature = None,
    reasoning_effort: o.Reasoning = None,
    max_output_tokens: o.MaxOutput = None,
    structured: o.Structured = "json_schema",
    concurrency: o.Concurrency = 32,
    rpm: o.Rpm = None,
    tpm: o.Tpm = None,
    timeout: o.Timeout = 120.0,
    outage: o.Outage = 600.0,
    prices: o.Prices = None,
    max_cost: o.MaxCost = None,
    limit: o.Limit = None,
    users: Annotated[
        bool,
        typer.Option(
            "--users",
            help="Score users by their training histories, never by held-out events; then `build users`.",
            rich_help_panel=USERS,
        ),
    ] = False,
    split: Annotated[
        SplitKind,
        typer.Option(help="Whose training part is shown; none shows all events.", rich_help_panel=USERS),
    ] = "loo",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="With --split time: where its test period begins.", rich_help_panel=USERS
        ),
    ] = None,
    newest: Annotated[
        int, typer.Option(min=1, metavar="N", help="Newest items shown of a user.", rich_help_panel=USERS)
    ] = 50,
    history_chars: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Characters of a column shown of each item.", rich_help_panel=USERS
        ),
    ] = 200,
    as_json: Json = False,
) -> None:
    """Score every item (or user) that has no score yet, by a language model.

    Needs items with text, an attribute schema and a model; the key comes from the environment. Every answer
    is kept as it arrives: after Ctrl-C or a kill, the same command goes on and buys nothing twice. Other
    commands can write to the store meanwhile. Exit code 1 where answers are left to be had beyond --limit, or
    where none could be used.
    """
    chosen = settings(ctx)
    _check_users(users, provider, as_name, max_chars, shown=(split, at, newest, history_chars))
    if provider == "local":
        _run_local(
            chosen,
            schema,
            model,
            run=run,
            as_name=as_name,
            allow_missing=allow_missing,
            dry_run=dry_run,
            fields=fields,
            max_chars=max_chars,
            again=again,
            as_json=as_json,
        )
        return
    from guided_store.errors import GuidedStoreError, UsageError
    from guided_store.ledger import UserHistories
    from guided_store.runs import ScoringError, estimate_run, score_items

    with chosen.open() as store:
        asked, options = o.make_question(
            store,
            schema,
            model=model,
            base_url=base_url,
            fields=fields,
            prices=prices,
            key_env=key_env,
            run=run,
            max_chars=max_chars,
            notes=notes,
            allow_unknown=allow_unknown,
            items_per_request=items_per_request,
            repeats=repeats,
            attempts=attempts,
            retry_failed=retry_failed,
            again=again,
            temperature=temperature,
            reasoning_effort=reasoning_effort,
            max_output_tokens=max_output_tokens,
            structured=structured,
            concurrency=concurrency,
            requests_per_minute=rpm,
            tokens_per_minute=tpm,
            timeout=timeout,
            outage=outage,
            max_cost=max_cost,
            limit=limit,
            users=UserHistories(split, moment(at), newest, history_chars) if users else None,
        )
        if as_name is not None:
            from guided_store.versions import need_free_name

            if options.users is not None:  # recalled from the run that was named
                raise UsageError(_NO_AS)

            need_free_name(store, f"guided/{as_name}")
        if dry_run:
            print_report(estimate_run(store, asked, options), as_json)
            return
        fault: GuidedStoreError | None = None
        try:
            report = score_items(store, asked, options, progress=chosen.progress(), wait=chosen.wait)
        except ScoringError as error:
            report, fault = error.report, error
    # What was bought is told first, whatever comes after it.
    version = None
    complete = fault is None and not report.left and not report.in_batches
    bought = report.ok or report.failed or report.unknown or report.tokens_in
    if not as_json and (bought or fault is None):
        show(*report.lines())
    if as_name is not None and complete:
        try:
            version = _build(chosen, as_name, report.run, allow_missing)
        except GuidedStoreError as error:
            fault = error
    if as_json:
        print_json({**report.to_dict(), "version": None if version is None else version.to_dict()})
    elif version is not None:
        _say_built(version)
    elif as_name is not None and fault is None:
        show(f"guided/{as_name} is not built yet: {report.left + report.in_batches:,} answers are left")
    elif complete and fault is None and (report.ok or report.already):
        what = "users --guided guided/NAME" if options.users else "guided"
        chosen.say(f"next: guided-store build {what} --run {report.run} --as NAME")
    if fault is not None:
        raise fault
    if report.stopped == "interrupted":
        raise typer.Exit(130)
    in_vain = not (report.ok or report.already) and (report.failed or report.unknown)
    if in_vain or (report.left and report.stopped != "limit"):
        raise typer.Exit(1)


def _check_users(
    users: bool, provider: str, as_name: str | None, max_chars: int, shown: tuple[object, ...]
) -> None:
    """Refuse options that do not go together where users are scored, or items."""
    from guided_store.errors import UsageError

    if not users and shown != ("loo", None, 50, 200):
        raise UsageError("--split, --at, --newest and --history-chars belong to --users")
    if users and provider == "local":
        raise UsageError("--provider local scores items; --users needs a language model")
    if users and as_name is not None:
        raise UsageError(_NO_AS)
    if users and max_chars != 2000:
        raise UsageError("--max-chars belongs to items; --users shows --history-chars of each")


def check(
    ctx: typer.Context,
    schema: o.Schema = None,
    model: o.Model = None,
    base_url: o.BaseUrl = None,
    key_env: o.KeyEnv = "OPENAI_API_KEY",
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="Ask what this run asks; what is given besides differs.")
    ] = None,
    sample: Annotated[int, typer.Option(min=2, metavar="N", help="Items to ask about.")] = 20,
    fields: o.Fields = None,
    max_chars: o.MaxChars = 2000,
    notes: o.Notes = "",
    allow_unknown: o.AllowUnknown = False,
    items_per_request: o.PerRequest = 10,
    temperature: o.Temperature = None,
    reasoning_effort: o.Reasoning = None,
    max_output_tokens: o.MaxOutput = None,
    structured: o.Structured = "json_schema",
    concurrency: o.Concurrency = 32,
    rpm: o.Rpm = None,
    tpm: o.Tpm = None,
    timeout: o.Timeout = 120.0,
    prices: o.Prices = None,
    max_cost: o.MaxCost = None,
    as_json: Json = False,
) -> None:
    """Whether asking about several items at once changes the answers.

    The same items are asked about alone, alone again, and in batches of --items-per-request. Asking in
    batches is cheaper; it is safe where batches differ from single answers by no more than these from
    each other. The answers are kept, in runs of their own.
    """
    from guided_store.runs import check_batching

    chosen = settings(ctx)
    with chosen.open() as store:
        asked, options = o.make_question(
            store,
            schema,
            model=model,
            base_url=base_url,
            fields=fields,
            prices=prices,
            key_env=key_env,
            run=run,
            max_chars=max_chars,
            notes=notes,
            allow_unknown=allow_unknown,
            items_per_request=items_per_request,
            temperature=temperature,
            reasoning_effort=reasoning_effort,
            max_output_tokens=max_output_tokens,
            structured=structured,
            concurrency=concurrency,
            requests_per_minute=rpm,
            tokens_per_minute=tpm,
            timeout=timeout,
            max_cost=max_cost,
        )
        report = check_batching(
            store, asked, options, sample=sample, progress=chosen.progress(), wait=chosen.wait
        )
    print_report(report, as_json)


def _run_local(
    chosen: Settings,
    schema: str | None,
    model: str | None,
    *,
    run: str | None,
    as_name: str | None,
    allow_missing: bool,
    dry_run: bool,
    fields: str | None,
    max_chars: int,
    again: bool,
    as_json: bool,
) -> None:
    from guided_store.attributes import load_schema
    from guided_store.errors import UsageError
    from guided_store.local import score_locally
    from guided_store.versions import need_free_name

    if schema is None or model is None:
        raise UsageError("--provider local needs --schema, and --model with a sentence-transformers model")
    if dry_run:
        raise UsageError("--dry-run tells what an endpoint would cost; --provider local costs nothing")
    with chosen.open(write=True) as store:
        if as_name is not None:
            need_free_name(store, f"guided/{as_name}")
        report = score_locally(
            store,
            load_schema(schema),
            model=model,
            run=run,
            fields=names(fields) or None,
            max_chars=max_chars,
            again=again,
            progress=chosen.progress(),
        )
    version = None if as_name is None else _build(chosen, as_name, report.run, allow_missing)
    if as_json:
        print_json({**report.to_dict(), "version": None if version is None else version.to_dict()})
        return
    show(*report.lines())
    if version is not None:
        _say_built(version)


def _build(chosen: Settings, name: str, run: str, allow_missing: bool) -> VersionInfo:
    from guided_store.ledger import find_run
    from guided_store.scoring import build_guided

    with chosen.open(write=True) as store:
        record = find_run(store, run)
        assert record is not None  # it has just been scored
        return build_guided(store, name, schema=record.schema, run=run, allow_missing=allow_missing)


def _say_built(version: VersionInfo) -> None:
    coverage = version.metrics.get("coverage")
    share = f", {coverage:.1%} of the items scored" if isinstance(coverage, float) else ""
    show(f"{version.ref}: {version.rows:,} items x {version.dim} attributes{share}")
