"""`compare --survey` and `--read-survey`: a blind sheet for people, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cli._output import print_json, print_report, show
from cli._tables import show_tables

if TYPE_CHECKING:
    from guided_store.evaluation import Cases
    from guided_store.store import Store
    from guided_store.survey import SurveyResult


def run_survey_write(
    store: Store,
    versions: Sequence[str],
    folder: Path,
    *,
    cases: Cases,
    users: int = 20,
    k: int = 5,
    raters: int = 1,
    seed: int = 0,
    explanations: Literal["shared", "own"] = "shared",
    as_json: bool = False,
) -> None:
    """Write a blind sheet of two versions; `versions` are their names or aliases."""
    from guided_store.survey import write_survey
    from guided_store.versions import resolve

    first, second = (str(resolve(store, name)[0]) for name in _two(versions))
    written = write_survey(
        store,
        first,
        second,
        folder,
        cases=cases,
        users=users,
        k=k,
        seed=seed,
        raters=raters,
        explanations=explanations,
    )
    print_report(written, as_json)


def run_survey_read(
    store: Store,
    versions: Sequence[str],
    folder: Path,
    *,
    answers: Sequence[Path] = (),
    as_json: bool = False,
) -> SurveyResult:
    """Print what raters say; the survey has to be of these two versions, in either order."""
    from guided_store.errors import UsageError
    from guided_store.survey import read_survey
    from guided_store.versions import resolve

    result = read_survey(folder, answers)
    asked = [str(resolve(store, name)[0]) for name in _two(versions)]
    if set(asked) != {result.a, result.b}:
        raise UsageError(
            f"the survey in {folder} is of {result.a} and {result.b}, not of {' and '.join(asked)}"
        )
    if as_json:
        print_json(result)
    else:
        show_survey(result)
    return result


def show_survey(result: SurveyResult) -> None:
    """The verdict, the tables, comments and notes."""
    from guided_store.survey import tables, verdict

    show(*verdict(result))
    show_tables(tables(result))
    if result.comments:
        show(
            "", *(f"{rater}, user {user}: {' '.join(text.split())}" for rater, user, text in result.comments)
        )
    if result.notes:
        show("", *(f"note: {note}" for note in result.notes))


def _two(versions: Sequence[str]) -> tuple[str, str]:
    from guided_store.errors import UsageError

    if len(versions) != 2 or any("+" in name for name in versions):
        raise UsageError("a survey shows people two versions; name exactly two, without seeds joined by +")
    return versions[0], versions[1]
