"""Files of answers: read, and held against the sheets they are to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guided_store.errors import DataError, UsageError
from guided_store.survey._form import ALLOWED, ASKED, COMMENT, CONVINCING, NEEDED, PREFERENCES
from guided_store.survey._write import KEY

FORMAT = 1


@dataclass(frozen=True)
class Answer:
    """One rater on one history, in terms of versions.

    Attributes:
        rater: name.
        case: the history.
        preferences: question -> +1 for the second version, -1 for the first, 0 for no difference.
        ratings: how convincing the first version's explanations are, and the second's, 1 to 5.
        left: question -> +1 where what stood left was preferred, -1 right, 0 no difference.
        comment: what the rater wrote, or "".
    """

    rater: str
    case: int
    preferences: Mapping[str, int]
    ratings: tuple[int, int]
    left: Mapping[str, int]
    comment: str = ""


def read_key(folder: Path) -> dict[str, Any]:
    """The key of a survey.

    Raises:
        UsageError: the folder holds no survey.
        DataError: its key is damaged, or of another format.
    """
    path = folder / KEY
    if not path.is_file():
        raise UsageError(f"{folder} holds no survey: there is no {KEY} in it")
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
        if key["format"] != FORMAT:
            raise DataError(
                f"{path} has format {key['format']}, this program reads {FORMAT}: upgrade guided-store"
            )
        for needed in ("version", "digest"):
            key["a"][needed], key["b"][needed]
        for sheet in key["sheets"]:
            if any(question["left"] not in ("a", "b") for question in sheet["questions"]):
                raise ValueError("a question whose left side is neither a nor b")
            [(question["number"], question["case"]) for question in sheet["questions"]], sheet["id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}); without it answers cannot be read") from error
    found: dict[str, Any] = key
    return found


def read_answers(key: Mapping[str, Any], files: Sequence[Path]) -> list[Answer]:
    """The answers of all files; rows without any answer are passed over.

    Raises:
        DataError: a file that cannot be read or lacks a column, a row of another sheet, an unknown question,
            a value that is none of the allowed ones, a row filled in by half, or a question answered twice by
            one rater; the sentence names file and line.
    """
    questions = {
        (sheet["id"], str(question["number"])): question
        for sheet in key["sheets"]
        for question in sheet["questions"]
    }
    sheets = {sheet["id"]: len(sheet["questions"]) for sheet in key["sheets"]}
    places: dict[tuple[str, int], str] = {}
    found = []
    for path in files:
        for line, row in _rows(path):
            place = f"{path}, line {line}"
            if not any(row[name] for name in (*ASKED, COMMENT)):
                continue
            sheet, number = row["sheet"].casefold(), row["question"]
            if sheet not in sheets:
                raise DataError(
                    f"{place}: the answers are to the sheet {row['sheet']!r}, which is none of this survey"
                )
            if (sheet, number) not in questions:
                raise DataError(
                    f"{place}: there is no question {number!r}, the sheet has 1 to {sheets[sheet]}"
                )
            missing = [name for name in ASKED if not row[name]]
            if len(missing) == len(ASKED):
                continue  # a comment alone is no answer
            if missing:
                raise DataError(
                    f"{place}: question {number} is answered in part, {missing[0]} is empty; fill in all "
                    "of it or leave it blank"
                )
            rater = row["rater"] or path.stem
            answer = _answer(rater, row, questions[sheet, number], place)
            before = places.setdefault((rater.casefold(), answer.case), place)
            if before is not place:
                raise DataError(
                    f"{place}: {rater} has answered this question before ({before}); keep one of the two"
                )
            found.append(answer)
    return found


def _answer(rater: str, row: Mapping[str, str], question: Mapping[str, Any], place: str) -> Answer:
    for name, allowed in ALLOWED.items():
        if row[name].casefold() not in allowed:
            told = ", ".join(allowed[:-1])
            raise DataError(f"{place}: {name} is {row[name]!r}, it can be {told} or {allowed[-1]}")
    towards = {"left": 1, "right": -1, "same": 0}
    left = {name: towards[row[name].casefold()] for name in PREFERENCES}
    sign = -1 if question["left"] == "a" else 1  # left is worth +1 where the second version stood there
    by_side = (int(row[CONVINCING["left"]]), int(row[CONVINCING["right"]]))
    ratings = by_side if question["left"] == "a" else (by_side[1], by_side[0])
    preferences = {name: sign * value for name, value in left.items()}
    return Answer(rater, int(question["case"]), preferences, ratings, left, row[COMMENT])


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line and cells of every row; separated by commas, semicolons or tabs, as spreadsheets save them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        what = (
            "is not UTF-8 text; save it as CSV UTF-8"
            if isinstance(error, UnicodeDecodeError)
            else "cannot be read"
        )
        raise DataError(f"{path} {what}") from error
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = [name.strip().casefold() for name in next(reader, [])]
        if lacking := [name for name in NEEDED if name not in names]:
            raise DataError(
                f"{path}: the column {lacking[0]} is missing; a file of answers has {', '.join(NEEDED)}"
            )
        rows, line = [], reader.line_num
        for cells in reader:
            begins, line = line + 1, reader.line_num  # a quoted cell may hold line breaks
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(names):
                raise DataError(
                    f"{path}, line {begins}: {len(cells)} cells where the header has {len(names)}"
                )
            padded = [cell.strip() for cell in cells] + [""] * (len(names) - len(cells))
            rows.append((begins, {COMMENT: "", **dict(zip(names, padded, strict=True))}))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not CSV ({error})") from error
    return rows
