"""Remarks on schemas that are valid but poor."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from guided_store.attributes import Attribute, AttributeSchema, check_schema, load_schema, schema_from_dict
from guided_store.data import films
from guided_store.errors import UsageError


def schema(*attributes: Attribute) -> AttributeSchema:
    filler = tuple(Attribute(f"filler{i}", f"none {i}", f"much {i}") for i in range(8 - len(attributes)))
    return AttributeSchema("demo", 1, "film", (0, 10), attributes + filler)


def kinds(remarks: list[object]) -> list[tuple[str, str]]:
    return [(remark.attribute, remark.kind) for remark in remarks]  # type: ignore[attr-defined]


def test_the_bundled_pack_has_nothing_to_remark() -> None:
    assert check_schema(load_schema("films"), films().scores) == []


def test_words() -> None:
    checked = schema(
        Attribute("humor", "none", "None"),
        Attribute("wit", "dull", "sharp"),
        Attribute("edge", "Dull", "sharp "),
        Attribute("renown", "unknown", "famous everywhere"),
        Attribute("acclaim", "panned", "acclaimed", hindsight=True),
    )
    assert kinds(check_schema(checked)) == [
        ("humor", "same-ends"),
        ("edge", "same-description"),
        ("renown", "hindsight"),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("humor", "humour"),
        ("puzzle", "puzzles"),
        ("story", "stories"),
        ("box", "boxes"),
        ("scary", "scariness"),
        ("home_use", "use_home"),
        ("color_fastness", "colour_fast"),
        ("stylised", "stylized"),
        ("favorite", "favourites"),
    ],
)
def test_names_that_are_one_word(first: str, second: str) -> None:
    checked = schema(Attribute(first, "a", "b"), Attribute(second, "c", "d"))
    (remark,) = check_schema(checked)
    assert (remark.attribute, remark.kind) == (second, "same-name")
    assert remark.message == f"{second}: the same word as {first}, written otherwise"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("local_multiplayer", "online_multiplayer"),
        ("business", "busy"),
        ("fit", "fitness"),
        ("hour", "hours_or"),
        ("news", "new"),
        ("four", "for_"),
        ("bias", "bia"),
    ],
)
def test_names_that_only_look_alike(first: str, second: str) -> None:
    assert check_schema(schema(Attribute(first, "a", "b"), Attribute(second, "c", "d"))) == []


def test_ends_that_are_swapped() -> None:
    checked = schema(
        Attribute("calm", "frantic", "nothing happens"),
        Attribute("action", "Nothing happens!", "frantic"),
        Attribute("pace", "nothing happens", "breakneck"),
    )
    assert kinds(check_schema(checked)) == [("action", "reversed")]
    assert check_schema(checked)[0].message == "action: calm turned round, its ends are swapped"


def test_ends_without_letters_stay_apart() -> None:
    checked = schema(Attribute("sad", ":)", ":("), Attribute("dear", "-", "$$$"))
    assert check_schema(checked) == []


def test_number_of_attributes() -> None:
    few = AttributeSchema("demo", 1, "film", (0, 10), (Attribute("humor", "none", "much"),))
    many = AttributeSchema(
        "m", 1, "x", (0, 1), tuple(Attribute(f"a{i}", f"l{i}", f"h{i}") for i in range(41))
    )
    assert "1 attributes are few" in check_schema(few)[0].message
    assert "41 attributes are many" in check_schema(many)[0].message


def test_scores_show_constants_and_synonyms() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 11, (200, 8)).astype(float)
    scores[:, 1] = 10 - scores[:, 0]
    scores[:, 2] = 4
    scores[:, 3] = np.nan
    scores[:, 4] = 0
    scores[:3, 4] = 9
    scores[5, 0] = np.nan
    remarks = check_schema(schema(), scores)
    assert kinds(remarks) == [
        ("filler2", "constant"),
        ("filler3", "constant"),
        ("filler4", "nearly-constant"),
        ("filler1", "synonyms"),
    ]
    assert remarks[0].message == "filler2: every score is 4, so it tells no item from another"
    assert "there is no score" in remarks[1].message
    assert "98% of scores are 0" in remarks[2].message
    assert "r = -1.00" in remarks[3].message


def test_scores_of_another_width_are_refused() -> None:
    with pytest.raises(UsageError, match=r"shape \(3, 5\) do not fit the schema's 8"):
        check_schema(schema(), np.zeros((3, 5)))


def test_attributes_that_follow_popularity() -> None:
    rng = np.random.default_rng(1)
    popularity = rng.lognormal(3, 2, 300)
    ranks = popularity.argsort().argsort()
    scores = rng.integers(0, 11, (300, 8)).astype(float)
    scores[:, 0] = np.round(ranks / 30)
    scores[:, 1] = 10 - np.round(ranks / 30)
    scores[:, 2] = np.round(ranks / 30 + 1)
    marked = schema(
        Attribute("trust", "a", "b"),
        Attribute("rarity", "c", "d"),
        Attribute("fame", "e", "f", hindsight=True),
    )
    scores[:, 2] += rng.integers(-2, 3, 300)  # else a synonym of the first
    scores[:, 1] += rng.integers(-2, 3, 300)
    scores[7, 0] = np.nan
    remarks = check_schema(marked, scores, popularity=popularity)
    assert kinds(remarks) == [("trust", "follows-popularity"), ("rarity", "follows-popularity")]
    assert "Spearman 1.00 on 299 items" in remarks[0].message
    assert "Spearman -0.9" in remarks[1].message
    # What is not known of an item does not count, and few items prove nothing.
    few = np.where(np.arange(300) < 19, popularity, np.nan)
    assert check_schema(marked, scores, popularity=few) == []
    # A transformation that keeps the order changes no rank.
    assert check_schema(marked, scores, popularity=np.log(popularity)) == remarks


def test_ties_share_their_rank() -> None:
    scores = np.zeros((40, 8))
    scores[:] = np.arange(40)[:, None] % np.arange(2, 10)
    popularity = np.repeat([0, 1], 20)
    scores[:, 0] = popularity
    remarks = check_schema(schema(), scores, popularity=popularity)
    assert ("filler0", "follows-popularity") in kinds(remarks)
    from scipy.stats import spearmanr

    from guided_store.attributes._measures import rank_correlation

    for column in scores.T:
        expected = spearmanr(column, popularity).statistic
        assert rank_correlation(column, popularity.astype(float))[0] == pytest.approx(expected)


def test_attributes_that_two_scorings_disagree_on() -> None:
    rng = np.random.default_rng(2)
    first = rng.integers(0, 11, (200, 8)).astype(float)
    second = first + rng.integers(-1, 2, first.shape)
    second[:, 3] = rng.integers(0, 11, 200)
    first[:, 5] = second[:, 5] = 4  # agree, though on nothing: constant, not unreliable
    first[0, 3] = np.nan
    remarks = check_schema(schema(), first, second=second)
    assert kinds(remarks) == [("filler5", "constant"), ("filler3", "unreliable")]
    apart = np.nanmean(abs(first - second)[:, 3])
    assert "two scorings of 199 items agree little (r = " in remarks[1].message
    assert f"{apart:.1f} points apart" in remarks[1].message
    sparse = np.where(np.arange(200)[:, None] < 19, second, np.nan)
    assert kinds(check_schema(schema(), first, second=sparse)) == [("filler5", "constant")]


def test_what_does_not_belong_to_the_scores_is_refused() -> None:
    scores = np.zeros((3, 8))
    with pytest.raises(UsageError, match="give the scores too"):
        check_schema(schema(), popularity=np.zeros(3))
    with pytest.raises(UsageError, match=r"popularity has the shape \(4,\), the scores have 3 items"):
        check_schema(schema(), scores, popularity=np.zeros(4))
    with pytest.raises(UsageError, match="second scoring has the shape"):
        check_schema(schema(), scores, second=np.zeros((4, 8)))
    with pytest.raises(UsageError, match=r"shape \(3, 7\) do not fit"):
        check_schema(schema(), scores, second=np.zeros((3, 7)))


def test_the_second_scoring_of_films_is_reliable(datasets: Path) -> None:
    bundled = films()
    path = datasets / "films" / "scores-second-run.csv"
    again = bundled.scores.astype(float) + np.random.default_rng(0).normal(0, 0.5, bundled.scores.shape)
    if path.is_file():
        again = np.full(bundled.scores.shape, np.nan)
        rows = {item: row for row, item in enumerate(bundled.ids)}
        with path.open(encoding="utf-8", newline="") as file:
            for line in csv.DictReader(file):
                again[rows[line["item_id"]]] = [float(line[name]) for name in bundled.schema.names]
    assert check_schema(bundled.schema, bundled.scores, second=again) == []


def test_popularity_of_films_is_found_out(datasets: Path) -> None:
    bundled = films()
    fame = bundled.scores[:, bundled.schema.names.index("mainstream_popularity")].astype(float)
    counts = fame + np.random.default_rng(0).normal(0, 1, len(fame))
    path = datasets / "ml-1m" / "interactions.parquet"
    if path.is_file():
        import pyarrow.parquet as pq

        found = pq.read_table(path, columns=["item_id"]).column("item_id").value_counts()
        held = {str(pair["values"]): pair["counts"] for pair in found.to_pylist()}
        counts = np.array([held.get(item, np.nan) for item in bundled.ids], float)
    assert check_schema(bundled.schema, bundled.scores, popularity=counts) == []
    content = bundled.schema.to_dict()
    for attribute in content["attribute"]:  # type: ignore[attr-defined]
        attribute.pop("hindsight", None)
    remarks = check_schema(schema_from_dict(content), bundled.scores, popularity=counts)
    follows = [remark for remark in remarks if remark.kind == "follows-popularity"]
    assert [remark.attribute for remark in follows] == ["mainstream_popularity"]
