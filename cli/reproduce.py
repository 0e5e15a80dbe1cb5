"""`reproduce`: the headline experiments, run by run, and their table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli._context import Settings, settings
from cli._options import names
from cli._output import Json, listing, print_json, show
from cli._progress import clock

if TYPE_CHECKING:
    from guided_store.progress import Progress
    from guided_store.reproduction import Board, Plan, Results, State

_LEFT_OUT, _RUNNING = "Which part of the plan", "Running"


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel="Judge")(reproduce)


def reproduce(
    ctx: typer.Context,
    work: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where runs are recorded and taken up again.")
    ] = Path("reproduction"),
    datasets: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folders of interactions, items and scores; once is enough."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the table is written; by default WORK/results."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="DATASET,...", help="Datasets.", rich_help_panel=_LEFT_OUT)
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Encoders.", rich_help_panel=_LEFT_OUT)
    ] = None,
    systems: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Systems.", rich_help_panel=_LEFT_OUT)
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Seeds up to this one.", rich_help_panel=_LEFT_OUT),
    ] = None,
    worker: Annotated[
        str,
        typer.Option(
            metavar="I/N", help="This is process I of N on the same --work.", rich_help_panel=_RUNNING
        ),
    ] = "1/1",
    deadline: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="MINUTES",
            help="Begin no run after this; 0 only writes the table.",
            rich_help_panel=_RUNNING,
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, metavar="N", help="Threads of this process.", rich_help_panel=_RUNNING)
    ] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.", rich_help_panel=_RUNNING)] = "cpu",
    coldstart: Annotated[
        bool,
        typer.Option("--coldstart", help="Run the experiment on items without events, instead of the plan."),
    ] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help="Show how far every system is, and run nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The headline table, from the data to the document.

    Every system (bases, refined, controls) on every dataset: the same trials on the first seed, the best on
    validation trained for each seed, and read once on the test cases. Runs go by priority; what is finished
    is not run again, and what was interrupted goes on. The table in --out covers all of --work.
    """
    from guided_store.errors import UsageError
    from guided_store.reproduction import PLAN, open_board

    out = out or work / "results"
    for option, folder in (("--work", work), ("--out", out)):
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{option} {folder} is a file; name a folder")
    chosen = settings(ctx)
    part = PLAN.only(names(only), names(encoder), names(systems), seeds)
    workers = _workers(worker)
    if show_list:
        _show(open_board(part, work), workers, as_json)
    elif coldstart:
        plan_only = {
            "--encoder": encoder,
            "--systems": systems,
            "--seeds": seeds,
            "--worker": worker != "1/1",
            "--deadline": deadline is not None,
            "--device": device != "cpu",
        }
        if unused := [option for option, given in plan_only.items() if given]:
            raise UsageError(f"--coldstart has no use for {', '.join(unused)}; leave them out")
        _cold(chosen, part, work, datasets, out, threads, as_json)
    else:
        _run(chosen, part, work, datasets, out, workers, deadline, threads, device, as_json)


def _run(
    chosen: Settings,
    part: Plan,
    work: Path,
    datasets: Path | None,
    out: Path,
    workers: int,
    deadline: float | None,
    threads: int,
    device: str,
    as_json: bool,
) -> None:
    from guided_store.errors import GuidedStoreError
    from guided_store.reproduction import run_plan

    progress = chosen.progress()
    summary = None
    if deadline != 0:
        summary = run_plan(
            part,
            work,
            datasets=datasets,
            workers=workers,
            deadline=None if deadline is None else 60 * deadline,
            threads=threads,
            device=device,
            progress=progress,
        )
    results, written = _write(work, out, progress, ran=summary is not None)
    if as_json:
        print_json({"run": summary, "cells": len(results.cells), "files": written})
    else:
        if summary is not None:
            show(
                f"{summary.made} runs in {clock(summary.seconds)}, {summary.left} left"
                + (" (stopped by --deadline)" if summary.stopped == "deadline" else "")
            )
        show(f"{len(results.cells)} of {len(results.planned)} cells of the table are there")
        show(*(str(path) for path in written))
    if summary is not None and summary.errors:
        more = f" (and {len(summary.errors) - 1} more)" if len(summary.errors) > 1 else ""
        raise GuidedStoreError(f"not every system could be run: {summary.errors[0]}{more}")


