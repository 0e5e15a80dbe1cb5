"""How far each system of a plan is, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from guided_store.reproduction._board import Board
from guided_store.reproduction._datasets import find_prepared
from guided_store.reproduction._plan import Cell, Plan


@dataclass(frozen=True)
class State:
    """One system of one encoder on one dataset.

    Attributes:
        dataset, encoder, system: which.
        trials, runs: finished; of `all_trials` and `all_runs`.
        failed: how many of the finished ones have no result.
        chosen: settings of the best trial, once all are finished.
        validation: NDCG@10 on the validation cases, mean over the finished runs, or None.
        seconds: that the finished trials and runs took.
        earlier: runs of this system with other settings that were read on the test cases before: a table from
            a plan that was changed after a look at them is chosen by them.
    """

    dataset: str
    encoder: str
    system: str
    trials: int
    all_trials: int
    runs: int
    all_runs: int
    failed: int
    chosen: Mapping[str, Any] = field(default_factory=dict)
    validation: float | None = None
    seconds: float = 0.0
    earlier: int = 0

    @property
    def finished(self) -> bool:
        return (self.trials, self.runs) == (self.all_trials, self.all_runs)


def open_board(plan: Plan, work: Path) -> Board:
    """The state of a working folder, whatever of it is there; the folder is not made.

    Raises:
        DataError: a record is damaged, or of another split than its dataset.
    """
    splits = {}
    for name in dict.fromkeys(cell.dataset for cell in plan.cells()):
        found = find_prepared(plan.datasets[name], work)
        if found is not None:
            splits[name] = found.split
    return Board(plan, work, splits)


def overview(board: Board) -> list[State]:
    """The state of every system, in the plan's order of priority."""
    groups: dict[Cell, list[Cell]] = {}
    for cell in board.plan.cells():
        groups.setdefault(replace(cell, seed=0), []).append(cell)
    return [_state(board, group, cells) for group, cells in groups.items()]


def _state(board: Board, group: Cell, cells: list[Cell]) -> State:
    tried = [record for record in board.tried(cells[0]) if record is not None]
    chosen = [board.chosen(cell) for cell in cells]
    runs = [
        record
        for settings in chosen
        if settings is not None and (record := board.record("run", settings)) is not None
    ]
    good = [record.score for record in runs if not record.failed]
    return State(
        group.dataset,
        group.encoder,
        group.system,
        len(tried),
        len(board.plan.datasets[group.dataset].trials),
        len(runs),
        len(cells),
        sum(record.failed for record in (*tried, *runs)),
        next((settings.trial for settings in chosen if settings is not None), {}),
        fmean(good) if good else None,
        sum(record.seconds for record in (*tried, *runs)),
        _earlier(board, cells, {settings.digest for settings in chosen if settings is not None}),
    )


def _earlier(board: Board, cells: list[Cell], present: set[str]) -> int:
    seeds = {f"s{cell.seed}" for cell in cells}
    folder = board.work / "runs" / cells[0].dataset / cells[0].encoder / cells[0].system
    found = [path.stem.split("-") for path in folder.glob("run-*.npz")]  # run-SEED-DIGEST
    return sum(seed in seeds and digest not in present for _, seed, digest in found)


def describe_next(board: Board, number: int = 3) -> list[str]:
    """The next runs, most urgent first, in words."""
    return [str(unit) for unit, _ in zip(board.ready(), range(number), strict=False)]
