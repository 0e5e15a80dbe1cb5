"""Answers read back into preferences, ratings and agreement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import UsageError
from guided_store.evaluation import bootstrap_intervals, holm, sign_test
from guided_store.scoring import krippendorff_alpha
from guided_store.survey._answers import Answer, read_answers, read_key
from guided_store.survey._form import PREFERENCES
from guided_store.survey._preference import Preference, wilson
from guided_store.wording import counted

CONVINCING = "convincing"
"""Name of the ratings among the measures of agreement."""


@dataclass(frozen=True)
class Rating:
    """How convincing explanations are, 1 to 5: mean over answers.

    Attributes:
        a, b: of the first version, and of the second.
        difference: `b - a`.
        a_interval, b_interval, interval: bootstrap over histories, each drawn with all its answers; None
            where only one history was answered.
    """

    a: float
    b: float
    difference: float
    a_interval: tuple[float, float] | None
    b_interval: tuple[float, float] | None
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class SurveyResult:
    """What raters say of two versions.

    Attributes:
        folder: of the survey.
        a, b: the versions; `digests`: of their content.
        explanations: "shared" or "own", see `write_survey`.
        histories: how many the sheets ask about; `answered`: how many of them somebody answered.
        answers: filled rows; `raters`: name -> how many of them.
        preferences: one for each question.
        ratings: how convincing the explanations are.
        agreement: Krippendorff's alpha by question, and of the ratings ("convincing"); None where no history
            was answered by two raters, or all said the same.
        comments: (rater, user of the store, text).
        notes: sentences about how far the figures go.
    """

    folder: str
    a: str
    b: str
    digests: tuple[str, str]
    explanations: str
    histories: int
    answered: int
    answers: int
    raters: Mapping[str, int]
    preferences: tuple[Preference, ...]
    ratings: Rating
    agreement: Mapping[str, float | None]
    comments: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        ratings = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self.ratings).items()}
        return {
            **vars(self),
            "digests": list(self.digests),
            "raters": dict(self.raters),
            "preferences": [one.to_dict() for one in self.preferences],
            "ratings": ratings,
            "agreement": dict(self.agreement),
            "comments": [list(comment) for comment in self.comments],
            "notes": list(self.notes),
        }


def read_survey(folder: str | Path, answers: Sequence[str | Path] = ()) -> SurveyResult:
    """Read answers back into preference rates, ratings and agreement.

    The unit of a preference is the history, not the answer: several raters of one history say more about that
    history, not about more histories. So each history counts once, for what the majority of its raters says
    (as many for either version, or most for no difference: a tie), and interval and sign test are over
    histories. With one rater that is that rater's answers. Ratings are means over answers, with a bootstrap
    interval that draws whole histories.

    Args:
        folder: of `write_survey`.
        answers: files of answers, of any number of raters; by default `answers*.csv` in the folder.

    Raises:
        UsageError: no survey in the folder, no files of answers, or nothing answered in them.
        DataError: the key or a file of answers is wrong; names file and line.
    """
    home = Path(folder)
    key = read_key(home)
    files = [Path(path) for path in answers] or sorted(home.glob("answers*.csv"))
    if not files:
        raise UsageError(
            f"there are no answers in {home}: put the raters' files there as answers-NAME.csv, or name them"
        )
    found = read_answers(key, files)
    if not found:
        raise UsageError(f"nothing is filled in yet in {', '.join(str(path) for path in files)}")
    users = {
        question["case"]: str(question["user"]) for sheet in key["sheets"] for question in sheet["questions"]
    }
    preferences = [_preference(name, asked, found) for name, asked in PREFERENCES.items()]
    adjusted = holm([one.p for one in preferences])
    corrected = tuple(
        Preference(**{**vars(one), "adjusted": float(p)})
        for one, p in zip(preferences, adjusted, strict=True)
    )
    return SurveyResult(
        folder=str(home),
        a=key["a"]["version"],
        b=key["b"]["version"],
        digests=(key["a"]["digest"], key["b"]["digest"]),
        explanations=str(key.get("explanations", "shared")),
        histories=len(users),
        answered=len({answer.case for answer in found}),
        answers=len(found),
        raters=dict(Counter(answer.rater for answer in found)),
        preferences=corrected,
        ratings=_rating(found),
        agreement=_agreement(found),
        comments=tuple((one.rater, users[one.case], one.comment) for one in found if one.comment),
        notes=tuple(_notes(found, len(users), corrected)),
    )


def _preference(question: str, asked: str, found: Sequence[Answer]) -> Preference:
    votes: dict[int, Counter[int]] = defaultdict(Counter)
    for answer in found:
        votes[answer.case][answer.preferences[question]] += 1
    majorities = [_majority(counts) for counts in votes.values()]
    a, b = majorities.count(-1), majorities.count(1)
    sides = [answer.left[question] for answer in found]
    left, right = sides.count(1), sides.count(-1)
    p = sign_test(a, b)
    return Preference(
        question=question,
        asked=asked,
        a=a,
        b=b,
        ties=majorities.count(0),
        rate=b / (a + b) if a + b else None,
        interval=wilson(b, a + b) if a + b else None,
        p=p,
        adjusted=p,
        left=left,
        right=right,
        side_p=sign_test(left, right),
    )


def _majority(counts: Mapping[int, int]) -> int:
    """The vote that stands alone at the top, else 0."""
    top = max(counts.values())
    first = [vote for vote, number in counts.items() if number == top]
    return first[0] if len(first) == 1 else 0


def _rating(found: Sequence[Answer]) -> Rating:
    cases = np.array([answer.case for answer in found], np.int64)
    table = np.array([answer.ratings for answer in found], np.float64)  # (N, 2)
    columns = {"a": table[:, 0], "b": table[:, 1], "difference": table[:, 1] - table[:, 0]}
    means = {name: float(column.mean()) for name, column in columns.items()}
    intervals: dict[str, tuple[float, float]] = {}
    if len(np.unique(cases)) > 1:  # a single history drawn over and over would look certain
        intervals = bootstrap_intervals(cases, columns)
    return Rating(
        means["a"],
        means["b"],
        means["difference"],
        intervals.get("a"),
        intervals.get("b"),
        intervals.get("difference"),
    )


def _agreement(found: Sequence[Answer]) -> dict[str, float | None]:
    """Alpha for interval data: "no difference" lies half way between the two versions."""
    raters = sorted({answer.rater for answer in found})
    cases = sorted({answer.case for answer in found})
    column = {rater: place for place, rater in enumerate(raters)}
    row = {case: place for place, case in enumerate(cases)}
    empty: NDArray[np.float64] = np.full((len(cases), len(raters)), np.nan)
    tables = {name: empty.copy() for name in PREFERENCES}
    rated = np.full((2 * len(cases), len(raters)), np.nan)
    for answer in found:
        at = row[answer.case], column[answer.rater]
        for name, table in tables.items():
            table[at] = answer.preferences[name]
        rated[2 * at[0] : 2 * at[0] + 2, at[1]] = answer.ratings
    tables[CONVINCING] = rated
    alphas = {name: krippendorff_alpha(table) for name, table in tables.items()}
    return {name: None if np.isnan(alpha) else float(alpha) for name, alpha in alphas.items()}


def _notes(found: Sequence[Answer], histories: int, preferences: Sequence[Preference]) -> list[str]:
    notes = []
    answered = len({answer.case for answer in found})
    if answered < histories:
        notes.append(f"{counted(histories - answered, 'history')} of {histories} answered by nobody")
    if len({answer.rater for answer in found}) == 1:
        notes.append("one rater: what is said holds for that person's taste, and agreement cannot be told")
    notes += [
        f"raters favour one side of the page on {one.question!r} ({one.left} left, {one.right} right, sign "
        f"test p {one.side_p:.3f}); sides were drawn evenly, so that it blurs the result but does not turn it"
        for one in preferences
        if one.side_p < 0.05
    ]
    return notes
