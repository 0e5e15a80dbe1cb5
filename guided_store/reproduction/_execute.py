"""One trial or run from its settings to its record."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from guided_store import store as stores
from guided_store.catalogue import Split
from guided_store.embeddings import build_refined
from guided_store.encoders import load_scorer, read_manifest, train
from guided_store.errors import DataError, EncoderError
from guided_store.evaluation import summarise, target_ranks
from guided_store.progress import Progress
from guided_store.reproduction._content import content_version
from guided_store.reproduction._datasets import Prepared
from guided_store.reproduction._records import Kind, record_path, write_record
from guided_store.reproduction._settings import RunSettings
from guided_store.store import Store
from guided_store.versions import ancestry, find_version

_START = "start"


@dataclass(frozen=True)
class Place:
    """Where a worker works.

    Attributes:
        work: the working folder.
        device: torch device.
        progress: where to report.
    """

    work: Path
    device: str
    progress: Progress

    def store_of(self, settings: RunSettings) -> Path:
        """The folder of a run's own store, with its name's folder around it."""
        cell = settings.cell
        name = f"{cell.dataset}-{cell.encoder}-{cell.system}-s{cell.seed}-{settings.digest}"
        return self.work / "stores" / name / "store"


def execute(
    place: Place,
    prepared: Prepared,
    split: Split,
    kind: Kind,
    settings: RunSettings,
    before: RunSettings | None,
    seconds_before: float,
) -> None:
    """Train one run in a store of its own, and record it. What a killed attempt left is gone on with.

    A run whose loss is not finite is recorded as failed: as a trial it loses, as a chosen run it is missing.

    Args:
        place: where to work.
        prepared, split: the dataset.
        kind: a "trial" is never read on the test cases.
        settings: of the run.
        before: settings of the run it starts from, whose store is there.
        seconds_before: what that one took.
    """
    folder = place.store_of(settings)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(".tmp-*"):
            shutil.rmtree(left, ignore_errors=True)
        source = prepared.store if before is None else place.store_of(before)
        if before is not None and not source.exists():
            record = record_path(place.work, "run", before)
            raise DataError(
                f"{settings.cell} starts from {source}, which is gone; remove {record}, and it is made again"
            )
        with stores.publish(folder) as fresh:
            shutil.copytree(source, fresh, dirs_exist_ok=True)
    content: dict[str, Any] = {
        "split": split.digest,
        "seconds_before": seconds_before,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "device": place.device,
        "error": None,
    }
    arrays: dict[str, NDArray[Any]] | None = None
    with stores.open(folder, write=True) as store:
        ref = _ref(settings)
        try:
            if find_version(store, ref) is None:
                _train(store, split, settings, before, place)
        except EncoderError as error:
            content |= {"error": str(error), "validation": {}, "history": [], "epochs": 0, "seconds": 0.0}
        else:
            content |= _report(store, ref)
            if kind == "run":
                ranks = target_ranks(
                    load_scorer(store, ref, split)[0], split, "test", progress=place.progress
                )
                content["test"] = summarise(ranks)
                arrays = {"ranks": ranks, "users": prepared.users, "targets": prepared.targets}
    write_record(record_path(place.work, kind, settings), kind, settings, content, arrays)


def _ref(settings: RunSettings) -> str:
    return f"{'refined' if settings.refined else 'base'}/{_name(settings)}"


def _name(settings: RunSettings) -> str:
    # the store of a warm start holds the version it starts from
    return settings.cell.system.replace("+", "-")


def _train(
    store: Store, split: Split, settings: RunSettings, before: RunSettings | None, place: Place
) -> None:
    items = "learned" if before is None else _ref(before)
    if settings.refined:
        start = f"refined/{_START}"
        if find_version(store, start) is None:
            guided = content_version(
                store, settings.content, settings.cell.seed, settings.text.get("columns", 0)
            )
            build_refined(
                store,
                _START,
                base=None if before is None else items,
                guided=guided,
                exclude=settings.exclude,
                **settings.build,
            )
        items = start
    train(
        store,
        _name(settings),
        split=split,
        items=items,
        encoder=settings.encoder,
        training=settings.training,
        device=place.device,
        progress=place.progress,
    )


def _report(store: Store, ref: str) -> dict[str, Any]:
    manifest, weights = read_manifest(store, ref)
    report = manifest.training
    return {
        "validation": report["validation"],
        "history": report["history"],
        "best_epoch": report["best_epoch"],
        "epochs": report["epochs"],
        "stopped": report["stopped"],
        "seconds": report["seconds"],
        "resolved": report.get("resolved", {}),
        "version": manifest.version_digest,
        "made_from": {str(info.ref): info.digest for info in ancestry(store, ref)[1:]},
        "encoder_digest": weights,
    }
