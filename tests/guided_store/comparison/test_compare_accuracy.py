"""Levels, differences, winners, strata and movers of judged versions."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from guided_store.comparison import Accuracy, compare_accuracy, question, tables, verdicts
from guided_store.errors import UsageError
from guided_store.evaluation import Cases, Judgement, per_case, tables_to_csv

CaseMaker = Callable[..., Cases]
Judge = Callable[..., Judgement]


def ranks(seed: int, cases: int, better: float = 0.0) -> np.ndarray:
    """Ranks as a recommender has them: some first, most far down; `better` of them brought to the top."""
    random = np.random.default_rng(seed)
    found = np.ceil(40 * random.random(cases) ** 2 + 1e-9)
    return np.where(random.random(cases) < better, 1, found)


@pytest.fixture
def apart(make_cases: CaseMaker, make_judgement: Judge) -> tuple[Accuracy, Cases, np.ndarray, np.ndarray]:
    cases = make_cases(400)
    before = ranks(1, 400)
    after = np.where(np.arange(400) % 3 == 0, np.maximum(before - 4, 1), before)
    judged = {"old": [make_judgement(before)], "new": [make_judgement(after)]}
    titles = {f"i{code}": f"Item {code}" for code in range(30)}
    return compare_accuracy(judged, cases, titles=titles), cases, before, after


def test_levels_and_differences_are_those_of_the_metrics(
    apart: tuple[Accuracy, Cases, np.ndarray, np.ndarray],
) -> None:
    found, _, before, after = apart
    ours, theirs = per_case(after), per_case(before)
    assert found.metrics == ("mrr", "recall@5", "recall@10", "recall@20", "ndcg@5", "ndcg@10", "ndcg@20")
    for metric in found.metrics:
        assert found.levels["new"][metric].value == pytest.approx(ours[metric].mean())
        assert found.levels["old"][metric].value == pytest.approx(theirs[metric].mean())
        pair = found.pairs["new"][metric]
        assert pair.difference == pytest.approx(ours[metric].mean() - theirs[metric].mean())
        assert pair.adjusted >= pair.p
        assert pair.wilcoxon is not None
    assert found.winner("new") == "new"
    assert found.question == "models"
    assert "another seed" in question(found)
    assert verdicts(found)[0].startswith("new is better than old")


def test_turned_round_the_other_wins(
    apart: tuple[Accuracy, Cases, np.ndarray, np.ndarray], make_judgement: Judge
) -> None:
    found, cases, before, after = apart
    turned = compare_accuracy({"new": [make_judgement(after)], "old": [make_judgement(before)]}, cases)
    assert turned.winner("old") == "new"
    for metric in found.metrics:
        assert turned.pairs["old"][metric].difference == pytest.approx(-found.pairs["new"][metric].difference)
    one, other = found.outcomes["new"][0], turned.outcomes["old"][0]
    assert (one.wins, one.ties, one.losses) == (other.losses, other.ties, other.wins)


def test_labels_swapped_at_random_are_seldom_called_different(
    make_cases: CaseMaker, make_judgement: Judge
) -> None:
    cases, random = make_cases(150), np.random.default_rng(5)
    first, second = ranks(1, 150), ranks(2, 150, better=0.2)
    assert (
        compare_accuracy({"a": [make_judgement(first)], "b": [make_judgement(second)]}, cases).winner("b")
        == "b"
    )
    alone = corrected = 0
    for _ in range(200):
        swapped = random.random(150) < 0.5
        judged = {
            "a": [make_judgement(np.where(swapped, second, first))],
            "b": [make_judgement(np.where(swapped, first, second))],
        }
        pairs = compare_accuracy(judged, cases, replicates=20).pairs["b"]
        alone += pairs["ndcg@10"].p < 0.05
        corrected += any(pair.adjusted < 0.05 for pair in pairs.values())
    assert alone <= 16
    assert corrected <= 16


def test_strata_cover_the_cases_and_add_up(apart: tuple[Accuracy, Cases, np.ndarray, np.ndarray]) -> None:
    found, cases, _, _ = apart
    parts = {part.name: part for part in found.strata}
    assert list(parts) == ["head", "torso", "tail", "short", "long"]
    for names in (("head", "torso", "tail"), ("short", "long")):
        assert sum(parts[name].cases for name in names) == len(cases)
        total = sum(parts[name].cases * parts[name].differences["new"][0] for name in names)
        assert total / len(cases) == pytest.approx(found.pairs["new"][found.main].difference)
    for part in parts.values():
        value, (low, high) = part.differences["new"]
        assert low <= value <= high


def test_users_and_items_that_changed_most(apart: tuple[Accuracy, Cases, np.ndarray, np.ndarray]) -> None:
    found, cases, before, after = apart
    change = per_case(after)["ndcg@10"] - per_case(before)["ndcg@10"]
    first = found.user_moves["new"][0]
    row = cases.sequences.user_index[first.user]
    assert first.change == pytest.approx(change.max()) == pytest.approx(change[row])
    assert (first.reference_rank, first.rank) == pytest.approx((before[row], after[row]))
    assert first.item == cases.sequences.item_ids[cases.wanted[row]]
    assert all(move.change > 0 for move in found.user_moves["new"])  # nobody lost
    by_item = {
        cases.sequences.item_ids[code]: change[cases.wanted == code].mean()
        for code in np.unique(cases.wanted)
        if (cases.wanted == code).sum() >= 5
    }
    moved = found.item_moves["new"][0]
    assert moved.change == pytest.approx(max(by_item.values())) == pytest.approx(by_item[moved.item])
    assert moved.title == f"Item {moved.item[1:]}"


def test_several_cases_of_a_user_count_as_one_user(make_cases: CaseMaker, make_judgement: Judge) -> None:
    cases = make_cases(50, per_user=3)
    before, after = ranks(3, 150), ranks(4, 150)
    before[:3], after[:3] = [1, 30, 30], [30, 1, 1]  # two cases better, one worse: better on the mean
    found = compare_accuracy({"a": [make_judgement(before)], "b": [make_judgement(after)]}, cases)
    assert (found.cases, found.users) == (150, 50)
    outcome = found.outcomes["b"][0]
    assert outcome.wins + outcome.ties + outcome.losses == 50
    mean = (per_case(after)["ndcg@10"] - per_case(before)["ndcg@10"]).reshape(50, 3).mean(axis=1)
    assert outcome.wins == (mean > 1e-12).sum()
    move = next(move for move in found.user_moves["b"] if move.user == "u0")
    assert move.cases == 3
    assert (move.reference_rank, move.rank) == pytest.approx((30, 1))


def test_recipes_are_averaged_and_judged_by_their_seeds(make_cases: CaseMaker, make_judgement: Judge) -> None:
    """Two lucky seeds against two unlucky ones: users alone would be sure, seeds say that it may be luck."""
    cases = make_cases(600)
    draws = {
        "a": [ranks(1, 600, 0.02), ranks(2, 600, 0.10)],
        "b": [ranks(3, 600, 0.12), ranks(4, 600, 0.20)],
    }
    judged = {label: [make_judgement(one) for one in found] for label, found in draws.items()}
    found = compare_accuracy(judged, cases)
    assert found.question == "recipes"
    assert "seeds" in question(found)
    level = found.levels["b"]["mrr"]
    assert len(level.seeds) == 2
    assert level.value == pytest.approx(np.mean(level.seeds))
    assert level.value == pytest.approx(np.mean([(1 / one).mean() for one in draws["b"]]))
    assert found.pairs["b"]["mrr"].wilcoxon is None
    assert all(found.winner("b", metric) is None for metric in found.metrics)
    one_each = {label: runs[:1] for label, runs in judged.items()}
    for metric, pair in compare_accuracy(one_each, cases).pairs["b"].items():
        assert found.pairs["b"][metric].p > pair.p


def test_many_alike_seeds_find_what_two_do_not_hide(make_cases: CaseMaker, make_judgement: Judge) -> None:
    cases = make_cases(400)
    judged = {
        label: [make_judgement(ranks(10 * start + seed, 400, better)) for seed in range(4)]
        for start, (label, better) in enumerate({"a": 0.0, "b": 0.25}.items())
    }
    assert compare_accuracy(judged, cases).winner("b") == "b"


def test_unranked_targets_count_as_missed(make_cases: CaseMaker, make_judgement: Judge) -> None:
    cases = make_cases(60)
    before, after = ranks(1, 60), ranks(1, 60)
    after[7] = np.inf
    found = compare_accuracy({"a": [make_judgement(before)], "b": [make_judgement(after)]}, cases)
    assert found.user_moves["b"][-1].user == "u7"
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["user_moves"]["b"][-1]["rank"] is None
    assert any("u7" in row for table in tables(found) for row in table.text())


def test_all_tables_and_json(apart: tuple[Accuracy, Cases, np.ndarray, np.ndarray]) -> None:
    found = apart[0]
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["pairs"]["new"]["ndcg@10"]["winner"] == "new"
    shown = tables(found)
    assert [table.title.split(":")[0] for table in shown][:2] == ["Accuracy", "Accuracy"]
    first = shown[0]
    assert first.columns[:3] == ("metric", "old", "new")
    assert first.rows[5][0] == "NDCG@10"
    assert first.rows[5][-1] == "new"
    assert len(tables(found, brief=True)[1].rows) == 4
    assert len(tables_to_csv(shown).splitlines()) > 100


def test_a_label_may_be_called_as_a_column_is(make_cases: CaseMaker, make_judgement: Judge) -> None:
    cases = make_cases(60)
    found = compare_accuracy(
        {"p": [make_judgement(ranks(1, 60))], "change": [make_judgement(ranks(2, 60))]}, cases
    )
    assert tables(found)[0].columns[1:3] == ("version p", "version change")


def test_other_cut_offs(make_cases: CaseMaker, make_judgement: Judge) -> None:
    cases = make_cases(60)
    judged = {"a": [make_judgement(ranks(1, 60))], "b": [make_judgement(ranks(2, 60))]}
    found = compare_accuracy(judged, cases, (1, 7))
    assert found.metrics == ("mrr", "recall@1", "recall@7", "ndcg@1", "ndcg@7")
    assert found.main == "ndcg@7"


def test_what_cannot_be_compared(make_cases: CaseMaker, make_judgement: Judge) -> None:
    cases, one = make_cases(60), make_judgement(ranks(1, 60))
    with pytest.raises(UsageError, match="two candidates"):
        compare_accuracy({"a": [one]}, cases)
    with pytest.raises(UsageError, match="a is one trained model and b a recipe of 2 seeds"):
        compare_accuracy({"a": [one], "b": [one, one]}, cases)
    with pytest.raises(UsageError, match="b was judged on other cases"):
        compare_accuracy({"a": [one], "b": [make_judgement(ranks(1, 59))]}, cases)
    with pytest.raises(UsageError, match="b has no judgement"):
        compare_accuracy({"a": [one], "b": []}, cases)
