"""What the finished cells of a plan found, in the one form that tables are made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CellResult:
    """One chosen run on the test cases.

    Attributes:
        dataset, encoder, system, seed: which cell ("office", "sasrec", "refined", 1).
        dim: width of the item vectors.
        ranks: float64 (C,), rank of each test case's target, `inf` where it was not ranked.
        users: int64 (C,), user row of each case; cases stand in the same order for every cell of a dataset.
        targets: int32 (C,), item code of each case's target.
        validation: metrics of the kept epoch on the validation cases ("ndcg@10" and so on).
        trial: settings that the trials on seed 1 chose (dropout, learning rate).
        trials: every trial of this system on seed 1: {"settings", "validation", "epochs", "seconds"}.
        seconds: training time of this run, validation included; for a system of two stages both.
        epochs: epochs that were trained, of the last stage.
        digests: "split", "version", and what else identifies the run ("settings", "torch", "threads").
    """

    dataset: str
    encoder: str
    system: str
    seed: int
    dim: int
    ranks: NDArray[np.float64]
    users: NDArray[np.int64]
    targets: NDArray[np.int32]
    validation: dict[str, float]
    trial: dict[str, Any]
    trials: list[dict[str, Any]]
    seconds: float
    epochs: int
    digests: dict[str, str]


@dataclass(frozen=True)
class DatasetFacts:
    """What strata are made from, the same for every cell of a dataset.

    Attributes:
        split: digest of the split.
        target_counts: int64 (C,), training events of each test case's target item.
        user_lengths: int64 (C,), training events of each test case's user.
        item_counts: int64 (V,), training events of every item.
    """

    split: str
    target_counts: NDArray[np.int64]
    user_lengths: NDArray[np.int64]
    item_counts: NDArray[np.int64]


@dataclass(frozen=True)
class Results:
    """All finished cells.

    Attributes:
        cells: in the order of the plan.
        datasets: facts of each dataset that has a cell.
        planned: (dataset, encoder, system, seed) of every cell of the plan, finished or not.
    """

    cells: Sequence[CellResult]
    datasets: Mapping[str, DatasetFacts]
    planned: Sequence[tuple[str, str, str, int]] = field(default_factory=tuple)

    def of(self, dataset: str, encoder: str, system: str) -> list[CellResult]:
        """The finished cells of one system, by seed."""
        found = [c for c in self.cells if (c.dataset, c.encoder, c.system) == (dataset, encoder, system)]
        return sorted(found, key=lambda cell: cell.seed)

    def tables(self) -> Iterator[tuple[str, str]]:
        """(dataset, encoder) of every table, in the plan's order."""
        yield from dict.fromkeys((dataset, encoder) for dataset, encoder, _, _ in self.planned)
