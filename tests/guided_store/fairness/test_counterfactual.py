from __future__ import annotations

import json

import numpy as np
import pytest

from guided_store.encoders import load_scorer
from guided_store.errors import UsageError
from guided_store.evaluation import Cases, judge
from guided_store.fairness import counterfactual, counterfactual_tables, make_grouping
from guided_store.fairness._counterfactual import _Weighed
from guided_store.retrieval import Recommender
from guided_store.store import Store
from guided_store.versions import load_embedding


@pytest.fixture(scope="module")
def section(ring, ring_cases):
    group = make_grouping("half", ["east" if n < 15 else "west" for n in range(30)])
    return counterfactual(ring, "refined/small", ring_cases, k=5, item_groups={"half": group}, replicates=100)


def test_with_all_attributes_the_ranks_are_those_of_the_version(ring: Store, ring_cases: Cases, section):
    scorer, _ = load_scorer(ring, "refined/small", ring_cases.split)
    whole = judge(scorer, ring_cases, 5)
    made = _Weighed.made(ring, load_embedding(ring, "refined/small"), ring_cases)
    again = judge(made, ring_cases, 5)
    assert np.array_equal(whole.ranks, again.ranks)
    assert np.array_equal(whole.items, again.items)
    found = np.where(whole.ranks <= 5, 1 / np.log2(1 + whole.ranks), 0).mean()
    assert section.ndcg == pytest.approx(found)


@pytest.mark.parametrize("attribute", ["east", "odd"])
def test_without_an_attribute_lists_are_those_of_weight_zero(ring, ring_cases, attribute):
    embedding = load_embedding(ring, "refined/small")
    made = _Weighed.made(ring, embedding, ring_cases)
    without = judge(made.without(embedding.attributes.index(attribute)), ring_cases, 5)
    recommender = Recommender.load(ring, "refined/small", repeats="allow")
    ids = ring_cases.sequences.item_ids
    for case in range(0, len(ring_cases), 30):
        history = ring_cases.targets.history(ring_cases.sequences, case)
        found = recommender.recommend(items=[ids[code] for code in history], k=5, weights={attribute: 0})
        assert [row.item_id for row in found] == [ids[code] for code in without.items[case]]


def test_what_matters_to_the_walk_changes_lists_more_than_what_does_not(section):
    overlap = {row.attribute: row.overlap for row in section.rows}
    assert overlap.keys() == {"east", "north", "odd"}
    assert [row.overlap for row in section.rows] == sorted(overlap.values())
    assert all(0 <= value <= 1 for value in overlap.values())
    assert min(overlap["east"], overlap["north"]) < 1
    for row in section.rows:
        assert row.overlap_interval[0] <= row.overlap <= row.overlap_interval[1]
        assert [one.grouping for one in row.exposure] == ["popularity"] * 3 + ["half"] * 2
        assert [one.group for one in row.exposure][-2:] == ["east", "west"]


def test_an_attribute_that_no_item_varies_in_changes_nothing(ring, ring_cases):
    embedding = load_embedding(ring, "refined/small")
    made = _Weighed.made(ring, embedding, ring_cases)
    column = embedding.attributes.index("odd")
    vectors = made.vectors.copy()
    vectors[:, column] = 0
    flat = _Weighed(made.name, made.queries, made.known, made.columns, vectors, made.bias)
    before, after = judge(flat, ring_cases, 5), judge(flat.without(column), ring_cases, 5)
    assert np.array_equal(before.items, after.items)


def test_a_sample_is_seeded_and_said(ring, ring_cases):
    ask = {"attributes": ["odd"], "k": 5, "sample": 20, "replicates": 50}
    first = counterfactual(ring, "refined/small", ring_cases, **ask)
    assert (first.cases, first.all_cases) == (20, len(ring_cases))
    assert first == counterfactual(ring, "refined/small", ring_cases, **ask)
    assert [row.attribute for row in first.rows] == ["odd"]
    json.dumps(first.to_dict(), allow_nan=False)
    lists, exposure = counterfactual_tables(first)
    assert "over 20 of 120 cases" in lists.note
    assert len(exposure.rows) == len(first.rows[0].exposure)


@pytest.mark.parametrize(
    ("ref", "arguments", "message"),
    [
        ("base/b", {}, "base/b has no attributes to take out"),
        ("refined/small", {"attributes": ["wit"]}, "no attribute 'wit'; there are east, north, odd"),
        ("refined/small", {"sample": 0}, "a sample needs 1 case or more"),
        ("refined/start", {}, "has no encoder"),
    ],
)
def test_what_cannot_be_asked(ring, ring_cases, ref, arguments, message):
    with pytest.raises(UsageError, match=message):
        counterfactual(ring, ref, ring_cases, **arguments)