def _cold(
    chosen: Settings,
    part: Plan,
    work: Path,
    datasets: Path | None,
    out: Path,
    threads: int,
    as_json: bool,
) -> None:
    import torch

    from guided_store.errors import UsageError
    from guided_store.reproduction import COLD_PLANS, run_cold

    wanted = [name for name in dict.fromkeys(block.dataset for block in part.blocks) if name in COLD_PLANS]
    if not wanted:
        raise UsageError(f"--coldstart knows {', '.join(COLD_PLANS)}; name one of them with --only")
    torch.set_num_threads(threads)
    progress = chosen.progress()
    for name in wanted:
        run_cold(part.datasets[name], datasets, work, progress=progress)
    _, written = _write(work, out, progress)
    if as_json:
        print_json({"files": written})
    else:
        show(*(str(path) for path in written))


def _write(work: Path, out: Path, progress: Progress, *, ran: bool = True) -> tuple[Results, list[Path]]:
    """Every document of --work, whatever part of it ran now; where none `ran`, there must be something."""
    from guided_store.errors import UsageError
    from guided_store.reproduction import (
        PLAN,
        cold_targets,
        gather,
        gather_cold,
        make_headline,
        write_cold,
        write_headline,
    )

    results, records = gather(PLAN, work), gather_cold(work)
    if not (ran or results.cells or records):
        raise UsageError(f"no run is finished in {work}, so no table is written; is --work right?")
    headline = make_headline(results, more=cold_targets(records), progress=progress)
    out.mkdir(parents=True, exist_ok=True)
    return results, [*write_headline(headline, out), *write_cold(records, out)]


def _show(board: Board, workers: int, as_json: bool) -> None:
    from guided_store.reproduction import describe_next, estimate, overview

    states = overview(board)
    seconds, unknown = estimate(board, workers)
    left = len(board.left())
    if as_json:
        print_json(
            {
                "systems": states,
                "runs_left": left,
                "seconds_left": seconds,
                "runs_of_unknown_time": unknown,
                "next": describe_next(board),
            }
        )
        return
    rows = [
        (
            state.dataset,
            state.encoder,
            state.system,
            f"{state.trials}/{state.all_trials}",
            f"{state.runs}/{state.all_runs}" + _remarks(state),
            None if state.validation is None else f"{state.validation:.4f}",
            clock(state.seconds) if state.seconds else None,
        )
        for state in states
    ]
    columns = ("dataset", "encoder", "system", "trials", "runs", "valid.", "time")
    show(listing(columns, rows, right=("trials", "runs", "valid.", "time")), "")
    told = [f"about {clock(seconds)}"] * (unknown < left or not left)
    told += [f"{unknown} of a kind that none was made of yet"] * bool(unknown)
    show(f"{left} runs left: {', and '.join(told)}")
    show(*(f"next: {unit}" for unit in describe_next(board, 1)))


def _remarks(state: State) -> str:
    told = [f"{state.failed} failed"] * bool(state.failed)
    told += [f"{state.earlier} with other settings"] * bool(state.earlier)
    return f" ({', '.join(told)})" if told else ""


def _workers(text: str) -> int:
    """N of "I/N"."""
    from guided_store.errors import UsageError

    number, _, workers = text.partition("/")
    if not (number.isdecimal() and workers.isdecimal() and 1 <= int(number) <= int(workers)):
        raise UsageError(f"--worker {text!r} is not of the form I/N, such as 1/2 and 2/2")
    return int(workers)
