"""AUC against a library, and tags of people against scores."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from guided_store.data import films
from guided_store.errors import DataError, UsageError
from guided_store.interpretation import TagWords, auc, load_tag_words, read_tags, tag_agreement
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref

SCORES = st.lists(st.integers(0, 10), min_size=2, max_size=40)


@settings(deadline=None)
@given(SCORES, SCORES)
def test_the_area_is_that_of_a_library(positive: list[int], negative: list[int]) -> None:
    found = auc(np.array(positive, float), np.array(negative, float))
    truth = [1] * len(positive) + [0] * len(negative)
    assert found.value == pytest.approx(roc_auc_score(truth, positive + negative))
    if not np.isnan(found.low):
        assert 0 < found.low <= found.value <= found.high < 1


@settings(max_examples=50, deadline=None)
@given(SCORES, SCORES)
def test_the_variance_is_that_of_delong(positive: list[int], negative: list[int]) -> None:
    """Placements pair by pair; the width on the logit scale is z sqrt(V) / (A (1 - A)) each way."""
    x, y = np.array(positive, float)[:, None], np.array(negative, float)[None, :]
    kernel = (x > y) + 0.5 * (x == y)
    variance = kernel.mean(axis=1).var(ddof=1) / len(positive) + kernel.mean(axis=0).var(ddof=1) / len(
        negative
    )
    found = auc(x[:, 0], y[0])
    if np.isnan(found.low):
        assert found.value in (0, 1) or variance == pytest.approx(0, abs=1e-12)
        return
    logit = np.log([found.low / (1 - found.low), found.high / (1 - found.high)])
    half = 1.959964 * np.sqrt(variance) / (found.value * (1 - found.value))
    assert np.diff(logit)[0] == pytest.approx(2 * half, rel=1e-4)


def test_the_interval_covers() -> None:
    random = np.random.default_rng(0)
    true = 0.7602  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    inside = 0
    for _ in range(400):
        found = auc(random.normal(1, 1, 20), random.normal(0, 1, 60))
        inside += found.low <= true <= found.high
    assert 0.91 < inside / 400 < 0.98


def test_groups_apart_leave_no_interval() -> None:
    found = auc(np.array([5.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert (found.value, found.positives, found.negatives) == (1, 2, 3)
    assert found.interval is None
    assert found.to_dict()["low"] is None
    with pytest.raises(UsageError, match="2 items of each kind"):
        auc(np.array([5.0]), np.array([1.0, 2.0]))


def write(path: Path, rows: list[tuple[str, str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("userId", "movieId", "tag", "timestamp"))
        writer.writerows((*row, 0) for row in rows)
    return path


def film_table() -> AttributeTable:
    bundled = films()
    return AttributeTable(parse_ref("guided/films"), bundled.schema.names, np.array(bundled.scores))


def test_people_and_scores_agree(datasets: Path, tmp_path: Path) -> None:
    """On MovieLens's tags where they are, else on tags that follow the scores."""
    table = film_table()
    path = datasets / "ml-latest-small" / "tags.csv"
    if not path.exists():
        humor = table.raw[:, table.names.index("humor")]
        rows = [("1", item, "Funny") for item, much in zip(films().ids, humor, strict=True) if much >= 8]
        rows += [("2", item, "seen") for item in films().ids[::3]]
        path = write(tmp_path / "tags.csv", rows)
    found = tag_agreement(table, read_tags(path, films().ids), load_tag_words("films"))
    judged = {(one.attribute, one.end): one for one in found.attributes}
    assert judged["humor", "much"].auc.value > 0.8
    values = [one.auc.value for one in found.attributes]
    assert values == sorted(values, reverse=True)
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.table().to_markdown().count("\n") > len(values)

    # The same tags on other films say nothing.
    strangers = AttributeTable(table.source, table.names, np.random.default_rng(0).permutation(table.raw))
    shuffled = tag_agreement(strangers, read_tags(path, films().ids), load_tag_words("films"))
    chance = {(one.attribute, one.end): one.auc for one in shuffled.attributes}
    assert chance["humor", "much"].low < 0.5 < chance["humor", "much"].high


def test_who_counts_on_which_side(tmp_path: Path) -> None:
    """Much, little, both, neither, never scored, never tagged."""
    ids = [f"i{number}" for number in range(9)]
    raw = np.array([[9], [8], [2], [1], [5], [np.nan], [10], [4], [7]], np.float32)
    table = AttributeTable(parse_ref("guided/x"), ("pace",), raw)
    rows = [
        ("1", "i0", "Fast-Paced"),
        ("2", "i1", "fast  paced"),
        ("2", "i2", "slow"),
        ("3", "i3", "slow"),
        ("3", "i4", "fast paced"),
        ("3", "i4", "slow"),  # both ends
        ("3", "i5", "fast paced"),  # never scored
        ("1", "i7", "seen"),
        ("1", "elsewhere", "slow"),
    ]
    tags = read_tags(write(tmp_path / "tags.csv", rows), ids)
    words = {"pace": TagWords(much=("fast paced",), little=("slow",)), "unknown": TagWords(much=("x",))}
    found = tag_agreement(table, tags, words, least=2)
    much, little = sorted(found.attributes, key=lambda one: one.end, reverse=True)
    assert (much.auc.positives, much.auc.negatives, much.people) == (2, 3, 2)
    assert (little.auc.positives, little.auc.negatives) == (2, 3)
    assert much.auc.value == little.auc.value == 1
    assert (found.items, found.tags, found.left_out) == (6, 8, 1)
    assert "pace (little)" in found.table().to_csv()
    few = tag_agreement(table, tags, words)
    assert few.few == {"pace": 2, "pace (little)": 2}
    assert not few.attributes
    with pytest.raises(UsageError, match="none of the attributes"):
        tag_agreement(table, tags, {"unknown": TagWords(much=("x",))})


def test_bundled_words_are_for_attributes_of_the_schema() -> None:
    words = load_tag_words("films")
    assert set(words) <= set(films().schema.names)
    assert "sci fi" in words["science_fiction"].much  # hyphens and blanks are one


@pytest.mark.parametrize(
    "text, said",
    [
        ("[humor", "not TOML"),
        ("[humor]\n", "must be a table"),
        ("[humor]\nmany = ['a']", "must be a table"),
        ("[humor]\nmuch = 'funny'", "list of tags"),
        ("[humor]\nmuch = ['dry']\nlittle = ['Dry']", "both much and little"),
    ],
)
def test_words_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "words.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        load_tag_words(path)
    with pytest.raises(UsageError, match="no file"):
        load_tag_words(tmp_path / "none.toml")


def test_tags_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "tags.csv"
    path.write_text("userId,movieId\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"tags.csv, line 1: there is no column tag"):
        read_tags(path, ["2"])
    path.write_text("userId,movieId,tag\n1,2,a\n1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"tags.csv, line 3"):
        read_tags(path, ["2"])
    path.write_bytes(b"userId,movieId,tag\n1,2,\xff\n")
    with pytest.raises(DataError, match="UTF-8"):
        read_tags(path, ["2"])
    with pytest.raises(DataError, match="no tag of any of the 1 items"):
        read_tags(write(path, [("1", "3", "funny")]), ["2"])
    with pytest.raises(UsageError, match="no file"):
        read_tags(tmp_path / "none.csv", ["2"])
