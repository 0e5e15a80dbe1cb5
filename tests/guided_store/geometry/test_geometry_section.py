"""The section of a comparison, and its tables."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from embeddings_by_hand import build_embedding
from judged_by_hand import build_cases, judgement

from guided_store.errors import UsageError
from guided_store.evaluation import Cases, Judgement, tables_to_csv
from guided_store.geometry import GeometrySection, geometry_section, tables
from guided_store.scoring import AttributeTable
from guided_store.versions import Embedding, parse_ref

ITEMS = 40


@pytest.fixture(scope="module")
def cases() -> Cases:
    return build_cases([[user % ITEMS, (user + 1) % ITEMS, (user + 2) % ITEMS] for user in range(120)], ITEMS)


def version(seed: int, ref: str) -> Embedding:
    return build_embedding(np.random.default_rng(seed).normal(size=(ITEMS, 5)), ref)


def lists(seed: int) -> Judgement:
    scores = np.random.default_rng(seed).normal(size=(120, ITEMS))
    return judgement(np.ones(120), np.argsort(-scores, axis=1)[:, :20])


def scores(seed: int, name: str) -> AttributeTable:
    raw = np.random.default_rng(seed).uniform(0, 10, (ITEMS, 2)).astype(np.float32)
    return AttributeTable(parse_ref(f"guided/{name}"), ("humor", "pace"), raw)


@pytest.fixture(scope="module")
def section(cases: Cases) -> GeometrySection:
    judged = {"A": [lists(0), lists(1)], "B": [lists(2)], "C": [lists(3)]}
    versions = {
        "A": [version(0, "base/a"), version(1, "base/b")],
        "B": [version(2, "refined/b")],
        "C": [version(3, "refined/c")],
    }
    attributes = {"B": scores(0, "old"), "C": scores(1, "new")}
    return geometry_section(
        judged, cases, versions, attributes=attributes, least_events=1, ks=(3, 10), replicates=50
    )


def test_every_label_is_held_against_the_first(section: GeometrySection) -> None:
    assert [(found.reference, found.label) for found in section.geometries] == [("A", "B"), ("A", "C")]
    assert section.lists is not None
    assert [(p.reference, p.label) for p in section.lists.pairs] == [("A", "B"), ("A", "C"), ("A", "A")]
    assert [(found.before, found.after) for found in section.drifts] == [("guided/old", "guided/new")]
    assert section.notes == ()


def test_tables_hold_every_part_under_titles_of_their_own(section: GeometrySection) -> None:
    made = tables(section)
    titles = [table.title for table in made]
    assert len(set(titles)) == len(titles)
    assert titles == [
        "Neighbours of items",
        "Shape of the vectors",
        "Likeness of recommendation lists",
        "Drift of attribute scores, guided/new",
        "Items whose scores moved most, guided/new",
        "Items whose neighbourhood changed most, B",
        "Items whose neighbourhood changed most, C",
        "Users whose list changed most, B",
        "Users whose list changed most, C",
    ]
    assert titles[:5] == [table.title for table in tables(section, changes=False)]
    neighbours = made[0]
    assert [row[:2] for row in neighbours.rows] == [("B", 3), ("B", 10), ("C", 3), ("C", 10)]
    assert neighbours.rows[0][2] == section.geometries[0].neighbours[0].overlap
    assert "40 items with 1 training event or more." in neighbours.note
    assert all(table.note.endswith(".") for table in made)
    assert "Likeness of recommendation lists,seeds of A,RBO," in tables_to_csv(made)
    assert all(table.to_markdown() for table in made)


def test_it_is_json(section: GeometrySection) -> None:
    told = json.loads(json.dumps(section.to_dict()))
    assert set(told) == {"geometries", "lists", "drifts", "notes"}


def test_scores_of_one_guided_version_do_not_drift(cases: Cases) -> None:
    one = scores(0, "same")
    found = geometry_section(
        {"A": [lists(0)], "B": [lists(1)]},
        cases,
        {"A": [version(0, "refined/a")], "B": [version(1, "refined/b")]},
        attributes={"A": one, "B": one},
        replicates=10,
        least_events=0,
    )
    assert found.drifts == ()
    assert "Another seed" in tables(found)[0].note


def test_what_cannot_be_compared_is_noted_and_the_rest_is_shown(cases: Cases) -> None:
    strangers = build_embedding(np.eye(3), "base/z", ["x", "y", "z"])
    other = AttributeTable(parse_ref("guided/other"), ("war",), np.ones((ITEMS, 1), np.float32))
    found = geometry_section(
        {"A": [lists(0)], "B": [lists(1)]},
        cases,
        {"A": [version(0, "base/a")], "B": [strangers]},
        attributes={"A": scores(0, "own"), "B": other},
        replicates=10,
    )
    assert found.geometries == ()
    assert found.lists is not None
    assert found.drifts == ()
    assert found.notes[0].startswith("A and B have 0 items in common")
    assert found.notes[1].startswith("B: guided/own and guided/other have no attribute in common")
    made: Mapping[str, str] = {table.title: table.note for table in tables(found)}
    assert any("A and B have 0 items in common" in note for note in made.values())


def test_one_model_has_a_shape_of_nothing_to_compare(cases: Cases) -> None:
    found = geometry_section({"A": [lists(0)]}, cases, {"A": [version(0, "base/a")]})
    assert found == GeometrySection((), None)
    assert tables(found) == []


def test_lists_and_vectors_of_other_versions_are_refused(cases: Cases) -> None:
    with pytest.raises(UsageError, match="for the same versions"):
        geometry_section({"A": [lists(0)]}, cases, {"B": [version(0, "base/a")]})
