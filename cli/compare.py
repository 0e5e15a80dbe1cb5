"""`compare`: versions held against each other, and what is written of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli._context import Settings, settings
from cli._options import At, Repeats, SplitKind, make_split, names, whole_numbers
from cli._output import Json, print_json, show

if TYPE_CHECKING:
    from guided_store.comparison import Comparison


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel="Judge")(compare)


def compare(
    ctx: typer.Context,
    versions: Annotated[
        list[str],
        typer.Argument(
            metavar="VERSION...",
            help="Versions with an encoder, or aliases; the first is what the others are held against. "
            "Several seeds of one recipe are joined by +: base/b-s1+base/b-s2. NAME= before it names it.",
            show_default=False,
        ),
    ],
    split: Annotated[SplitKind, typer.Option(help="Which events are held out.")] = "loo",
    at: At = None,
    part: Annotated[Literal["test", "validation"], typer.Option(help="Which held-out events.")] = "test",
    k: Annotated[str, typer.Option("-k", metavar="K,...", help="Cut-offs of Recall and NDCG.")] = "5,10,20",
    repeats: Annotated[
        Repeats | None, typer.Option(help="Whether items of the history may come again; as trained.")
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Join versions by + though their recipes differ.")
    ] = False,
    sections: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="SECTION,...",
            help="Also look at: beyond, fairness, geometry, interpretation.",
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All these sections.")] = False,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="guided/NAME",
            help="Scores that describe lists and groups; by default those a version was made from.",
        ),
    ] = None,
    user_columns: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", help="Fairness by these columns of the users (age:25:45 in bands)."),
    ] = None,
    item_columns: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Fairness by these columns of the items.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="All sections as one page with plots.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="With --report: the plots as PNG and SVG files.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Every figure, one a line.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="The tables as Markdown.")] = None,
    survey: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Instead: write a blind sheet of two versions' lists for people to judge."
        ),
    ] = None,
    survey_users: Annotated[int, typer.Option(min=1, metavar="N", help="With --survey: histories.")] = 20,
    raters: Annotated[int, typer.Option(min=1, metavar="N", help="With --survey: sheets.")] = 1,
    explanations: Annotated[
        Literal["shared", "own"],
        typer.Option(help="With --survey: name attributes that both versions have, or each its own."),
    ] = "shared",
    read_survey: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Instead: what the answers in this folder say (answers*.csv)."),
    ] = None,
    answers: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="With --read-survey: these files of answers.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which of two or more versions is better, for whom, and how sure.

    MRR, Recall and NDCG with intervals and paired tests, by popularity and history, and who and what changed
    most. Single versions are compared as trained models, over users; versions joined by + as recipes, over
    seeds and users.
    """
    from guided_store import comparison
    from guided_store.catalogue import load_sequences
    from guided_store.encoders import trained_repeats
    from guided_store.errors import UsageError
    from guided_store.evaluation import Cases

    if split == "none":
        raise UsageError("--split none holds nothing out; compare with --split loo or --split time")
    if plots is not None and report is None:
        raise UsageError("--plots belongs to --report")
    ks = whole_numbers(k, "-k")
    chosen = settings(ctx)
    wanted = comparison.SECTIONS if everything or report is not None else names(sections)
    if (user_columns or item_columns) and "fairness" not in wanted:
        raise UsageError("--user-columns and --item-columns belong to --with fairness")
    _check_files(report, csv, markdown, plots=plots)
    if report is not None:
        from guided_store.report import need_matplotlib

        need_matplotlib()
    if survey is not None or read_survey is not None:
        if wanted or csv or markdown or (survey is not None and read_survey is not None):
            raise UsageError("--survey and --read-survey go alone: run the comparison as another command")
    elif answers:
        raise UsageError("--answers belongs to --read-survey")
    with chosen.open() as store:
        if read_survey is not None:
            from cli._compare_survey import run_survey_read

            run_survey_read(store, versions, read_survey, answers=answers or (), as_json=as_json)
            return
        candidates = comparison.parse_candidates(store, versions, mixed=mixed)
        refs = [ref for candidate in candidates for ref in candidate.refs]
        repeats = repeats or trained_repeats(store, refs)
        cases = Cases(make_split(load_sequences(store), split, at), part, repeats)
        if survey is not None:
            from cli._compare_survey import run_survey_write

            run_survey_write(
                store,
                versions,
                survey,
                cases=cases,
                users=survey_users,
                raters=raters,
                explanations=explanations,
                as_json=as_json,
            )
            return
        found = comparison.compare_versions(
            store,
            candidates,
            cases,
            ks,
            sections=wanted,
            attributes=attributes,
            users=names(user_columns) or None,
            items=names(item_columns) or None,
            progress=chosen.progress(),
        )
    if as_json:
        print_json(found.to_dict())
    else:
        show_comparison(found)
    _write(chosen, found, report, plots, csv, markdown)


def show_comparison(found: Comparison) -> None:
    """Verdicts, what was asked, the tables of every section, notes and warnings."""
    from cli._tables import show_tables
    from guided_store import comparison

    accuracy = found.accuracy
    show(comparison.heading(found), "")
    show(*comparison.verdicts(accuracy))
    show("", f"{comparison.question(accuracy)}")
    show_tables(comparison.tables(accuracy, brief=True))
    if found.beyond is not None:
        from cli._compare_beyond import show_beyond

        _title("Beyond accuracy")
        show_beyond(found.beyond)
    if found.fairness is not None:
        from cli._compare_fairness import show_counterfactual, show_fairness

        _title("Fairness")
        show_fairness(found.fairness)
        for one in found.counterfactuals.values():
            show_counterfactual(one)
    if found.geometry is not None:
        from cli._compare_geometry import show_geometry

        _title("Geometry")
        show_geometry(found.geometry)
    if found.interpretation is not None:
        from cli._compare_interpretation import show_interpretation

        _title("Interpretation")
        show_interpretation(found.interpretation)
    show("")
    for note in comparison.notes(found):
        show(f"note: {note}")
    for warning in found.warnings:
        show(f"warning: {warning}")


def _title(text: str) -> None:
    show("", text.upper())


def _check_files(*paths: Path | None, plots: Path | None) -> None:
    """Refuse what could not be written after minutes of work."""
    from guided_store.errors import UsageError

    files = [path for path in paths if path is not None]
    for path in files:
        folder = path.absolute().parent
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name a file")
        if not folder.is_dir():
            raise UsageError(f"there is no folder {path.parent} to write {path.name} into")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"{path.name} cannot be written into {path.parent}: the folder is read-only")
    if len({path.resolve() for path in files}) < len(files):
        raise UsageError("--report, --csv and --markdown need a file each")
    if plots is not None and plots.exists() and not plots.is_dir():
        raise UsageError(f"--plots {plots} is a file; name a folder")


def _write(
    chosen: Settings,
    found: Comparison,
    report: Path | None,
    plots: Path | None,
    csv: Path | None,
    markdown: Path | None,
) -> None:
    """The files that were asked for; what was written is said on stderr, so that --json stays alone."""
    from guided_store.comparison import to_csv, to_markdown
    from guided_store.store import replacing

    written: list[Path] = []
    for path, make in ((csv, to_csv), (markdown, to_markdown)):
        if path is not None:
            with replacing(path) as temporary:
                temporary.write_bytes(make(found).encode("utf-8", "replace"))
            written.append(path)
    if report is not None:
        from guided_store.report import write_report

        written += write_report(found, report, plots)[:1]
        if plots is not None:
            written.append(plots)
    for path in written:
        chosen.say(f"wrote {path}")
