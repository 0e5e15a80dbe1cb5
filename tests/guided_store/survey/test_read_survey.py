"""Answers read back: figures by hand, several raters, and files that are wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from guided_store.errors import DataError, UsageError
from guided_store.evaluation import bootstrap_intervals, sign_test
from guided_store.scoring import krippendorff_alpha
from guided_store.survey import read_survey, tables, verdict, wilson

ID = "s0123456789ab"
HEAD = ("sheet", "rater", "question", "fits", "clearer", "left_convincing", "right_convincing", "comment")
Row = tuple[object, ...]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A survey of six histories; the first version stands left on odd questions."""
    questions = [
        {"number": number, "case": 10 * number, "user": f"u{number}", "left": "ab"[1 - number % 2]}
        for number in range(1, 7)
    ]
    key = {
        "format": 1,
        "a": {"version": "base/x", "digest": "aa"},
        "b": {"version": "refined/y", "digest": "bb"},
        "explanations": "own",
        "sheets": [{"name": "sheet", "id": ID, "questions": questions}],
    }
    (tmp_path / "key.json").write_text(json.dumps(key))
    return tmp_path


def save(path: Path, rows: Sequence[Row], head: Row = HEAD, delimiter: str = ",", mark: str = "") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(mark)
        csv.writer(file, delimiter=delimiter).writerows([head, *rows])
    return path


def answer(number: int, fits: str, clearer: str = "same", left: int = 3, right: int = 3, **more: str) -> Row:
    return (ID, more.get("rater", "Ann"), number, fits, clearer, left, right, more.get("comment", ""))


def towards_b(number: int) -> str:
    return "right" if number % 2 else "left"


def towards_a(number: int) -> str:
    return "left" if number % 2 else "right"


def test_sides_are_turned_back_into_versions(folder: Path) -> None:
    rows = [answer(n, towards_b(n), towards_a(n)) for n in range(1, 5)]
    rows += [answer(5, towards_a(5), "same"), answer(6, "same", "same")]
    save(folder / "answers-ann.csv", rows)
    result = read_survey(folder)
    fits, clearer = result.preferences
    assert (fits.a, fits.b, fits.ties, fits.rate) == (1, 4, 1, 0.8)
    assert fits.interval == wilson(4, 5)
    assert fits.p == sign_test(1, 4)
    assert (clearer.a, clearer.b, clearer.ties, clearer.rate) == (4, 0, 2, 0.0)
    assert fits.adjusted >= fits.p
    assert (fits.left, fits.right) == (3, 2)
    assert (result.a, result.b, result.histories, result.answered) == ("base/x", "refined/y", 6, 6)
    assert result.raters == {"Ann": 6}
    assert set(result.agreement.values()) == {None}
    assert any("one rater" in note for note in result.notes)
    assert json.loads(json.dumps(result.to_dict()))["preferences"][0]["b"] == 4


def test_ratings_are_by_version_with_whole_histories_drawn(folder: Path) -> None:
    rows = []
    for rater, of_b in (("Ann", (5, 4, 4, 3, 5, 4)), ("Bob", (4, 4, 5, 2, 5, 3))):
        for n, b in enumerate(of_b, start=1):
            left, right = (2, b) if n % 2 else (b, 2)
            rows.append(answer(n, "same", left=left, right=right, rater=rater))
    save(folder / "answers.csv", rows)
    result = read_survey(folder)
    of_b = np.array([5, 4, 4, 3, 5, 4, 4, 4, 5, 2, 5, 3], float)
    users = np.tile(np.arange(1, 7) * 10, 2)
    assert result.ratings.a == 2
    assert result.ratings.b == of_b.mean()
    assert result.ratings.interval == bootstrap_intervals(users, {"d": of_b - 2})["d"]
    table = np.empty((12, 2))
    table[0::2], table[1::2] = 2, np.array([of_b[:6], of_b[6:]]).T
    assert result.agreement["convincing"] == pytest.approx(krippendorff_alpha(table))


def test_a_history_counts_once_for_its_majority(folder: Path) -> None:
    votes = {
        1: (towards_b, towards_b, towards_a),  # for b
        2: (towards_b, towards_a),  # as many for either: a tie
        3: (lambda n: "same", lambda n: "same", towards_a),  # a tie
        4: (towards_a, lambda n: "same", towards_a),  # for a
    }
    for place, rater in enumerate(("Ann", "Bob", "Cy")):
        rows = [answer(n, cast[place](n), rater=rater) for n, cast in votes.items() if place < len(cast)]
        save(folder / f"answers-{rater}.csv", rows)
    result = read_survey(folder)
    fits = result.preferences[0]
    assert (fits.a, fits.b, fits.ties) == (1, 1, 2)
    assert (result.answers, result.answered, len(result.raters)) == (11, 4, 3)
    nan = np.nan
    cast = np.array([[1, 1, -1], [1, -1, nan], [0, 0, -1], [-1, 0, -1]])
    assert result.agreement["fits"] == pytest.approx(krippendorff_alpha(cast))
    assert any("2 histories of 6 answered by nobody" in note for note in result.notes)


