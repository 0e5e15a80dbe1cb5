"""From a cell of the plan to everything that determines one training run, and its digest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guided_store.encoders import EncoderConfig, TrainingConfig
from guided_store.errors import UsageError
from guided_store.reproduction._plan import SYSTEMS, Cell, Content, DatasetPlan, Recipe, System

DIGITS = 12

_ENCODER = {field.name for field in dataclasses.fields(EncoderConfig)}
_TRAINING = {field.name for field in dataclasses.fields(TrainingConfig)}


@dataclass(frozen=True)
class RunSettings:
    """One training run.

    Attributes:
        cell: dataset, encoder, system and seed.
        trial: what was tried or chosen.
        epochs: at most.
        content: what stands in the fixed columns, see `System`.
        exclude: attributes that are left out.
        build: arguments of `build_refined` beside names and parents; empty for a base.
        encoder, training: as they go into `train`.
        start: digest of the run whose item vectors this one starts from, or None.
        text: "fields" that are read and number of "columns", where the content has text.
    """

    cell: Cell
    trial: Mapping[str, Any]
    epochs: int
    content: Content
    exclude: tuple[str, ...]
    build: Mapping[str, Any]
    encoder: EncoderConfig
    training: TrainingConfig
    start: str | None
    text: Mapping[str, Any]

    @property
    def refined(self) -> bool:
        return self.content != "none"

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable; two runs with equal dicts are the same run."""
        return {
            "dataset": self.cell.dataset,
            "system": self.cell.system,
            "seed": self.cell.seed,
            "content": self.content,
            "exclude": list(self.exclude),
            "build": dict(self.build),
            "encoder": self.encoder.to_dict(),
            "training": self.training.to_dict(),
            "start": self.start,
            "text": dict(self.text),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the settings, its first `DIGITS` hexadecimal digits."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def run_settings(
    plan: DatasetPlan, cell: Cell, trial: Mapping[str, Any], *, short: bool, start: str | None = None
) -> RunSettings:
    """The settings of one run.

    Args:
        plan: of the cell's dataset.
        cell: which one.
        trial: the settings that are tried or were chosen; they win over all others.
        short: whether this is a trial with fewer epochs than a run.
        start: digest of the run it starts from, where its system has one.

    Raises:
        UsageError: a setting that neither encoder nor training has, or impossible values.
    """
    system, schedule = SYSTEMS[cell.system], plan.schedules[cell.encoder]
    recipe = plan.recipe if system.recipe else Recipe()
    epochs = schedule.trial_epochs if short and schedule.trial_epochs is not None else schedule.epochs
    columns = content_columns(plan, system)
    dim = columns if system.alone else plan.dim * system.wide
    if columns > dim:
        raise UsageError(f"{cell}: {columns} content columns do not fit into {dim} dimensions")

    encoder: dict[str, Any] = {"dim": dim, "max_length": plan.length, **schedule.encoder, **recipe.encoder}
    if encoder.get("residual") or encoder.get("user"):
        encoder |= {"fixed": columns, "attributes": columns}
    training: dict[str, Any] = {
        "epochs": epochs,
        "patience": schedule.patience,
        "item_bias": system.item_bias,
        **schedule.training,
        **recipe.training,
        "seed": cell.seed,
    }
    tried = by_owner(trial, f"a trial of {plan.name}")
    encoder |= tried[0]
    training |= tried[1]

    build: dict[str, Any] = {}
    if system.content != "none":
        build = {"dim": dim, **({} if system.alone else recipe.build)}
        if system.alone and "guided_scale" in plan.recipe.build:
            build["guided_scale"] = plan.recipe.build["guided_scale"]
    return RunSettings(
        cell=cell,
        trial=dict(trial),
        epochs=epochs,
        content=system.content,
        exclude=() if system.hindsight else plan.hindsight,
        build=build,
        encoder=EncoderConfig.of(cell.encoder, **encoder),
        training=TrainingConfig.from_dict(training),
        start=start,
        text=_text(plan, system),
    )


def by_owner(settings: Mapping[str, Any], what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings by name, parted into those of `EncoderConfig` and those of `TrainingConfig`.

    Raises:
        UsageError: one that neither has; `what` names where it stands.
    """
    for name in settings:
        if name not in _ENCODER | _TRAINING:
            raise UsageError(f"{what} sets {name!r}, which neither encoder nor training has")
    encoder = {name: value for name, value in settings.items() if name in _ENCODER}
    return encoder, {name: value for name, value in settings.items() if name not in _ENCODER}


def _text(plan: DatasetPlan, system: System) -> dict[str, Any]:
    columns = {"text": plan.attributes, "text+scores": plan.text_beside}.get(system.content)
    return {} if columns is None else {"fields": list(plan.text), "columns": columns}


def content_columns(plan: DatasetPlan, system: System) -> int:
    """How many fixed columns the system's items have."""
    if system.content == "none":
        return 0
    if system.content == "text+scores":
        return plan.attributes + plan.text_beside
    return plan.attributes - (0 if system.hindsight else len(plan.hindsight))
