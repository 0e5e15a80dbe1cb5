"""`score batch submit/collect/list/cancel/abandon`: scoring through a provider's batch API."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import _llm_options as o
from cli._app import command_group
from cli._context import settings
from cli._output import Json, listing, print_json, print_report, print_reports, show

batch = command_group("Scoring by batch jobs: answers within a day, at a lower price.")


def add_to(group: typer.Typer) -> None:
    """Add the commands of this module to the group `score`."""
    group.add_typer(batch, name="batch")


@batch.command()
def submit(
    ctx: typer.Context,
    schema: o.Schema = None,
    model: o.Model = None,
    base_url: o.BaseUrl = None,
    key_env: o.KeyEnv = "OPENAI_API_KEY",
    run: o.Run = None,
    max_requests: Annotated[
        int, typer.Option(min=1, metavar="N", help="Requests in one job.", rich_help_panel=o.LIMITS)
    ] = 50_000,
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
    prices: o.Prices = None,
    max_cost: o.MaxCost = None,
    limit: o.Limit = None,
    as_json: Json = False,
) -> None:
    """Send what is not scored yet as batch jobs.

    The price is the provider's for batches, often half. A live `score run` leaves alone what a job will
    answer.
    """
    from guided_store.batches import submit_batches

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
            repeats=repeats,
            attempts=attempts,
            retry_failed=retry_failed,
            again=again,
            temperature=temperature,
            reasoning_effort=reasoning_effort,
            max_output_tokens=max_output_tokens,
            structured=structured,
            max_cost=max_cost,
            limit=limit,
        )
        jobs = submit_batches(store, asked, options, max_requests=max_requests, progress=chosen.progress())
    print_reports(jobs, as_json)
    if not as_json:
        if jobs:
            chosen.say("next: guided-store score batch collect --follow SECONDS")
        else:
            show("nothing to send: every item is scored, failed, or in a job already")


@batch.command()
def collect(
    ctx: typer.Context,
    run: Annotated[str | None, typer.Option(metavar="RUN", help="Only the jobs of this run.")] = None,
    follow: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Wait so long for jobs that are not done yet."),
    ] = None,
    resubmit: Annotated[
        bool, typer.Option("--resubmit", help="Send what expired or failed once more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Fetch the answers of jobs that are done."""
    from guided_store.batches import collect_batches

    chosen = settings(ctx)
    with chosen.open() as store:
        report = collect_batches(store, run=run, resubmit=resubmit, wait=follow, progress=chosen.progress())
    print_report(report, as_json)
    if report.faults:
        raise typer.Exit(1)


@batch.command("list")
def list_(
    ctx: typer.Context,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the provider how far they are.")] = False,
    as_json: Json = False,
) -> None:
    """The batch jobs of this store."""
    from guided_store.batches import list_batches

    with settings(ctx).open() as store:
        jobs = list_batches(store, refresh=refresh)
    if as_json:
        print_json([job.to_dict() for job in jobs])
        return
    if not jobs:
        show("no batch jobs yet")
        return
    rows = [
        (job.job, job.run, job.state, job.status or "", f"{job.requests:,}", job.batch_id or "")
        for job in jobs
    ]
    columns = ("job", "run", "state", "server says", "requests", "id there")
    show(listing(columns, rows, right=("requests",), whole=("job", "run")))
    for job in jobs:
        if job.fault:
            show(f"{job.job}: {job.fault}")


@batch.command()
def cancel(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="As `score batch list` names it.")],
    as_json: Json = False,
) -> None:
    """Ask the provider to stop a job; collect it afterwards, what was answered is billed."""
    from guided_store.batches import cancel_batch

    with settings(ctx).open() as store:
        cancelled = cancel_batch(store, job)
    print_report(cancelled, as_json)


@batch.command()
def abandon(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="As `score batch list` names it.")],
    force: Annotated[
        bool, typer.Option("--force", help="Although the provider may still have its answers.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Give up a job whose answers cannot be fetched; its items can then be scored otherwise.

    Its requests are recorded as unknown at their estimated cost.
    """
    from guided_store.batches import abandon_batch

    with settings(ctx).open() as store:
        report = abandon_batch(store, job, force=force)
    print_report(report, as_json)
