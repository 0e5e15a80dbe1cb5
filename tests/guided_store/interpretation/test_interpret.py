"""The whole section: models and recipes, with and without attributes, as JSON and as tables."""

from __future__ import annotations

import json

import pytest

from cli._compare_interpretation import show_interpretation
from guided_store.errors import UsageError
from guided_store.evaluation import Cases
from guided_store.interpretation import Interpretations, interpret, interpret_versions, tables
from guided_store.store import Store


@pytest.fixture(scope="module")
def section(store: Store, cases: Cases) -> Interpretations:
    versions = {"base/base": ["base/base"], "refined": ["refined/s1", "refined/s2"], "full": ["refined/full"]}
    return interpret_versions(store, versions, cases, sample=50)


def test_every_version_is_looked_at(section: Interpretations) -> None:
    assert [one.version for found in section.versions.values() for one in found] == [
        "base/base",
        "refined/s1",
        "refined/s2",
        "refined/full",
    ]
    assert list(section.stability) == ["refined"]
    content = json.loads(json.dumps(section.to_dict(), allow_nan=False))
    assert set(content) == {"versions", "stability", "notes"}
    assert content["versions"]["refined"][0]["sparsity"]["attributes"] == 24


def test_a_version_without_attributes_is_all_latent(section: Interpretations) -> None:
    found = section.versions["base/base"][0]
    assert found.sparsity is None
    assert found.faithfulness is None
    assert found.variance[0].parts["attributes"].value == 0
    assert found.variance[0].quartiles is None
    assert "base/base has no attributes" in found.notes[0]


def test_a_recipe_sees_the_cases_that_a_model_sees(
    section: Interpretations, store: Store, cases: Cases
) -> None:
    alone = interpret(store, "refined/s1", cases, sample=50)
    assert alone.to_dict() == section.versions["refined"][0].to_dict()


def test_tables_fit_a_terminal(section: Interpretations, capsys: pytest.CaptureFixture[str]) -> None:
    titles = [table.title for table in tables(section)]
    assert len(titles) == len(set(titles)) == 7
    show_interpretation(section)
    shown = capsys.readouterr().out
    for line in shown.splitlines():
        if not line.endswith(".") and ". " not in line:  # notes are folded by the terminal
            assert len(line) <= 80, line
    assert "The 6 of each version that carry most" in shown
    attributes = next(table for table in tables(section) if table.title.startswith("Attributes"))
    assert len(attributes.rows) == 3 * 24
    assert sum(row[2] for row in attributes.rows[:24]) == pytest.approx(
        section.versions["refined"][0].variance[0].parts["attributes"].value
    )


def test_one_version_has_the_same_tables(store: Store, cases: Cases) -> None:
    alone = interpret(store, "refined/full", cases, sample=20, pairs=5)
    assert alone.faithfulness is not None
    assert alone.faithfulness.pairs == 5
    assert [table.title for table in tables(alone)][-1] == "Faithfulness of explanations, refined/full"


def test_more_seeds_than_are_looked_at(store: Store, cases: Cases) -> None:
    found = interpret_versions(store, {"r": ["refined/s1"] * 4}, cases, sample=5, pairs=2)
    assert len(found.versions["r"]) == 3
    assert found.notes == ("of the 4 versions of r the first 3 are looked at",)


def test_wrong_requests(store: Store, cases: Cases) -> None:
    for name in ("sample", "pairs", "k"):
        with pytest.raises(UsageError, match=f"{name} must be 1 or more"):
            interpret(store, "refined/s1", cases, **{name: 0})
    with pytest.raises(UsageError, match="points"):
        interpret(store, "refined/s1", cases, points=float("nan"))
    with pytest.raises(UsageError, match="no version"):
        interpret_versions(store, {"r": []}, cases)
    with pytest.raises(UsageError, match="has no encoder"):
        interpret(store, "guided/films", cases)
