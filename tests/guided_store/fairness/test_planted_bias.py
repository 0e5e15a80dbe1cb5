"""Scores raised by 2 of 10 for one group of items must show, and groups that were left alone must not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from judged_by_hand import build_cases
from numpy.typing import NDArray

from guided_store.evaluation import Cases, EncodedScorer, judge
from guided_store.fairness import Fairness, audit, favours, findings, make_grouping
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref

ITEMS, USERS, NAMES = 300, 800, ("quality", "warmth", "wit")


@dataclass(frozen=True)
class Taste:
    """An encoder that asks for what the history was like on average."""

    vectors: NDArray[np.float32]

    def encode(self, histories: list[NDArray[np.int32]], priors: object = None) -> NDArray[np.float32]:
        return np.stack([self.vectors[rows].mean(axis=0) for rows in histories])


@pytest.fixture(scope="module")
def world() -> World:
    """Users who prefer quality, and differ in what else they like; raw scores; a group drawn by lot."""
    random = np.random.default_rng(3)
    raw = random.integers(0, 11, (ITEMS, len(NAMES))).astype(np.float32)
    z = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    likes = np.concatenate([np.full((USERS, 1), 0.8), random.normal(0, 1, (USERS, 2))], axis=1)
    chosen = np.argsort(-(likes @ z.T + random.gumbel(size=(USERS, ITEMS))), axis=1)[:, :12]
    order = random.permuted(chosen, axis=1)
    group = np.zeros(ITEMS, np.bool_)
    group[random.permutation(ITEMS)[:60]] = True
    return build_cases(order.tolist(), ITEMS), raw, group


World = tuple[Cases, NDArray[np.float32], NDArray[np.bool_]]


def scorer(
    name: str, raw: NDArray[np.float32], by: NDArray[np.float32], ids: tuple[str, ...]
) -> EncodedScorer:
    """Standardised by the scores of `by`, as a version that takes over another's scale."""
    vectors = ((raw - by.mean(axis=0)) / by.std(axis=0)).astype(np.float32)
    return EncodedScorer(name, Taste(vectors), ids, vectors)


def compared(world: World, raised: NDArray[np.bool_]) -> Fairness:
    """The audit of scores as they are against scores raised for some items."""
    cases, raw, group = world
    changed = raw.copy()
    changed[raised, 0] = np.minimum(changed[raised, 0] + 2, 10)
    ids = cases.sequences.item_ids
    runs = {"fair": scorer("fair", raw, raw, ids), "raised": scorer("raised", changed, raw, ids)}
    lots = np.random.default_rng(9)
    others = {}
    for number in range(40):
        lot = np.zeros(ITEMS, np.bool_)
        lot[lots.permutation(ITEMS)[:60]] = True
        others[f"lot {number}"] = make_grouping(f"lot {number}", np.where(lot, "in", "out").tolist())
    house = make_grouping("brand", np.where(group, "house", "others").tolist())
    judged = {name: [judge(run, cases, 10)] for name, run in runs.items()}
    table = AttributeTable(parse_ref("guided/x"), NAMES, changed)
    return audit(judged, cases, item_groups={"brand": house, **others}, attributes=table, replicates=300)


@pytest.fixture(scope="module")
def planted(world):
    return compared(world, world[2])


def test_the_raised_group_is_shown_more_and_the_others_less(planted):
    rows = {row.group: row for row in planted.exposure if row.grouping == "brand" and row.version == "raised"}
    house = rows["house"]
    assert house.favoured == 1
    assert house.change > 1.1
    assert house.change_interval[0] > 1
    assert house.items_interval[0] > 1
    assert rows["others"].favoured == -1
    assert favours(planted, "brand", "house").startswith("raised shows items of brand 'house' more than fair")
    assert any("'house' more than fair" in line for line in findings(planted))


def test_the_lists_lean_towards_the_raised_attribute_first(planted):
    assert planted.lean[0].attribute == "quality"
    assert planted.lean[1].change_interval[0] > 0


def test_groups_drawn_by_lot_without_a_raise_are_not_called_favoured(planted):
    """They all lose a little to the raised group, the same each; none gains."""
    lots = [r for r in planted.exposure if r.grouping.startswith("lot") and r.version == "raised"]
    inside = [row for row in lots if row.group == "in"]
    assert len(inside) == 40
    assert not [row for row in inside if row.favoured == 1]


def test_a_raise_by_lot_favours_no_group(world):
    """The control: as many items raised as much, whatever their group."""
    random = np.random.default_rng(11)
    lot = np.zeros(ITEMS, np.bool_)
    lot[random.permutation(ITEMS)[:60]] = True
    section = compared(world, lot)
    rows = [row for row in section.exposure if row.version == "raised"]
    assert not any(row.favoured for row in rows if row.grouping == "brand")
    lots = [row for row in rows if row.grouping.startswith("lot") and row.group == "in"]
    assert sum(row.favoured != 0 for row in lots) <= 4  # 5 % of 40, and room for the draw


def test_accuracy_is_lost_where_the_raise_is_untrue(planted):
    change = [row for row in planted.users if row.version == "raised" and row.metric == "ndcg@10"]
    assert all(row.change_interval is not None for row in change)
    gone = next(
        row
        for row in planted.targets
        if (row.grouping, row.group, row.version, row.metric) == ("brand", "others", "raised", "ndcg@10")
    )
    assert gone.change < 0
