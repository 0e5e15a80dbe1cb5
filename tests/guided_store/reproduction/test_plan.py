"""Plans: the order of cells, parts of a plan, and what determines a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_plan import small_dataset, small_plan

from guided_store.errors import UsageError
from guided_store.reproduction import PLAN, SYSTEMS, Block, Cell, Plan, Recipe, Schedule
from guided_store.reproduction._settings import RunSettings, content_columns, run_settings

TRIAL = {"dropout": 0.2, "learning_rate": 1e-3}


def settings(system: str, seed: int = 1, encoder: str = "sasrec", **changes: Any) -> RunSettings:
    return run_settings(small_dataset(**changes), Cell("small", encoder, system, seed), TRIAL, short=False)


def test_cells_stand_in_the_order_of_blocks_and_what_they_start_from_comes_first() -> None:
    blocks = (Block("small", "sasrec", ("base-warm", "refined"), (1, 2)), Block("small", "sasrec", ("base",)))
    cells = [f"{cell.system} {cell.seed}" for cell in replace(small_plan("base"), blocks=blocks).cells()]
    assert cells == ["base 1", "base 2", "base-warm 1", "base-warm 2", "refined 1", "refined 2", "base 3"]


def test_a_part_of_a_plan() -> None:
    part = PLAN.only(datasets=["office"], encoders=["sasrec"], systems=["base", "refined"], seeds=1)
    assert {(c.dataset, c.encoder, c.seed) for c in part.cells()} == {("office", "sasrec", 1)}
    assert {c.system for c in part.cells()} == {"base", "refined"}
    assert set(part.cells()) < set(PLAN.cells())
    assert PLAN.only() == PLAN


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"datasets": ["films"]}, "no dataset 'films'; it has games, ml-1m, office"),
        ({"encoders": ["lstm"]}, "no encoder 'lstm'"),
        ({"systems": ["best"]}, "no system 'best'"),
        ({"datasets": ["ml-1m"], "encoders": ["bert4rec"]}, "no cell of these"),
    ],
)
def test_a_part_that_is_not_there(part: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        PLAN.only(**part)


@pytest.mark.parametrize(
    "block",
    [
        Block("large", "sasrec", ("base",)),
        Block("small", "lstm", ("base",)),
        Block("small", "sasrec", ("best",)),
        Block("small", "sasrec", ("base",), ()),
    ],
)
def test_a_plan_refuses_what_it_does_not_know(block: Block) -> None:
    with pytest.raises(UsageError):
        Plan({"small": small_dataset()}, (block,))


def test_every_run_of_the_headline_has_settings_of_its_own() -> None:
    digests = set()
    for cell in PLAN.cells():
        for trial in PLAN.datasets[cell.dataset].trials:
            for short in (True, False):
                digests.add(
                    (str(cell), run_settings(PLAN.datasets[cell.dataset], cell, trial, short=short).digest)
                )
    kinds = sum(
        len(PLAN.datasets[cell.dataset].trials)
        * (1 if PLAN.datasets[cell.dataset].schedules[cell.encoder].trial_epochs is None else 2)
        for cell in PLAN.cells()
    )
    assert len(digests) == kinds
    assert len({digest for _, digest in digests}) == kinds


@pytest.mark.parametrize("dataset", PLAN.datasets.values(), ids=lambda dataset: dataset.name)
def test_datasets_of_the_headline(dataset: Any) -> None:
    assert len(dataset.hindsight) < dataset.attributes
    assert all(trial for trial in dataset.trials)
    assert all(content_columns(dataset, system) < dataset.dim for system in SYSTEMS.values())


@pytest.mark.parametrize("system", ["permuted", "random", "text"])
def test_controls_differ_from_refined_in_their_content_alone(system: str) -> None:
    refined, control = settings("refined").to_dict(), settings(system).to_dict()
    different = {name for name in refined if refined[name] != control[name]}
    assert different - {"text"} == {"system", "content"}


def test_what_each_system_is() -> None:
    assert not settings("base-plain").training.item_bias
    assert settings("base").training.item_bias
    assert settings("base-2d").encoder.dim == 16
    assert settings("guided-alone").build == {"dim": 3, "guided_scale": 0.2}
    assert settings("guided-alone").encoder.dim == 3
    assert settings("refined").encoder.residual
    assert settings("refined").encoder.fixed == 3
    assert not settings("refined-paper").encoder.residual
    assert settings("no-hindsight").exclude == ("famous",)
    assert settings("no-hindsight").encoder.fixed == 2
    assert settings("text+guided").encoder.fixed == 5
    assert settings("text+guided").text == {"fields": ["title"], "columns": 2}
    assert settings("base", encoder="gru4rec").encoder.architecture == "gru4rec"


def test_a_trial_wins_over_the_recipe_and_a_short_one_has_fewer_epochs() -> None:
    plan, cell = small_dataset(recipe=Recipe(encoder={"dropout": 0.7})), Cell("small", "sasrec", "refined", 3)
    trial = run_settings(plan, cell, TRIAL, short=True)
    assert (trial.encoder.dropout, trial.training.learning_rate, trial.training.seed) == (0.2, 1e-3, 3)
    assert (trial.training.epochs, run_settings(plan, cell, TRIAL, short=False).training.epochs) == (1, 2)
    whole = replace(plan, schedules={"sasrec": Schedule(2, None)})
    both = [run_settings(whole, cell, TRIAL, short=short).digest for short in (True, False)]
    assert both[0] == both[1]


def test_whatever_determines_a_run_changes_its_digest() -> None:
    one = settings("refined").digest
    assert settings("refined").digest == one
    others = [
        settings("refined", 2),
        settings("permuted"),
        settings("refined", length=11),
        settings("refined", recipe=Recipe(build={"guided_scale": 0.3})),
        settings("refined", schedules={"sasrec": Schedule(3, 1, encoder={"blocks": 1})}),
        replace(settings("refined"), start="0123"),
    ]
    assert len({one, *(other.digest for other in others)}) == 7
    assert settings("base", recipe=Recipe(build={"guided_scale": 0.3})).digest == settings("base").digest


def test_settings_that_nothing_has() -> None:
    with pytest.raises(UsageError, match="sets 'depth', which neither"):
        run_settings(small_dataset(), Cell("small", "sasrec", "base", 1), {"depth": 3}, short=False)
    with pytest.raises(UsageError, match="5 content columns do not fit into 4"):
        run_settings(small_dataset(dim=4), Cell("small", "sasrec", "text+guided", 1), TRIAL, short=False)
