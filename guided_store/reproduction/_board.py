"""How far a plan is, read from the records alone: what is chosen, what is ready to run, what is left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from guided_store.reproduction._plan import SYSTEMS, Cell, Plan
from guided_store.reproduction._records import Kind, Record, read_record, record_path
from guided_store.reproduction._settings import RunSettings, run_settings


@dataclass(frozen=True)
class Unit:
    """One training run to be made.

    Attributes:
        kind: "trial" or "run".
        settings: of the run.
        before: of the finished run that it starts from, or None.
        seconds_before: what that run and its own took.
    """

    kind: Kind
    settings: RunSettings
    before: RunSettings | None = None
    seconds_before: float = 0.0

    @property
    def group(self) -> Cell:
        """The cell without its seed: what shares trials."""
        return replace(self.settings.cell, seed=0)

    def __str__(self) -> str:
        cell = self.settings.cell
        tried = ", ".join(f"{name} {value:g}" for name, value in self.settings.trial.items())
        what = "trial" if self.kind == "trial" else f"seed {cell.seed}"
        return f"{cell.dataset} {cell.encoder} {cell.system}, {what}, {tried}"


class Board:
    """The state of a plan in a working folder. Records that were found once are not read again.

    Args:
        plan: what is to be done.
        work: the working folder.
        splits: digest of the split of each dataset that is known; records of another are refused.
    """

    def __init__(self, plan: Plan, work: Path, splits: Mapping[str, str]) -> None:
        self.plan, self.work, self.splits = plan, work, splits
        self._found: dict[tuple[Kind, str], Record] = {}

    def record(self, kind: Kind, settings: RunSettings) -> Record | None:
        """A finished run's record, None where it is not finished."""
        key = (kind, f"{settings.cell} {settings.digest}")
        if key not in self._found:
            path = record_path(self.work, kind, settings)
            record = read_record(path, kind, settings, self.splits.get(settings.cell.dataset))
            if record is None:
                return None
            self._found[key] = record
        return self._found[key]

    def trials(self, cell: Cell) -> list[RunSettings] | None:
        """Settings of the trials of a cell's system, None until the run they start from is there."""
        first = replace(cell, seed=self.plan.first_seed(cell))
        known, start = self._start(first)
        if not known:
            return None
        plan = self.plan.datasets[cell.dataset]
        return [run_settings(plan, first, trial, short=True, start=start) for trial in plan.trials]

    def tried(self, cell: Cell) -> list[Record | None]:
        """A record, or None, for each trial."""
        trials = self.trials(cell) or []
        return [self.record("trial", settings) for settings in trials]

    def chosen(self, cell: Cell) -> RunSettings | None:
        """Settings of the cell's run: the trial of the best validation NDCG@10, the earlier of equal ones.

        None until all trials are finished and what the run starts from is there, or where all failed.
        """
        records = self.tried(cell)
        done = [record for record in records if record is not None]
        if not done or len(done) < len(records) or all(record.failed for record in done):
            return None
        known, start = self._start(cell)
        if not known:
            return None
        plan = self.plan.datasets[cell.dataset]
        best = max(range(len(done)), key=lambda place: (done[place].score, -place))
        return run_settings(plan, cell, plan.trials[best], short=False, start=start)

    def result(self, cell: Cell) -> Record | None:
        """The record of a cell's run, None where there is none yet."""
        settings = self.chosen(cell)
        return None if settings is None else self.record("run", settings)

    def ready(self) -> Iterator[Unit]:
        """What can be made now, most urgent first."""
        for cell in self.plan.cells():
            trials = self.trials(cell)
            if trials is None:
                continue
            first = replace(cell, seed=self.plan.first_seed(cell))
            for settings in trials:
                if self.record("trial", settings) is None:
                    yield self._unit("trial", settings, first)
            chosen = self.chosen(cell)
            if chosen is not None and self.record("run", chosen) is None:
                yield self._unit("run", chosen, cell)

    def left(self) -> list[tuple[Cell, Kind]]:
        """What is still to be made, what is not ready yet included."""
        found: list[tuple[Cell, Kind]] = []
        groups: set[Cell] = set()
        for cell in self.plan.cells():
            group = replace(cell, seed=0)
            records = self.tried(cell) or [None] * len(self.plan.datasets[cell.dataset].trials)
            if group not in groups:
                groups.add(group)
                found += [(cell, "trial")] * sum(record is None for record in records)
            if all(record is not None and record.failed for record in records):
                continue
            if self.result(cell) is None:
                found.append((cell, "run"))
        return found

    def seconds(self) -> dict[tuple[str, str, Kind], list[float]]:
        """Seconds of the finished runs by dataset, encoder and kind, as far as they have been looked at."""
        found: dict[tuple[str, str, Kind], list[float]] = {}
        for (kind, _), record in self._found.items():
            settings = record.content["settings"]
            key = (settings["dataset"], settings["encoder"]["architecture"], kind)
            if not record.failed:
                found.setdefault(key, []).append(record.seconds)
        return found

    def _start(self, cell: Cell) -> tuple[bool, str | None]:
        """Whether what a cell starts from is there, and its digest where it starts from anything."""
        after = SYSTEMS[cell.system].after
        if after is None:
            return True, None
        before = self.chosen(replace(cell, system=after))
        if before is None:
            return False, None
        record = self.record("run", before)
        if record is None or record.failed:
            return False, None
        return True, before.digest

    def _unit(self, kind: Kind, settings: RunSettings, cell: Cell) -> Unit:
        after = SYSTEMS[cell.system].after
        before = None if after is None else self.chosen(replace(cell, system=after))
        record = None if before is None else self.record("run", before)
        if before is None or record is None:
            return Unit(kind, settings)
        return Unit(kind, settings, before, record.seconds + float(record.content["seconds_before"]))
