"""Two versions' lists for the same people, as a blind sheet for human raters."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from guided_store.encoders import training_warnings
from guided_store.errors import UsageError, VersionError
from guided_store.evaluation import Cases
from guided_store.retrieval import Recommender
from guided_store.scoring import guided_schema
from guided_store.store import Store, replacing, write_json
from guided_store.survey._form import ASKED, COMMENT
from guided_store.survey._lists import Offer, best_rows, common_words, offers
from guided_store.survey._page import page
from guided_store.survey._sample import LEAST, draw
from guided_store.survey._sheet import Line, Pair, Sheet, make_sheets
from guided_store.survey._words import sentence
from guided_store.versions import Ref
from guided_store.wording import counted

KEY = "key.json"
HISTORY = 10
"""Events of a history that a sheet shows."""

Explanations = Literal["shared", "own"]


@dataclass(frozen=True)
class SurveyWritten:
    """What was written.

    Attributes:
        folder: where.
        a, b: the versions.
        users: how many histories every sheet asks about.
        files: names of what to hand to raters.
        notes: sentences about how far the sheet is what was asked for.
    """

    folder: str
    a: str
    b: str
    users: int
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """All fields, JSON-serialisable, always the same keys."""
        return {**vars(self), "files": list(self.files), "notes": list(self.notes)}

    def lines(self) -> list[str]:
        """For people."""
        pages = ", ".join(name for name in self.files if name.endswith(".html"))
        return [
            f"wrote a blind sheet of {counted(self.users, 'history')} to {self.folder} ({self.a}, {self.b})",
            f"give raters {pages} (or the CSV file beside it) and nothing else: {KEY} tells the sides",
            "put their answers back into the folder and read them with --read-survey",
            *(f"note: {note}" for note in self.notes),
        ]


def write_survey(
    store: Store,
    a: str | Ref,
    b: str | Ref,
    folder: str | Path,
    *,
    cases: Cases,
    users: int = 20,
    k: int = 5,
    seed: int = 0,
    raters: int = 1,
    explanations: Explanations = "shared",
    show_next: bool = False,
) -> SurveyWritten:
    """Write a blind sheet: for each of some users a history, and the lists of two versions side by side.

    For each history a rater says which list fits better, whose explanations are clearer, and how convincing
    each side's are (1 to 5). Files: `sheet.html`, one page that fetches nothing, works as a form on screen
    and on paper, and hands the answers over as CSV; `sheet.csv`, the same to fill in with a spreadsheet;
    `README.txt`; `key.json`, which alone says whose history a question is and which version stands left.
    With several raters each has a sheet of their own (`sheet-1.html`, ...): the same histories in another
    order, and every second one with the sides of the one before turned round.

    Asked about are users whose two lists hold different items, one case of each, drawn evenly over quarters
    by length of history; the sides are drawn so that each version stands left equally often.

    Explanations are one sentence for every item, in one form for both versions: attributes by which it gains
    over the average item, and events of the history whose removal takes most from it (measured by encoding
    the history without them). The second part needs no attributes, so that a base version has it too. With
    `explanations="shared"` only attributes that both versions have are named: against a base version none
    are, both sides are explained by the history alone, and nothing gives a version away. With "own" each
    version names all it has. That asks raters what attributes are worth in an explanation, but a rater who
    knows that just one version has attributes knows which side it is; the README then says so.

    Args:
        store: an open store.
        a, b: versions with an encoder.
        folder: new, or empty.
        cases: whom to draw from; lists follow the history of the case, what is held out is not read.
        users: how many histories, fewer only where the versions hardly differ.
        k: length of the lists.
        seed: of the draws of users, sides and orders.
        raters: how many sheets.
        explanations: see above.
        show_next: also say what came next, which asks raters another question: which list foresaw it.

    Raises:
        UsageError: a number below 1, a folder with something in it, one version twice, versions that agree
            on everybody drawn, a version without encoder.
        VersionError, EncoderError: as `Recommender.load`.
    """
    for what, number in (("users", users), ("k", k), ("raters", raters)):
        if number < 1:
            raise UsageError(f"a survey needs {what} of 1 or more, not {number}")
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(
            f"{target} is there already; give the survey a new folder, answers belong to one sheet"
        )
    versions = [Recommender.load(store, version, repeats=cases.repeats) for version in (a, b)]
    names = [str(version.embedding.ref) for version in versions]
    if names[0] == names[1]:
        raise UsageError(f"a survey holds two versions against each other, {names[0]} was given twice")
    chosen = draw(cases, users, seed, lambda some: _differ(versions, cases, some, k))
    if not len(chosen):
        raise UsageError(
            f"{names[0]} and {names[1]} give the same {k} items to everybody drawn who has {LEAST} events or "
            "more: there is nothing to ask"
        )
    item = _item_name(store, versions)
    common = common_words(versions)
    words: list[Collection[str]] = [
        common if explanations == "shared" else version.embedding.attributes for version in versions
    ]
    lists = [
        _offered(version, cases, chosen, k, allowed) for version, allowed in zip(versions, words, strict=True)
    ]
    pairs = [
        _pair(versions[0], cases, int(case), item, (first, second), show_next)
        for case, first, second in zip(chosen, *lists, strict=True)
    ]
    sheets = make_sheets(pairs, raters, seed, item)
    notes = (
        [] if len(chosen) == users else [f"only {counted(len(chosen), 'user')} drawn have lists that differ"]
    )
    attributes = [set(version.embedding.attributes) for version in versions]
    one_sided = attributes[0] != attributes[1]
    if one_sided and explanations == "shared":
        told = (
            f"only the {len(common)} attributes that both versions have are"
            if common
            else "no attributes are"
        )
        notes.append(
            f'{told} named, lest they give a version away; explanations "own" name all that each has'
        )
    elif one_sided:
        notes.append(
            "the versions name different attributes: raters who know that may guess which side is which"
        )
    for name in names:
        notes += training_warnings(store, name, cases.split)
    target.mkdir(parents=True, exist_ok=True)
    files = [file for sheet in sheets for file in _write_sheet(target, sheet)]
    _write_text(target / "README.txt", _readme(sheets, one_sided and explanations == "own"))
    write_json(
        target / KEY,
        {
            "format": 1,
            "a": {"version": names[0], "digest": versions[0].embedding.digest},
            "b": {"version": names[1], "digest": versions[1].embedding.digest},
            "split": {"kind": cases.split.kind, "digest": cases.split.digest, "part": cases.part},
            "repeats": cases.repeats,
            "k": k,
            "seed": seed,
            "explanations": explanations,
            "show_next": show_next,
            "sheets": [sheet.key() for sheet in sheets],
        },
    )
    return SurveyWritten(str(target), names[0], names[1], len(chosen), tuple(files), tuple(notes))


def _differ(versions: list[Recommender], cases: Cases, some: NDArray[np.int64], k: int) -> NDArray[np.bool_]:
    """Whether the versions offer different items; False where one of them has no list."""
    found = []
    for version in versions:
        rows, _, _ = best_rows(version, cases, some, k)
        ids = np.array(version.embedding.item_ids, object)
        found.append([frozenset(ids[line]) if line[0] >= 0 else None for line in rows])
    return np.array(
        [one is not None and other is not None and one != other for one, other in zip(*found, strict=True)]
    )


def _offered(
    version: Recommender, cases: Cases, chosen: NDArray[np.int64], k: int, words: Collection[str]
) -> list[tuple[Offer, ...]]:
    best, queries, histories = best_rows(version, cases, chosen, k)
    return [
        offers(
            version,
            cases.sequences.user_ids[cases.users[case]],
            histories[place],
            queries[place],
            best[place],
            shown=HISTORY,
            words=words,
        )
        for place, case in enumerate(chosen)
    ]


def _pair(
    version: Recommender,
    cases: Cases,
    case: int,
    item: str,
    lists: tuple[tuple[Offer, ...], tuple[Offer, ...]],
    show_next: bool,
) -> Pair:
    ids, titles = cases.sequences.item_ids, version.titles

    def title(item_id: str) -> str:
        return titles.get(item_id) or item_id

    history = cases.targets.history(cases.sequences, case)
    first, second = (
        tuple(
            Line(title(offer.item_id), sentence(offer.more, offer.less, [*map(title, offer.because)], item))
            for offer in side
        )
        for side in lists
    )
    return Pair(
        case,
        cases.sequences.user_ids[cases.users[case]],
        tuple(title(ids[code]) for code in history[-HISTORY:]),
        len(history),
        (first, second),
        title(ids[cases.wanted[case]]) if show_next else "",
    )


def _item_name(store: Store, versions: list[Recommender]) -> str:
    """What one item is called by the schema of either version."""
    for version in versions:
        try:
            return guided_schema(version.embedding.info).item
        except VersionError:
            continue
    return "item"


def _write_sheet(folder: Path, sheet: Sheet) -> list[str]:
    names = [f"{sheet.name}.html", f"{sheet.name}.csv"]
    _write_text(folder / names[0], page(sheet))
    _write_text(folder / names[1], _as_csv(sheet))
    return names


def _as_csv(sheet: Sheet) -> str:
    """The sheet for a spreadsheet; begins with a byte order mark, without which some read it as Latin-1."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("sheet", "rater", "question", "history", "left_list", "right_list", *ASKED, COMMENT))
    for question in sheet.questions:
        pair = question.pair
        start = pair.events - len(pair.history) + 1
        history = "\n".join(f"{place}. {title}" for place, title in enumerate(pair.history, start))
        if pair.next:
            history += f"\nnext: {pair.next}"
        sides = [
            "\n".join(f"{place}. {line.title}: {line.why}" for place, line in enumerate(side, 1))
            for side in question.sides
        ]
        writer.writerow((sheet.id, "", question.number, history, *sides, *("" for _ in ASKED), ""))
    return f"\ufeff{text.getvalue()}"


def _readme(sheets: tuple[Sheet, ...], told: bool) -> str:
    pages = ", ".join(f"{sheet.name}.html" for sheet in sheets)
    asked = "\n".join(f"  {name:<18}{text}" for name, text in ASKED.items())
    warning = (
        "\nExplanations name attributes that only one of the versions has: use raters who do not know that.\n"
        if told
        else ""
    )
    return f"""A blind comparison of two lists.

For raters: {pages}. Open it in a browser, answer, press "Save answers", and send the
file back. It can also be printed and filled in by hand, or the CSV file of the same name can be
filled in with a spreadsheet. Send nothing else: key.json says which side is which.
{warning}
A file of answers has a row for each question and these columns:
  sheet             the id of the sheet, as given
  rater             name or initials; the file's name where it is empty
  question          the number of the history
{asked}
  comment           may be empty; other columns are passed over
The first two take left, right or same; the ratings take 1 (not at all) to 5 (fully). A row is
filled in whole or left blank.

To evaluate: put the files into this folder as answers-NAME.csv and run
  guided-store compare A B --read-survey FOLDER
"""


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
