"""The content of a blind sheet and its key, apart from how either is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SIDES = ("left", "right")


@dataclass(frozen=True)
class Line:
    """One recommended item as a rater sees it: title and one sentence."""

    title: str
    why: str


@dataclass(frozen=True)
class Pair:
    """One history with the lists of both versions, before it is decided which stands where.

    Attributes:
        case: which case of the split it is.
        user_id: whose; only the key says so.
        history: titles of the newest events, oldest first; `events`: how many there are in all.
        lists: of the first version and of the second.
        next: title of what came next, "" where the sheet does not tell.
    """

    case: int
    user_id: str
    history: tuple[str, ...]
    events: int
    lists: tuple[tuple[Line, ...], tuple[Line, ...]]
    next: str = ""


@dataclass(frozen=True)
class Question:
    """One page of a sheet: a pair with its sides decided.

    Attributes:
        number: from 1.
        pair: what is shown.
        left: 0 where the first version stands left, 1 where the second does.
    """

    number: int
    pair: Pair
    left: int

    @property
    def sides(self) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
        """The list on the left and the list on the right."""
        return self.pair.lists[self.left], self.pair.lists[1 - self.left]


@dataclass(frozen=True)
class Sheet:
    """What one rater answers.

    Attributes:
        name: of its files, "sheet" or "sheet-2".
        item: what one item is called.
        questions: in the order asked.
    """

    name: str
    item: str
    questions: tuple[Question, ...]

    @property
    def id(self) -> str:
        """ "s" and 12 digits of the SHA-256 of all that a rater sees; it stands in every row of answers.

        The letter keeps a spreadsheet from reading it as a number.
        """
        shown = [
            [
                question.pair.history,
                question.pair.events,
                question.pair.next,
                [[[line.title, line.why] for line in side] for side in question.sides],
            ]
            for question in self.questions
        ]
        text = json.dumps(["guided-store survey 1", self.item, shown], ensure_ascii=True)
        return f"s{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def key(self) -> dict[str, Any]:
        """What must not stand on the sheet: whose history a question is, and which version stands left."""
        return {
            "name": self.name,
            "id": self.id,
            "questions": [
                {
                    "number": question.number,
                    "case": question.pair.case,
                    "user": question.pair.user_id,
                    "left": "ab"[question.left],
                }
                for question in self.questions
            ],
        }


def make_sheets(pairs: Sequence[Pair], raters: int, seed: int, item: str) -> tuple[Sheet, ...]:
    """One sheet for each rater: the same pairs, each sheet in an order of its own.

    On every sheet each version stands left as often as the other (but for one, where the number is odd), and
    every second sheet turns the sides of the one before round: over two raters a preference for one side of
    the page cannot favour a version.
    """
    random = np.random.default_rng([seed, 1])  # not the stream that drew the users
    sheets = []
    left = np.zeros(len(pairs), np.int64)
    for rater in range(raters):
        if rater % 2 == 0:
            left = random.permutation((np.arange(len(pairs)) + random.integers(2)) % 2)
        else:
            left = 1 - left
        order = random.permutation(len(pairs))
        name = "sheet" if raters == 1 else f"sheet-{rater + 1}"
        questions = tuple(
            Question(number, pairs[place], int(left[place])) for number, place in enumerate(order, start=1)
        )
        sheets.append(Sheet(name, item, questions))
    return tuple(sheets)
