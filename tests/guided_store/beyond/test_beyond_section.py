"""The section as a whole: figures by hand, pairs, seeds, undefined cases, errors, tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cli._compare_beyond import ATTRIBUTES, show_beyond
from guided_store.beyond import (
    MEASURES,
    beyond_accuracy,
    coverage,
    make_categories,
    novelty,
    tables,
    train_users,
)
from guided_store.errors import UsageError
from guided_store.evaluation import Cases, Judgement, bootstrap_intervals

N_ITEMS = 40


@pytest.fixture(scope="module")
def cases(make_cases: Callable[..., Cases]) -> Cases:
    """120 users, two cases each, items of falling appeal."""
    random = np.random.default_rng(0)
    appeal = np.log(1 / np.arange(1, N_ITEMS + 1))
    histories = [
        np.argsort(random.gumbel(size=N_ITEMS) + appeal)[-int(random.integers(5, 12)) :].tolist()
        for _ in range(120)
    ]
    return make_cases(histories, N_ITEMS, tests=2)


def drawn(cases: Cases, slope: float, seed: int, k: int = 12) -> Judgement:
    """Lists that follow the appeal by `slope`."""
    random = np.random.default_rng(seed)
    appeal = -slope * np.log(np.arange(1, N_ITEMS + 1))
    items = np.argsort(-(random.gumbel(size=(len(cases), N_ITEMS)) + appeal), axis=1)[:, :k].astype(np.int32)
    return Judgement(f"m{seed}", np.ones(len(cases)), items, np.zeros(items.shape, np.float32))


@pytest.fixture(scope="module")
def table(make_table: Any) -> Any:
    return make_table(np.random.default_rng(1).uniform(0, 10, (N_ITEMS, 10)))


def test_all_measures_of_two_models(cases: Cases, table: Any) -> None:
    categories = make_categories("genres", ["A", "B|C", "C", "D"] * 10)
    judged = {"flat": [drawn(cases, 0.3, 1)], "steep": [drawn(cases, 1.5, 2)]}
    found = beyond_accuracy(judged, cases, attributes=table, categories=categories)
    assert list(found.measures) == list(MEASURES)
    assert (found.users, found.cases, found.catalogue) == (120, 240, N_ITEMS)
    for one in found.measures.values():
        change = one.differences["steep"]
        assert change.value == pytest.approx(one.values["steep"].value - one.values["flat"].value)
        for estimate in (*one.values.values(), change):
            assert estimate.interval[0] <= estimate.value <= estimate.interval[1]
    verdicts = {name: one.verdict("steep") for name, one in found.measures.items()}
    assert verdicts["gini"] == verdicts["personalisation"] == "worse"
    assert (verdicts["novelty"], verdicts["popularity"]) == ("lower", "higher")
    assert verdicts["unexpectedness"] == "lower"
    assert list(found.profile) == list(table.names)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["measures"]["gini"]["differences"]["steep"]["verdict"] == "worse"


def test_means_and_intervals_are_those_of_the_rooms_below(cases: Cases) -> None:
    one = drawn(cases, 0.5, 3)
    found = beyond_accuracy({"a": [one]}, cases, k=5)
    values = novelty(one.items[:, :5], *train_users(cases))
    estimate = found.measures["novelty"].values["a"]
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.interval == pytest.approx(bootstrap_intervals(cases.users, {"n": values})["n"])
    whole = coverage(one.items[:, :5], N_ITEMS, cases.users)
    assert found.measures["coverage"].values["a"].value == whole.value
    assert list(found.measures) == list(MEASURES)[:8]
    assert any("no attribute scores" in note for note in found.notes)


def test_a_version_against_itself_differs_in_nothing(cases: Cases, table: Any) -> None:
    one = drawn(cases, 1, 4)
    found = beyond_accuracy({"a": [one], "b": [one]}, cases, attributes=table)
    for measured in (*found.measures.values(), *found.profile.values()):
        assert measured.differences["b"].value == pytest.approx(0, abs=0)
        assert measured.differences["b"].interval == pytest.approx((0, 0), abs=0)
        assert measured.verdict("b") == "not sure"


def test_the_order_of_users_and_names_does_not_matter(cases: Cases, table: Any) -> None:
    a, b = drawn(cases, 0.3, 1), drawn(cases, 1.5, 2)
    there = beyond_accuracy({"a": [a], "b": [b]}, cases, attributes=table)
    back = beyond_accuracy({"b": [b], "a": [a]}, cases, attributes=table)
    for name, one in there.measures.items():
        other = back.measures[name].differences["a"]
        change = one.differences["b"]
        assert change.value == pytest.approx(-other.value)
        assert change.interval == pytest.approx((-other.interval[1], -other.interval[0]))


def test_seeds_are_averaged_and_their_spread_counts(cases: Cases) -> None:
    runs = [drawn(cases, slope, seed) for seed, slope in enumerate((0.6, 1.0, 1.4))]
    found = beyond_accuracy({"a": runs, "b": runs[::-1]}, cases)
    alone = beyond_accuracy({"one": [runs[1]]}, cases)
    for name, one in found.measures.items():
        estimate = one.values["a"]
        assert estimate.value == pytest.approx(np.mean(estimate.seeds))
        assert len(estimate.seeds) == 3
        assert estimate.seeds == pytest.approx(one.values["b"].seeds[::-1])
        assert one.differences["b"].value == pytest.approx(0)
        # Equal recipes, but another seed of them might lie elsewhere; all lists together show every item.
        low, high = one.differences["b"].interval
        assert low < 0 < high or name == "coverage"
        assert one.verdict("b") == "not sure"
        if name in ("gini", "novelty", "popularity"):
            single = alone.measures[name].values["one"].interval
            assert estimate.interval[1] - estimate.interval[0] > 2 * (single[1] - single[0])


def test_recipes_that_are_one_recipe_are_seldom_told_apart(cases: Cases) -> None:
    """40 pairs of recipes of two seeds whose slopes scatter alike: 5 % intervals leave out 0 in a few."""
    random = np.random.default_rng(11)
    told = 0
    for pair in range(40):
        slopes = random.normal(1, 0.15, 4)
        runs = [drawn(cases, slope, 4 * pair + place) for place, slope in enumerate(slopes)]
        found = beyond_accuracy({"a": runs[:2], "b": runs[2:]}, cases, replicates=100)
        told += found.measures["novelty"].differences["b"].sure
    assert told <= 6


def test_cases_that_are_not_defined_under_every_version_are_left_out(
    make_cases: Any, make_judgement: Any, make_table: Any
) -> None:
    cases = make_cases([[0, 1, 2], [1, 0, 3], [2, 0, 1]], 4)
    raw = make_table([[1, 2], [3, 4], [np.nan, np.nan], [0, 9]])
    judged = {
        "a": [make_judgement([[3, 2], [2, 0], [3, 0]])],
        "b": [make_judgement([[3, 0], [3, 1], [3, -1]])],
    }
    found = beyond_accuracy(judged, cases, attributes=raw, k=2)
    # Only under `b`, user 0 has two scored items; under neither is anything left with two for user 2.
    assert "diversity" not in found.measures
    assert any("diversity" in note for note in found.notes)
    assert found.measures["miscalibration"].cases == 3
    assert found.measures["novelty"].cases == 3
    nothing = {"a": [make_judgement([[-1, -1]] * 3)]}
    empty = beyond_accuracy(nothing, cases, k=2)
    assert set(empty.measures) == {"coverage", "serendipity"}
    json.dumps(empty.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("good", "value", "reference", "sure", "verdict"),
    [
        ("high", 0.5, 0.4, True, "better"),
        ("low", 0.5, 0.4, True, "worse"),
        ("depends", 0.3, 0.4, True, "lower"),
        ("near 0", -0.1, -0.4, True, "closer"),
        ("near 0", 0.4, 0.1, True, "further"),
        ("near 0", 0.4, -0.1, True, "higher"),
        ("high", 0.5, 0.4, False, "not sure"),
    ],
)
def test_verdicts(good: Any, value: float, reference: float, sure: bool, verdict: str) -> None:
    from guided_store.beyond import Estimate, Measure, Measured

    change = value - reference
    interval = (change - 0.01, change + 0.01) if sure else (-1.0, 1.0)
    values = {"a": Estimate(reference, (0, 1)), "b": Estimate(value, (0, 1))}
    one = Measured(Measure("m", "m", good, ""), 9, values, {"b": Estimate(change, interval)})
    assert one.verdict("b") == verdict


def test_what_cannot_be_asked_is_one_sentence(cases: Cases, table: Any, make_judgement: Any) -> None:
    one = drawn(cases, 1, 4)
    with pytest.raises(UsageError, match="nothing to compare"):
        beyond_accuracy({}, cases)
    with pytest.raises(UsageError, match="nothing to compare"):
        beyond_accuracy({"a": []}, cases)
    with pytest.raises(UsageError, match="1 item or more, not 0"):
        beyond_accuracy({"a": [one]}, cases, k=0)
    with pytest.raises(UsageError, match="hold 12 items, fewer than the 20 asked for"):
        beyond_accuracy({"a": [one]}, cases, k=20)
    with pytest.raises(UsageError, match="judged on 1 cases, not the 240"):
        beyond_accuracy({"a": [make_judgement([list(range(12))])]}, cases)
    with pytest.raises(UsageError, match="level between 0 and 1"):
        beyond_accuracy({"a": [one]}, cases, level=95)
    with pytest.raises(UsageError, match="categories are of 2 items, the split of 40"):
        beyond_accuracy({"a": [one]}, cases, categories=make_categories("genres", ["A", "B"]))


def test_tables_of_three_versions(cases: Cases, table: Any) -> None:
    judged = {
        "base/x": [drawn(cases, 0.3, 1)],
        "reads": [drawn(cases, 1, 2)],
        "refined/z": [drawn(cases, 1.5, 3), drawn(cases, 1.4, 4)],
    }
    section = beyond_accuracy(judged, cases, attributes=table)
    found = tables(section)
    assert len({one.title for one in found}) == len(found) == 6
    pair = found[0]
    assert pair.columns[:3] == ("measure", "base/x", "version reads")
    gini: Any = next(row for row in pair.rows if row[0] == MEASURES["gini"].title)
    assert gini[3] == pytest.approx(gini[2] - gini[1])
    profile: Any = found[3]
    moved = [abs(row[3]) for row in profile.rows]
    assert moved == sorted(moved, reverse=True)
    levels = found[-2]
    assert len(levels.rows) == 3 * len(section.measures)
    assert levels.columns[-1] == "lowest and highest seed"
    assert "users and seeds" in pair.note
    for one in found:
        assert one.to_markdown().startswith("### ")


def test_on_a_terminal_of_80_columns(
    cases: Cases, table: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    judged = {"base/base-s1": [drawn(cases, 0.3, 1)], "refined/refined": [drawn(cases, 1, 2)]}
    show_beyond(beyond_accuracy(judged, cases, attributes=table))
    lines = capsys.readouterr().out.splitlines()
    # A measure a line: nothing is folded.
    for one in MEASURES.values():
        if one.name != "divergence":
            assert sum(line.startswith(f"{one.title}  ") for line in lines) == 2
    assert sum(line.startswith("a") and line[1:2].isdigit() for line in lines) == ATTRIBUTES
    assert any("The 8 of 10 that moved most" in line for line in lines)
