"""The blind sheet of two real versions: what it shows, and what it must not."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.retrieval import Preferences, Recommender
from guided_store.store import Store
from guided_store.survey import write_survey
from guided_store.survey._lists import best_rows, offers
from guided_store.survey._sheet import SIDES

HOSTILE = "<script>alert('x')</script> & \"co\", The"


class Page(HTMLParser):
    """What of a page matters: tags, attributes that could fetch something, and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetches: list[str] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetches += [
            f"{name}={value}" for name, value in attrs if name in ("src", "href", "action", "data")
        ]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@pytest.fixture(scope="module")
def blind(trained: Store, cases: Cases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blind") / "new" / "survey"
    written = write_survey(
        trained, "base/small", "refined/small", folder, cases=cases, users=12, seed=4, raters=2
    )
    assert written.users == 12
    assert any("no attributes are named" in note for note in written.notes)
    assert json.loads(json.dumps(written.to_dict()))["files"] == [
        "sheet-1.html",
        "sheet-1.csv",
        "sheet-2.html",
        "sheet-2.csv",
    ]
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_nothing_that_raters_get_names_a_version_a_user_or_an_attribute(
    blind: Path, trained: Store, cases: Cases
) -> None:
    recommender = Recommender.load(trained, "refined/small")
    digests = [recommender.embedding.digest[:8], cases.split.digest[:8]]
    secret = ["base/", "refined", "guided/", "simulated-", *recommender.embedding.attributes, *digests]
    files = [*blind.glob("sheet*"), blind / "README.txt"]
    assert len(files) == 5
    for path in files:
        text = path.read_text(encoding="utf-8")
        titles = set(recommender.titles.values())
        assert not re.search(r"\bbase\b", text)
        for word in secret:
            # A film may be called "Action Jackson": only titles that are shown can explain a word.
            found = re.findall(rf"\b{re.escape(word)}", text)
            assert not found or any(word in title and title in text for title in titles), (path.name, word)
        assert "than the average film;" not in text, path.name
    key = json.loads((blind / "key.json").read_text())
    assert (key["a"]["version"], key["b"]["version"]) == ("base/small", "refined/small")


def test_the_page_fetches_nothing_and_titles_cannot_script_it(blind: Path) -> None:
    page = Page(blind / "sheet-1.html")
    assert page.fetches == []
    assert page.tags.count("script") == 1
    assert "<script>alert" not in (blind / "sheet-1.html").read_text(encoding="utf-8")
    assert not {"img", "link", "iframe", "object"} & set(page.tags)
    assert page.tags.count("section") == 12
    assert page.tags.count("input") == 1 + 12 * (3 + 3 + 5 + 5)
    assert "url(" not in (blind / "sheet-1.html").read_text(encoding="utf-8")


def test_a_hostile_title_is_text(trained: Store, cases: Cases, tmp_path: Path) -> None:
    write_survey(trained, "base/small", "refined/small", tmp_path / "s", cases=cases, users=40)
    page = Page(tmp_path / "s" / "sheet.html")
    assert HOSTILE in page.text
    assert page.tags.count("script") == 1
    assert any(HOSTILE in row["history"] for row in rows(tmp_path / "s" / "sheet.csv"))


def test_lists_are_what_the_versions_recommend_on_the_side_that_the_key_says(
    blind: Path, trained: Store, cases: Cases
) -> None:
    key = json.loads((blind / "key.json").read_text())
    versions = {side: Recommender.load(trained, key[side]["version"]) for side in "ab"}
    for sheet in key["sheets"]:
        shown = rows(blind / f"{sheet['name']}.csv")
        assert {row["sheet"] for row in shown} == {sheet["id"]}
        for row, question in zip(shown, sheet["questions"], strict=True):
            case = question["case"]
            ids = [cases.sequences.item_ids[c] for c in cases.targets.history(cases.sequences, case)]
            assert cases.sequences.user_ids[cases.users[case]] == question["user"]
            left = question["left"]
            for side, version in zip(SIDES, (left, "ab".replace(left, "")), strict=True):
                found = versions[version].recommend(items=ids, k=5)
                lines = row[f"{side}_list"].split("\n")
                for line, item in zip(lines, found, strict=True):
                    assert line.startswith(f"{item.rank}. {item.title or item.item_id}: "), line


def test_two_sheets_ask_the_same_with_sides_turned(blind: Path) -> None:
    first, second = json.loads((blind / "key.json").read_text())["sheets"]
    sides = [{q["user"]: q["left"] for q in sheet["questions"]} for sheet in (first, second)]
    assert sides[0].keys() == sides[1].keys()
    assert all(sides[0][user] != sides[1][user] for user in sides[0])
    assert list(sides[0]) != list(sides[1])


def test_own_explanations_name_attributes_and_say_that_they_may_tell(
    trained: Store, cases: Cases, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    written = write_survey(
        trained, "base/small", "refined/small", folder, cases=cases, users=6, explanations="own"
    )
    assert any("may guess" in note for note in written.notes)
    assert "use raters who do not know" in (folder / "README.txt").read_text()
    questions = json.loads((folder / "key.json").read_text())["sheets"][0]["questions"]
    for row, question in zip(rows(folder / "sheet.csv"), questions, strict=True):
        with_words = "right_list" if question["left"] == "a" else "left_list"
        without = "left_list" if question["left"] == "a" else "right_list"
        assert "than the average film" in row[with_words]
        assert "than the average" not in row[without]


def test_shared_explanations_name_only_what_both_versions_have(
    trained: Store, cases: Cases, tmp_path: Path
) -> None:
    write_survey(trained, "refined/small", "refined/calm", tmp_path / "s", cases=cases, users=25)
    text = "\n".join(row["left_list"] + row["right_list"] for row in rows(tmp_path / "s" / "sheet.csv"))
    assert "than the average film" in text
    named = set(re.findall(r"(?:More|Less|more|less) ([a-z ,]+?) than the average", text))
    assert named
    assert not any("humor" in words for words in named)


def test_reasons_are_what_the_arithmetic_says(trained: Store, cases: Cases) -> None:
    version = Recommender.load(trained, "refined/small")
    embedding = version.embedding
    chosen = np.arange(5)
    best, queries, histories = best_rows(version, cases, chosen, 4)
    mean = embedding.vectors.mean(axis=0)
    named = 0
    for place in range(5):
        history, query = histories[place], queries[place]
        found = offers(version, "nobody", history, query, best[place], shown=10, words=embedding.attributes)
        for row, offer in zip(best[place], found, strict=True):
            apart = embedding.vectors[row] - mean
            for name in (*offer.more, *offer.less):
                column = embedding.attributes.index(name)
                assert query[column] * apart[column] > 0
                assert (apart[column] > 0) == (name in offer.more)
            for item in offer.because:
                named += 1
                event = int(np.flatnonzero(history == embedding.item_index[item])[-1])
                without = version.queries([np.delete(history, event)], Preferences(), [None])[0]
                assert (query - without) @ apart > 0
    assert named > 10


def test_what_came_next_is_told_only_on_request(trained: Store, cases: Cases, tmp_path: Path) -> None:
    for show in (False, True):
        folder = tmp_path / str(show)
        write_survey(trained, "base/small", "refined/small", folder, cases=cases, users=3, show_next=show)
        assert ("What came next" in (folder / "sheet.html").read_text(encoding="utf-8")) is show
        assert ("next: " in rows(folder / "sheet.csv")[0]["history"]) is show


@pytest.mark.parametrize(
    ("versions", "options", "sentence"),
    [
        (("base/small", "base/small"), {}, "base/small was given twice"),
        (("base/small", "refined/small"), {"users": 0}, "users of 1 or more"),
        (("base/small", "refined/small"), {"k": 0}, "k of 1 or more"),
        (("base/small", "refined/small"), {"raters": 0}, "raters of 1 or more"),
        (("base/small", "refined/small"), {"k": 100_000}, "nothing to ask"),
        (("base/small", "guided/films"), {}, "has no encoder"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_nothing_written(
    trained: Store,
    cases: Cases,
    tmp_path: Path,
    versions: tuple[str, str],
    options: dict[str, int],
    sentence: str,
) -> None:
    with pytest.raises(UsageError, match=sentence):
        write_survey(trained, *versions, tmp_path / "s", cases=cases, **options)  # type: ignore[arg-type]
    assert not (tmp_path / "s").exists()


def test_a_folder_with_something_in_it_is_left_alone(trained: Store, cases: Cases, tmp_path: Path) -> None:
    (tmp_path / "answers-ann.csv").write_text("precious")
    with pytest.raises(UsageError, match="is there already"):
        write_survey(trained, "base/small", "refined/small", tmp_path, cases=cases)
    assert [path.name for path in tmp_path.iterdir()] == ["answers-ann.csv"]


def test_the_same_seed_writes_the_same_sheet(trained: Store, cases: Cases, tmp_path: Path) -> None:
    texts = []
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        write_survey(trained, "base/small", "refined/small", tmp_path / name, cases=cases, users=5, seed=seed)
        texts.append((tmp_path / name / "sheet.html").read_bytes())
    assert texts[0] == texts[1] != texts[2]
