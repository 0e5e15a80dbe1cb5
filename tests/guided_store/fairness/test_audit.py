"""Figures of the audit against what a hand computes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from judged_by_hand import build_cases, judgement

from guided_store.errors import UsageError
from guided_store.fairness import audit, make_grouping
from guided_store.fairness._exposure import list_shares, rank_weights
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref

LOG3 = 1 / np.log2(3)


@pytest.fixture
def four():
    """Four users of five items; targets i2, i3, i2, i4."""
    return build_cases([[0, 1, 2], [0, 0, 3], [1, 0, 2], [0, 1, 4]], 5)


def two(rows, **named):
    return next(row for row in rows if all(getattr(row, name) == value for name, value in named.items()))


def test_accuracy_by_group(four):
    a = judgement([1, 2, 4, np.inf], [[2, 3]] * 4)
    b = judgement([1, 1, 2, 2], [[2, 3]] * 4)
    section = audit(
        {"a": [a], "b": [b]},
        four,
        user_groups={"side": ["left", "left", "right", "right"]},
        k=2,
        least=2,
        replicates=200,
    )
    left = two(section.users, grouping="side", group="left", version="b", metric="mrr")
    assert (left.users, left.cases, left.small) == (2, 2, False)
    assert left.value == pytest.approx(1)
    assert left.against_rest == pytest.approx(1 - 0.5)
    assert left.change == pytest.approx(1 - 0.75)
    assert left.apart == pytest.approx(0.25 - (0.5 - 0.125))
    gap = two(section.user_gaps, grouping="side", version="a", metric="mrr")
    assert (gap.best, gap.worst) == ("left", "right")
    assert gap.gap == pytest.approx(0.75 - 0.125)
    assert gap.ratio == pytest.approx(0.125 / 0.75)
    assert gap.change is None
    wider = two(section.user_gaps, grouping="side", version="b", metric="mrr")
    assert wider.change_between == ("left", "right")
    assert wider.change == pytest.approx((1 - 0.5) - (0.75 - 0.125))


def test_exposure_is_discounted_and_held_against_what_is_due(four):
    lists = [[2, 3], [3, -1], [1, 2], [-1, -1]]
    section = audit(
        {"a": [judgement([1, 1, 2, np.inf], lists)]},
        four,
        item_groups={"kind": ["old", "old", "new|odd", "new", None]},
        k=2,
        least=2,
        replicates=200,
    )
    assert "new|odd" in {row.group for row in section.exposure}  # only a table's column is parted
    new = two(section.exposure, grouping="kind", group="new")
    total = 1 + LOG3
    assert new.exposure == pytest.approx((LOG3 / total + 1 + 0 + 0) / 4)
    assert new.places == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert new.catalogue == pytest.approx(0.2)
    assert new.history == 0
    assert new.to_history is None
    assert new.target == pytest.approx(0.25)
    assert new.to_target is None  # one target is too few
    old = two(section.exposure, grouping="kind", group="old")
    assert old.history == 1
    assert old.to_history == pytest.approx(old.exposure)
    assert old.to_catalogue == pytest.approx(old.exposure / 0.4)


def test_an_item_of_two_groups_counts_in_both():
    member = np.array([[True, True], [False, True], [False, False]])
    shares = list_shares(np.array([[0, 2], [1, 0]], np.int32), member, rank_weights(2))
    total = 1 + LOG3
    assert shares == pytest.approx(np.array([[1 / total, 1 / total], [LOG3 / total, 1]]))


def test_lean_is_in_points_of_the_scale(four):
    raw = np.array([[0.0], [4], [10], [6], [np.nan]], np.float32)
    table = AttributeTable(parse_ref("guided/x"), ("warm",), raw)
    a, b = judgement([1] * 4, [[2, 3]] * 4), judgement([1] * 4, [[3, 4]] * 4)
    section = audit({"a": [a], "b": [b]}, four, attributes=table, k=2, least=2, replicates=200)
    first, second = section.lean
    assert first.lists == pytest.approx(8)
    assert second.lists == pytest.approx(6)  # i4 was never scored
    assert first.history == pytest.approx(np.mean([2, 0, 2, 2]))
    assert first.catalogue == pytest.approx(5)
    assert first.to_catalogue == pytest.approx(3)
    assert second.change == pytest.approx(-2)
    assert second.change_interval == pytest.approx((-2, -2))
    assert section.attributes == "guided/x"


def test_seeds_are_averaged(four):
    one, other = judgement([1, 1, 1, 1], [[2, 3]] * 4), judgement([2, 2, 2, 2], [[4, 3]] * 4)
    section = audit({"r": [one, other]}, four, k=2, least=2, replicates=100)
    rows = [row for row in section.users if row.metric == "mrr"]
    assert [row.value for row in rows] == pytest.approx([0.75] * len(rows))
    assert section.seeds == (2,)


def test_a_small_group_is_named_and_nothing_is_claimed_of_it(four):
    section = audit(
        {"a": [judgement([1, 2, 3, 4], [[2, 3]] * 4)], "b": [judgement([1, 2, 3, 4], [[2, 3]] * 4)]},
        four,
        user_groups={"side": ["few", "many", "many", "many"]},
        k=2,
        least=3,
        replicates=100,
    )
    for row in section.users:
        if row.group == "few":
            assert row.small
            assert row.value == 1
            claimed = (row.interval, row.against_rest, row.p, row.adjusted, row.change, row.apart)
            assert claimed == (None,) * 6
    assert not [gap for gap in section.user_gaps if gap.grouping == "side"]  # one group is left


def test_names_that_are_taken_say_what_they_are(four):
    table = AttributeTable(parse_ref("guided/x"), ("popularity",), np.ones((5, 1), np.float32))
    section = audit(
        {"a": [judgement([1] * 4, [[2, 3]] * 4)]},
        four,
        user_groups={"activity": ["x"] * 4},
        attributes=table,
        k=2,
        replicates=100,
    )
    assert {row.grouping for row in section.exposure} == {"popularity", "popularity (attribute)"}
    assert {"activity", "activity (column)"} <= {row.grouping for row in section.users}


def test_the_section_is_json_with_the_same_keys_always(four):
    a = judgement([1, 2, 3, np.inf], [[2, 3]] * 4)
    one = audit({"a": [a]}, four, k=2, replicates=100).to_dict()
    several = audit({"a": [a], "b": [a]}, four, k=2, least=2, replicates=100).to_dict()
    assert one.keys() == several.keys()
    assert one["users"][0].keys() == several["users"][0].keys()
    json.dumps(several, allow_nan=False)


def test_two_equal_versions_differ_in_nothing():
    random = np.random.default_rng(0)
    cases = build_cases(random.integers(0, 30, (200, 6)).tolist(), 30)
    run = judgement(random.integers(1, 30, 200), random.integers(0, 30, (200, 5)))
    sides = np.array(["left", "right"])[random.integers(0, 2, 200)].tolist()
    section = audit({"a": [run], "b": [run]}, cases, user_groups={"side": sides}, k=5, replicates=200)
    changed = [row for row in section.users if row.version == "b"]
    assert [row.change for row in changed] == pytest.approx([0] * len(changed), abs=1e-12)
    assert [row.change for row in section.exposure if row.version == "b"] == pytest.approx([1] * 3)
    assert not any(row.favoured for row in section.exposure)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 3}, "lists of hand have 2 places, and k is 3"),
        ({"k": 0}, "lists need 1 item or more"),
        ({"k": 2, "user_groups": {"side": ["x"]}}, "groups of 'side' are of 1 users, and there are 4"),
        ({"k": 2, "item_groups": {"kind": ["x"]}}, "groups of 'kind' are of 1 items, and there are 5"),
        ({"k": 2, "replicates": 1}, "2 replicates or more"),
    ],
)
def test_what_cannot_be_asked(four, arguments, message):
    with pytest.raises(UsageError, match=message):
        audit({"a": [judgement([1, 2, 3, 4], [[2, 3]] * 4)]}, four, **arguments)


def test_judgements_of_other_cases_are_refused(four):
    with pytest.raises(UsageError, match="judged on 2 cases and there are 4"):
        audit({"a": [judgement([1, 2], [[2, 3]] * 2)]}, four, k=2)
    with pytest.raises(UsageError, match="no judgement"):
        audit({"a": []}, four, k=2)
    scores = AttributeTable(parse_ref("guided/x"), ("a",), np.zeros((2, 1), np.float32))
    with pytest.raises(UsageError, match="scores of 2 items for a vocabulary of 5"):
        audit({"a": [judgement([1] * 4, [[2, 3]] * 4)]}, four, k=2, attributes=scores)


def test_groups_dealt_at_random_are_rarely_called_unequal():
    """The p of a gap takes into account that the best and worst of eight groups were picked."""
    random = np.random.default_rng(7)
    cases = build_cases(random.integers(0, 20, (800, 4)).tolist(), 20)
    run = judgement(random.geometric(0.1, 800), random.integers(0, 20, (800, 5)))
    dealt = {f"deal {n}": make_grouping(f"deal {n}", random.integers(0, 8, 800)) for n in range(60)}
    section = audit({"a": [run]}, cases, user_groups=dealt, k=5, replicates=50)
    ps = [gap.p for gap in section.user_gaps if gap.metric == "mrr" and gap.grouping.startswith("deal")]
    assert len(ps) == 60
    assert np.mean(np.array(ps) <= 0.05) <= 0.12
    assert 0.3 < np.mean(ps) < 0.7
