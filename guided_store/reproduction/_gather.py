"""From the records of a working folder to what tables are made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guided_store.reproduction._board import Board
from guided_store.reproduction._datasets import Prepared, find_prepared
from guided_store.reproduction._plan import Cell, Plan
from guided_store.reproduction._records import Record
from guided_store.reproduction._results import CellResult, DatasetFacts, Results
from guided_store.reproduction._settings import RunSettings


def gather(plan: Plan, work: Path) -> Results:
    """What the finished cells of a plan found; nothing is computed, and no dataset is needed.

    Raises:
        DataError: a record is damaged, or of another split than its dataset.
    """
    prepared: dict[str, Prepared] = {}
    for name in dict.fromkeys(cell.dataset for cell in plan.cells()):
        found = find_prepared(plan.datasets[name], work)
        if found is not None:
            prepared[name] = found
    board = Board(plan, work, {name: dataset.split for name, dataset in prepared.items()})
    planned = list(plan.cells())
    cells = []
    for cell in planned:
        if cell.dataset not in prepared:
            continue
        settings = board.chosen(cell)
        record = None if settings is None else board.record("run", settings)
        if settings is not None and record is not None and record.ranks is not None:
            cells.append(_cell(board, cell, settings, record, prepared[cell.dataset]))
    return Results(
        cells,
        {name: _facts(dataset) for name, dataset in prepared.items()},
        tuple((cell.dataset, cell.encoder, cell.system, cell.seed) for cell in planned),
    )


def _cell(board: Board, cell: Cell, settings: RunSettings, record: Record, dataset: Prepared) -> CellResult:
    content = record.content
    assert record.ranks is not None
    return CellResult(
        dataset=cell.dataset,
        encoder=cell.encoder,
        system=cell.system,
        seed=cell.seed,
        dim=settings.encoder.dim,
        ranks=record.ranks,
        users=dataset.users,
        targets=dataset.targets,
        validation=dict(content["validation"]),
        trial=dict(settings.trial),
        trials=[_trial(found.content) for found in board.tried(cell) if found is not None],
        seconds=record.seconds + float(content["seconds_before"]),
        epochs=int(content["epochs"]),
        digests={
            "split": str(content["split"]),
            "version": str(content["version"]),
            "encoder": str(content["encoder_digest"]),
            "settings": settings.digest,
            "torch": str(content["torch"]),
            "threads": str(content["threads"]),
            "device": str(content["device"]),
            "package": str(content["package"]),
            "code": str(content["code"]),
        },
    )


def _trial(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a table tells of a trial."""
    return {
        "settings": dict(content["trial"]),
        "validation": dict(content["validation"]),
        "epochs": int(content["epochs"]),
        "seconds": float(content["seconds"]),
        "error": content["error"],
    }


def _facts(dataset: Prepared) -> DatasetFacts:
    return DatasetFacts(dataset.split, dataset.target_counts, dataset.user_lengths, dataset.item_counts)
