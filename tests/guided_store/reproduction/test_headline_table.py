"""Tables from made-up cells: levels, the choice of a control, gains, strata, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from headline_cells import STRENGTH, cell, facts, full_office, results

from guided_store.errors import DataError
from guided_store.evaluation import ndcg_at, per_case
from guided_store.reproduction import Table
from guided_store.reproduction._markdown import headline_markdown
from guided_store.reproduction._results import CellResult
from guided_store.reproduction._table import CONTROLS, STRATA, choose_control, make_table

FEW = {"replicates": 200, "permutations": 500}


@pytest.fixture(scope="module")
def office() -> Table:
    return make_table(results(full_office()), "office", "sasrec", **FEW)


def test_levels_are_means_and_deviations_over_seeds(office: Table) -> None:
    each = [float(ndcg_at(cell("refined", seed).ranks, 10).mean()) for seed in (1, 2, 3)]
    row = office.rows["refined"]
    assert row.test is not None
    assert row.test["ndcg@10"].mean == pytest.approx(np.mean(each))
    assert row.test["ndcg@10"].sd == pytest.approx(np.std(each, ddof=1))
    assert row.seeds == (1, 2, 3)
    assert row.seconds == pytest.approx(302.0)
    assert row.tuning_seconds == pytest.approx(150.0)
    assert [run["test"]["ndcg@10"] for run in row.runs] == pytest.approx(each)


def test_a_gain_is_of_per_user_metrics_averaged_over_seeds(office: Table) -> None:
    def mean(system: str) -> float:
        return float(np.mean([per_case(cell(system, k).ranks)["mrr"].mean() for k in (1, 2, 3)]))

    found = office.gains["refined", "base-plain"]["mrr"]
    assert found.relative == pytest.approx(mean("refined") / mean("base-plain") - 1)
    assert found.adjusted <= 0.01


def test_every_system_is_held_against_the_three_references(office: Table) -> None:
    assert office.control is not None
    for reference in ("base-plain", "base", office.control.system):
        held = {system for system, over in office.gains if over == reference}
        assert held == set(STRENGTH) - {reference}
    assert {("refined", "base-2d"), ("refined", "text"), ("text+guided", "text")} <= set(office.gains)
    assert set(office.gains) == set(office.stratum_gains)


def test_the_control_is_chosen_on_validation_whatever_the_test_says() -> None:
    # base-warm is best on test; random is made best on validation, and text, which knows content, above all.
    made = {"random": 0.2, "text": 0.9}
    cells = [cell(system) for system in (*CONTROLS, "text", "refined")]
    cells = [replace(c, validation={"ndcg@10": made.get(c.system, c.validation["ndcg@10"])}) for c in cells]
    table = make_table(results(cells), "office", "sasrec", **FEW)
    assert table.control is not None
    assert table.control.system == "random"
    assert set(table.control.validation) == set(CONTROLS)
    assert ("refined", "random") in table.gains


def test_a_base_without_bias_is_a_control_too() -> None:
    plain = replace(cell("base-plain"), validation={"ndcg@10": 0.2})
    table = make_table(results([plain, cell("base"), cell("refined")]), "office", "sasrec", **FEW)
    assert table.control is not None
    assert table.control.system == "base-plain"


def test_controls_that_are_not_there_are_named() -> None:
    planned = [("office", "sasrec", name, 1) for name in ("base", "base-warm", "permuted")]
    table = make_table(results([cell("base")], planned), "office", "sasrec", **FEW)
    assert table.control is not None
    assert table.control.unfinished == ("base-warm", "permuted")
    assert table.control.unplanned == ("base-plain", "random")
    assert choose_control({}) is None


def test_strata_are_of_the_datasets_counts(office: Table) -> None:
    given = facts()
    row = office.rows["base"]
    assert row.strata is not None
    assert office.head_from == np.sort(given.item_counts)[::-1][9]  # ten of fifty items
    assert row.strata["head"].cases == (given.target_counts >= office.head_from).sum()
    assert row.strata["short"].cases == (given.user_lengths <= np.median(given.user_lengths)).sum()
    assert row.test is not None
    for pair in (("head", "tail"), ("short", "long")):
        parts = [row.strata[name] for name in pair]
        total = sum(part.share * (part.metrics["ndcg@10"] or 0) for part in parts)
        assert total == pytest.approx(row.test["ndcg@10"].mean)
    gains = office.stratum_gains["refined", "base"]
    assert list(gains) == list(STRATA)
    assert gains["tail"].cases == row.strata["tail"].cases


def test_an_empty_stratum_stays_in_the_json() -> None:
    cells = results([cell("base"), cell("refined")])
    everyone_alike = replace(facts(), user_lengths=np.full(600, 5))
    table = make_table(replace(cells, datasets={"office": everyone_alike}), "office", "sasrec", **FEW)
    (gain,) = [g for g in table.to_dict()["stratum_gains"] if (g["system"], g["over"]) == ("refined", "base")]
    assert gain["long"] is None
    assert gain["short"] is not None


def test_nothing_finished_is_a_table_of_rows_not_run() -> None:
    table = make_table(results([], [("games", "sasrec", "base", 1)]), "games", "sasrec", **FEW)
    assert (table.cases, table.control, table.gains) == (None, None, {})
    assert not table.rows["base"].complete
    assert table.rows["base"].test is None


def test_the_keys_of_the_json_do_not_depend_on_what_is_finished(office: Table) -> None:
    empty = make_table(results([], [("office", "sasrec", "base", 1)]), "office", "sasrec", **FEW)
    full, bare = office.to_dict(), empty.to_dict()
    assert list(full) == list(bare)
    assert list(full["systems"][0]) == list(bare["systems"][0])
    assert json.loads(json.dumps(full, allow_nan=False))["systems"][0]["trials"][2]["settings"] == {
        "dropout": 0.3
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digests": {"split": "other"}}, "split is not that of the dataset"),
        ({"users": np.arange(1, 601)}, "test cases are not those"),
        ({"targets": np.zeros(600, np.int32)}, "test cases are not those"),
        ({"ranks": np.ones(599)}, "test cases are not those"),
        ({"validation": {"mrr": 0.1}}, "no validation ndcg@10"),
    ],
)
def test_cells_that_do_not_belong_together_are_refused(change: dict[str, object], words: str) -> None:
    wrong = replace(cell("refined", 2), **change)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=f"office, sasrec, refined, seed 2: .*{words}"):
        make_table(results([cell("base"), wrong]), "office", "sasrec", **FEW)


def test_a_seed_twice_or_of_another_width_is_refused() -> None:
    with pytest.raises(DataError, match="a seed is there twice"):
        make_table(results([cell("base"), cell("base")]), "office", "sasrec", **FEW)
    with pytest.raises(DataError, match="seed 2: it is 32 wide, other seeds 64"):
        make_table(results([cell("base"), replace(cell("base", 2), dim=32)]), "office", "sasrec", **FEW)


def test_the_form_that_is_judged_is_chosen_on_validation_among_those_with_all_seeds() -> None:
    def scored(system: str, validation: float, seed: int = 1) -> CellResult:
        return replace(cell(system, seed), validation={"ndcg@10": validation})

    two = [scored("base", 0.2, seed) for seed in (1, 2)]
    one_stage = [scored("refined", 0.2, seed) for seed in (1, 2)]
    lucky = [scored("refined-paper", 0.9)]  # one seed where the others have two
    warm = [scored("refined-warm", 0.3, seed) for seed in (1, 2)]
    text = [scored("text", 0.3), scored("text-warm", 0.1)]
    table = make_table(
        results([*two, *one_stage, *lucky, *warm, *text, cell("base-2d")]), "office", "sasrec", **FEW
    )
    assert table.refined == "refined-warm"
    assert table.text == "text"
    assert table.refined_over("base") == table.gains["refined-warm", "base"]
    assert {("refined-warm", "text"), ("refined-warm", "base-2d")} <= set(table.gains)
    assert ("refined", "text") not in table.gains
    told = headline_markdown([table], [])
    assert "| **refined-warm** " in told
    assert "Gain of `refined-warm`, per cent:" in told