def test_one_side_of_the_page_favoured_is_said(folder: Path) -> None:
    save(folder / "answers.csv", [answer(n, "left") for n in range(1, 7)])
    result = read_survey(folder)
    assert any("one side of the page" in note for note in result.notes)
    assert (result.preferences[0].a, result.preferences[0].b) == (3, 3)
    assert "Neither" in verdict(result)[0]


@pytest.mark.parametrize(("delimiter", "mark"), [(",", ""), (";", "\ufeff"), ("\t", "")])
def test_files_are_read_as_spreadsheets_save_them(folder: Path, delimiter: str, mark: str) -> None:
    head = ("Sheet", "Rater", "history", "Question", *HEAD[3:])
    rows = [(ID.upper(), "", "1. Heat\n2. Se7en", n, "LEFT ", "Same", 1, 5, "a, b; c") for n in (1, 2)]
    rows.append((ID, "", "1. Heat", 3, "", "", "", "", ""))
    path = save(folder / "Zoe's.csv", rows, head, delimiter, mark)
    result = read_survey(folder, [path])
    assert result.raters == {"Zoe's": 2}
    assert result.comments == (("Zoe's", "u1", "a, b; c"), ("Zoe's", "u2", "a, b; c"))
    assert result.ratings.a == 3  # 1 where a stands left, 5 where it stands right


def test_tables_and_verdicts_say_who_and_how_sure(folder: Path) -> None:
    save(
        folder / "answers.csv", [answer(n, towards_b(n), "same", rater=r) for n in range(1, 7) for r in "AB"]
    )
    result = read_survey(folder)
    # 6 of 6: p is 2 / 64, and twice that after Holm's correction.
    assert result.preferences[0].p == 2 / 64
    first, second = verdict(result)
    assert "Not sure: refined/y, on 100% of the 6 histories" in first
    assert "Nobody sees a difference" in second
    shown = tables(result)
    assert [table.title for table in shown][-1] == "How far raters agree"
    assert shown[0].text()[0][:4] == ("list fits better", "0", "6", "0")
    assert "2 raters" in shown[0].note
    assert result.preferences[1].interval is None


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (("s999", "Ann", 1, "left", "left", 1, 1, ""), "line 3: the answers are to the sheet 's999'"),
        ((ID, "Ann", 7, "left", "left", 1, 1, ""), "line 3: there is no question '7', the sheet has 1 to 6"),
        ((ID, "Ann", 2, "top", "left", 1, 1, ""), "line 3: fits is 'top', it can be left, right or same"),
        (
            (ID, "Ann", 2, "left", "left", 6, 1, ""),
            "line 3: left_convincing is '6', it can be 1, 2, 3, 4 or 5",
        ),
        ((ID, "Ann", 2, "left", "", 1, 1, ""), "line 3: question 2 is answered in part, clearer is empty"),
        ((ID, "ann", 1, "left", "left", 1, 1, ""), "line 3: ann has answered this question before .*line 2"),
        ((ID, "Ann", 2, "left", "left", 1, 1, "", "more"), "line 3: 9 cells where the header has 8"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(folder: Path, row: Row, sentence: str) -> None:
    path = save(folder / "answers-x.csv", [answer(1, "left"), row])
    with pytest.raises(DataError, match=sentence) as caught:
        read_survey(folder)
    assert str(path) in str(caught.value)


def test_lines_are_counted_as_an_editor_does(folder: Path) -> None:
    rows = [answer(1, "left", comment="two\nlines"), answer(2, "up")]
    save(folder / "answers.csv", rows)
    with pytest.raises(DataError, match=r"line 4: fits is 'up'"):
        read_survey(folder)


def test_one_rater_in_two_files_is_not_counted_twice(folder: Path) -> None:
    for name in ("answers-1.csv", "answers-2.csv"):
        save(folder / name, [answer(1, "left")])
    with pytest.raises(DataError, match=r"answers-2.csv, line 2: Ann has answered .*answers-1.csv, line 2"):
        read_survey(folder)


def test_files_that_are_no_answers_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are no answers"):
        read_survey(folder)
    save(folder / "answers.csv", [], head=HEAD[:4])
    with pytest.raises(DataError, match="the column clearer is missing"):
        read_survey(folder)
    save(folder / "answers.csv", [(ID, "Ann", n, "", "", "", "", "") for n in range(1, 7)])
    with pytest.raises(UsageError, match="nothing is filled in yet"):
        read_survey(folder)
    (folder / "answers.csv").write_bytes(b"sheet,\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        read_survey(folder)
    (folder / "answers.csv").write_text(",".join(HEAD) + '\n"open')
    with pytest.raises(DataError, match="line 2: not CSV"):
        read_survey(folder)
    with pytest.raises(DataError, match="cannot be read"):
        read_survey(folder, [folder / "gone.csv"])
    with pytest.raises(UsageError, match=r"holds no survey: there is no key.json"):
        read_survey(tmp_path / "elsewhere")


@pytest.mark.parametrize("damage", ["{", "{}", '{"format": 1}', '{"format": 2}', "[]"])
def test_a_damaged_key_is_said(folder: Path, damage: str) -> None:
    (folder / "key.json").write_text(damage)
    with pytest.raises(DataError, match=r"key\.json"):
        read_survey(folder)
