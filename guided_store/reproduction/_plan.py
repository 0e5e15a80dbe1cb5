"""What a plan of experiments is: datasets, systems, settings, and the cells in their order of priority.

A plan is plain data. The headline's own stands in `_headline`; nothing else knows a dataset by name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from guided_store.errors import UsageError

Content = Literal["none", "scores", "permuted", "random", "text", "text+scores"]


@dataclass(frozen=True)
class System:
    """One row of the headline table.

    Attributes:
        name: of the row.
        content: what stands in the fixed columns: "none" (a base), the language model's "scores", the same
            "permuted" over items, "random" normal numbers, "text" (TF-IDF and SVD), or "text+scores".
        after: the system whose chosen run of the same seed its item vectors start from, or None.
        wide: as many times the dataset's dimensions.
        item_bias: whether items have a bias.
        alone: no learned columns beside the content.
        hindsight: whether attributes that know what became famous are kept.
        recipe: whether the dataset's recipe for refinement applies (else the plain form).
    """

    name: str
    content: Content = "none"
    after: str | None = None
    wide: int = 1
    item_bias: bool = True
    alone: bool = False
    hindsight: bool = True
    recipe: bool = False


SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        System("base-plain", item_bias=False),
        System("base"),
        System("base-2d", wide=2),
        System("base-warm", after="base"),
        System("refined", content="scores", recipe=True),
        System("refined-paper", content="scores", after="base"),
        System("refined-warm", content="scores", after="base", recipe=True),
        System("guided-alone", content="scores", alone=True),
        System("permuted", content="permuted", recipe=True),
        System("random", content="random", recipe=True),
        System("text", content="text", recipe=True),
        System("permuted-warm", content="permuted", after="base", recipe=True),
        System("text-warm", content="text", after="base", recipe=True),
        System("text+guided", content="text+scores", recipe=True),
        System("no-hindsight", content="scores", hindsight=False, recipe=True),
    )
}
"""Every system, by name. What has `recipe` differs from `refined` in its content and its start."""


@dataclass(frozen=True)
class Recipe:
    """How a version is refined: arguments of `build_refined`, `EncoderConfig` and `TrainingConfig`."""

    build: Mapping[str, Any] = field(default_factory=dict)
    encoder: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Schedule:
    """How long an encoder is trained on a dataset, the same for every system.

    Attributes:
        epochs: at most, of a chosen run.
        trial_epochs: of a trial, a whole short run with its own learning-rate schedule; None makes trials as
            long as runs, and the best trial then is the run of the first seed.
        patience: epochs without a better validation NDCG@10 before stopping.
        encoder, training: further settings of this encoder on this dataset.
    """

    epochs: int
    trial_epochs: int | None
    patience: int | None = None
    encoder: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetPlan:
    """One dataset: where its files are, and the settings of every run on it.

    Attributes:
        name: in tables and folders.
        folder: of interactions.parquet and items.parquet, under the datasets' folder.
        scores: folder of scores.csv and attributes.toml there.
        text: columns of items.parquet that are an item's text.
        attributes: how many there are; the controls have as many columns.
        text_beside: text columns beside the scores in "text+scores", fewer where learned ones need the room.
        hindsight: those that know something of what was held out.
        dim, length: of item vectors, and of the histories that are read.
        trials: what is tried on the first seed, settings of encoder or training by name.
        schedules: by encoder.
        recipe: of `refined` and of the controls that share it.
    """

    name: str
    folder: str
    scores: str
    text: tuple[str, ...]
    attributes: int
    text_beside: int
    hindsight: tuple[str, ...]
    dim: int
    length: int
    trials: tuple[Mapping[str, Any], ...]
    schedules: Mapping[str, Schedule]
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Block:
    """Cells of equal priority: these systems of one encoder on one dataset, over these seeds."""

    dataset: str
    encoder: str
    systems: tuple[str, ...]
    seeds: tuple[int, ...] = (1, 2, 3)


@dataclass(frozen=True, order=True)
class Cell:
    """One number of the table before seeds are averaged."""

    dataset: str
    encoder: str
    system: str
    seed: int

    def __str__(self) -> str:
        return f"{self.dataset} {self.encoder} {self.system} seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """Datasets by name, and blocks of cells in order of priority."""

    datasets: Mapping[str, DatasetPlan]
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        for block in self.blocks:
            _known("dataset", [block.dataset], self.datasets)
            _known(f"encoder of {block.dataset}", [block.encoder], self.datasets[block.dataset].schedules)
            _known("system", block.systems, SYSTEMS)
            if not block.seeds:
                raise UsageError(f"{block.dataset} {block.encoder} has a block without seeds")

    def cells(self) -> Iterator[Cell]:
        """Every cell once, in order of priority; what a system starts from comes before it."""
        done: dict[Cell, None] = {}
        for block in self.blocks:
            for system in block.systems:
                for name in (SYSTEMS[system].after, system):
                    if name is not None:
                        done |= dict.fromkeys(
                            Cell(block.dataset, block.encoder, name, seed) for seed in block.seeds
                        )
        yield from done

    def first_seed(self, cell: Cell) -> int:
        """The seed that trials are made on, of the cell's dataset and encoder."""
        seeds = [
            block.seeds[0]
            for block in self.blocks
            if (block.dataset, block.encoder) == (cell.dataset, cell.encoder)
        ]
        return min(seeds)

    def only(
        self,
        datasets: Collection[str] | None = None,
        encoders: Collection[str] | None = None,
        systems: Collection[str] | None = None,
        seeds: int | None = None,
    ) -> Plan:
        """The part of the plan with these datasets, encoders and systems, and the seeds up to `seeds`.

        Raises:
            UsageError: the plan has no such name, or nothing is left.
        """
        _known("dataset", datasets or (), {block.dataset for block in self.blocks})
        _known("encoder", encoders or (), {block.encoder for block in self.blocks})
        _known("system", systems or (), {name for block in self.blocks for name in block.systems})
        kept = []
        for block in self.blocks:
            names = tuple(name for name in block.systems if not systems or name in systems)
            wanted = not datasets or block.dataset in datasets
            if names and wanted and (not encoders or block.encoder in encoders):
                chosen = tuple(seed for seed in block.seeds if seeds is None or seed <= seeds)
                kept.append(replace(block, systems=names, seeds=chosen))
        if not kept:
            raise UsageError("the plan has no cell of these datasets, encoders and systems together")
        return replace(self, blocks=tuple(kept))


def _known(what: str, names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"the plan has no {what} {name!r}; it has {', '.join(sorted(known))}")
