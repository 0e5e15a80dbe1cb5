"""Targets: verdicts computed from the figures, never from the hope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from headline_cells import STRENGTH, cell, full_office, results

from guided_store.reproduction import CellResult, Measured, Target, judge, make_headline
from guided_store.reproduction._targets import COLD

FEW = {"replicates": 200, "permutations": 200}
WANTED = Target("a gain", "at least 10 %")


def targets(
    cells: Iterable[CellResult], planned: Iterable[tuple[str, str, str, int]] | None = None
) -> Mapping[str, Target]:
    return {target.name: target for target in make_headline(results(cells, planned), **FEW).targets}


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([(0.10, 0.10)], "reached"),
        ([(0.15, 0.05)], "reached, interval goes below"),
        ([(0.15, 0.12), (0.0999, 0.08)], "not reached"),
        ([], "not run"),
    ],
)
def test_a_verdict_takes_every_figure_and_its_interval(
    values: list[tuple[float, float]], verdict: str
) -> None:
    measured = [Measured("x", value, (low, value + 0.1), relative=True) for value, low in values]
    assert judge(WANTED, measured, 0.1).verdict == verdict


def test_gains_of_strong_and_of_equal_systems() -> None:
    strong = targets(full_office())
    assert strong["amazon-office, SASRec: refined over the plain base"].verdict == "reached"
    control = strong["amazon-office, SASRec: refined over the strongest content-free control"]
    assert control.verdict == "reached"
    assert control.note == "base-warm, chosen on validation"
    equal = {**STRENGTH, **dict.fromkeys(("refined", "refined-paper"), STRENGTH["base-plain"])}
    weak = targets(cell(name, seed, strength=equal) for name in STRENGTH for seed in (1, 2, 3))
    assert weak["amazon-office, SASRec: refined over the plain base"].verdict == "not reached"
    name = "amazon-office, SASRec: refined over the strongest content-free control"
    assert weak[name].verdict == "not reached"
    assert len(weak[name].measured) == 3


def test_the_base_is_chosen_on_validation_and_judged_on_both() -> None:
    name = "amazon-office: best SASRec base, NDCG@10"
    cells = [cell(system) for system in ("base-plain", "base", "base-2d")]
    found = targets(cells)[name]
    assert found.note.startswith("base-2d, the best on validation; 1 seed only")
    assert found.verdict == "reached"
    assert found.measured[1].value == pytest.approx(cells[2].validation["ndcg@10"])
    low = [replace(one, validation={"ndcg@10": 0.0789}) for one in cells]
    assert targets(low)[name].verdict == "not reached"
    barely = [replace(one, validation={"ndcg@10": 0.079}) for one in cells]
    assert targets(barely)[name].verdict == "reached"


def test_a_domain_without_a_named_figure_gets_no_verdict() -> None:
    found = targets([cell("base", dataset="games")])["games: best SASRec base, NDCG@10"]
    assert found.verdict == "no figure named"
    assert found.measured[0].value > 0


def test_without_a_plain_base_in_the_plan_the_base_stands_for_it() -> None:
    cells = [cell(system, dataset="ml-1m") for system in ("base", "refined")]
    found = targets(cells)["ml-1m, SASRec: refined over the plain base"]
    assert found.verdict == "reached"
    assert "base, since base-plain is not in the plan" in found.note


def test_no_loss_is_judged_by_the_figures_themselves() -> None:
    worse = {**STRENGTH, "refined": 1.3}
    cells = [cell(system, dataset="ml-1m", strength=worse) for system in ("base", "refined")]
    assert targets(cells)["ml-1m, SASRec: refined over the plain base"].verdict == "not reached"


def test_unfinished_controls_make_a_verdict_provisional() -> None:
    systems = ("base-plain", "base", "base-warm", "permuted", "random", "refined")
    planned = [("games", "sasrec", name, seed) for name in systems for seed in (1, 2)]
    cells = [
        cell(name, seed, dataset="games") for name in ("base-plain", "base", "refined") for seed in (1, 2)
    ]
    name = "games, SASRec: refined over the strongest content-free control"
    half = targets(cells, planned)
    assert half[name].provisional
    assert "controls to finish: base-warm, permuted, random" in half[name].note
    assert not half["games, SASRec: refined over the plain base"].provisional
    whole = targets(cell(name, seed, dataset="games") for name in systems for seed in (1, 2))
    assert not whole[name].provisional
    assert "2 seeds only" in whole[name].note


def test_a_wide_base_must_be_beaten_on_two_domains() -> None:
    name = "SASRec: refined at d over base at 2d"
    office = [cell(system) for system in ("refined", "base-2d")]
    games = [cell(system, dataset="games") for system in ("refined", "base-2d")]
    both = targets(office + games)[name]
    assert both.verdict == "reached"
    assert both.note.startswith("won: amazon-office, games; compared: amazon-office, games")
    worse = {**STRENGTH, "refined": 1.1}
    lost = targets(office + [cell(s, dataset="games", strength=worse) for s in ("refined", "base-2d")])[name]
    assert lost.verdict == "not reached"
    assert lost.note.startswith("won: amazon-office; compared: amazon-office, games")
    assert not lost.provisional
    waiting = targets(office, [*[(c.dataset, c.encoder, c.system, 1) for c in office + games]])[name]
    assert waiting.provisional


def test_nothing_run_reaches_nothing() -> None:
    found = targets([], [("office", "sasrec", "base", 1)])
    assert {target.verdict for target in found.values()} == {"not run"}


def test_cold_targets_come_from_where_they_are_measured() -> None:
    measured = judge(COLD[0], [Measured("Recall@10 ratio", 1.4, (1.2, 1.6))], 1.3)
    other = Target("something else", "more", verdict="not reached")
    found = make_headline(results([]), more=[other, measured], **FEW).targets
    assert [target.name for target in found[-6:]] == [*(target.name for target in COLD), "something else"]
    assert found[-6].verdict == "reached, interval goes below"
    assert found[-5].verdict == "not run"
