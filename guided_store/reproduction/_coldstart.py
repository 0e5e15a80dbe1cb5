"""The cold start experiment: models trained without the cold items, and a record of what they reach."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from guided_store import store as stores
from guided_store.catalogue import leave_one_out, load_sequences
from guided_store.coldstart import cold_sets, run_coldstart, without_items
from guided_store.embeddings import build_refined
from guided_store.encoders import EncoderConfig, TrainingConfig, train
from guided_store.errors import DataError
from guided_store.progress import SILENT, Progress
from guided_store.reproduction._datasets import GUIDED, prepare
from guided_store.reproduction._plan import DatasetPlan, Recipe
from guided_store.reproduction._settings import by_owner
from guided_store.store import Store, replacing
from guided_store.versions import find_version

SETS_SEED = 2
"""Draw of the cold sets; the items of draw 1 were looked at while the method was made."""

WARM_LOSS = 0.015
"""What calibration may cost warm targets on the tuning half: a margin below the 2 % that may be lost."""

BASE = "base/cold-base"


@dataclass(frozen=True)
class ColdPlan:
    """What is trained for one dataset.

    Attributes:
        epochs: of every model.
        models: refined models by name.
        base: the base that knows nothing of cold items, settings of encoder and training.
        dropout: of the refined models.
    """

    epochs: int
    models: Mapping[str, Recipe]
    base: Mapping[str, Any] = field(default_factory=dict)
    dropout: float = 0.3


_HIDDEN = {"cold_share": 0.1}

COLD_PLANS = {
    "office": ColdPlan(
        epochs=40,
        models={
            "residual": Recipe(encoder={"residual": True}, training=_HIDDEN),
            "plain": Recipe(training=_HIDDEN),
        },
        base={"dropout": 0.4, "learning_rate": 3e-3},
    ),
    "games": ColdPlan(epochs=12, models={"plain": Recipe()}, base={"dropout": 0.3}),
}
"""By dataset; the forms were chosen on the tuning sets, the base's settings by the headline's validation."""


def cold_record(work: Path, dataset: str) -> Path:
    """The file of a finished experiment."""
    return work / "coldstart" / f"{dataset}.json"


def run_cold(
    plan: DatasetPlan,
    datasets: Path | None,
    work: Path,
    *,
    cold: ColdPlan | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Train and measure on one dataset; a finished experiment is not made again, an interrupted one goes on.

    Args:
        plan: of the dataset.
        datasets: folder with the datasets' files; may be None where `work` has them.
        work: the working folder.
        cold: what to train; by default what `COLD_PLANS` has for the dataset.

    Returns:
        The experiment's record, `ColdReport.to_dict` beside the settings.

    Raises:
        UsageError, DataError: as `prepare`.
    """
    record = cold_record(work, plan.name)
    if record.exists():
        return record
    prepared = prepare(plan, datasets, work, progress=progress)
    record.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(record.with_suffix(".lock")):
        if record.exists():  # another process made it meanwhile
            return record
        folder = record.parent / plan.name
        if not folder.exists():
            with stores.publish(folder) as fresh:
                shutil.copytree(prepared.store, fresh, dirs_exist_ok=True)
        with stores.open(folder, write=True) as store:
            content = _experiment(store, plan, cold or COLD_PLANS[plan.name], progress)
        with replacing(record) as temporary:
            temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return record


def _experiment(store: Store, plan: DatasetPlan, cold: ColdPlan, progress: Progress) -> dict[str, object]:
    split = leave_one_out(load_sequences(store))
    sets = cold_sets(split.sequences, seed=SETS_SEED)
    warm = without_items(split, sets.both)
    shape = EncoderConfig(dim=plan.dim, max_length=plan.length, dropout=cold.dropout)
    training = TrainingConfig(epochs=cold.epochs, patience=cold.epochs)
    if find_version(store, BASE) is None:
        encoder, rest = by_owner(cold.base, f"the base of {plan.name}'s cold start")
        train(
            store,
            BASE.partition("/")[2],
            split=warm,
            encoder=replace(shape, **encoder),
            training=replace(training, **rest),
            progress=progress,
        )
    names = []
    for name, recipe in cold.models.items():
        names.append(f"refined/{name}")
        if find_version(store, names[-1]) is not None:
            continue
        start = f"refined/start-{name}"
        if find_version(store, start) is None:
            build_refined(store, f"start-{name}", guided=GUIDED, dim=plan.dim, **recipe.build)
        train(
            store,
            name,
            split=warm,
            items=start,
            encoder=replace(shape, **recipe.encoder),
            training=replace(training, **recipe.training),
            progress=progress,
        )
    report = run_coldstart(
        store,
        split=split,
        sets=sets,
        models=names,
        bases=[BASE],
        reference=BASE,
        guided=GUIDED,
        hindsight=list(plan.hindsight),
        fields=list(plan.text),
        warm_loss=WARM_LOSS,
        progress=progress,
    )
    settings = {
        "epochs": cold.epochs,
        "dropout": cold.dropout,
        "base": dict(cold.base),
        "models": {name: dict(r.encoder) | dict(r.training) for name, r in cold.models.items()},
    }
    return {"dataset": plan.name, "settings": settings, "seed": training.seed} | report.to_dict()


def gather_cold(work: Path, names: Sequence[str] = tuple(COLD_PLANS)) -> dict[str, dict[str, Any]]:
    """The records that are there, by dataset.

    Raises:
        DataError: a damaged one.
    """
    found = {}
    for name in names:
        path = cold_record(work, name)
        if path.exists():
            try:
                found[name] = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise DataError(f"{path} is damaged ({error}); remove it, and it is made again") from None
    return found
