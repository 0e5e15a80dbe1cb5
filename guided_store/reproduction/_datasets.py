"""A dataset's files made into a store once, which every run gets a copy of."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from guided_store import store as stores
from guided_store.attributes import load_schema
from guided_store.catalogue import (
    InteractionLayout,
    ItemLayout,
    Split,
    ingest_interactions,
    ingest_items,
    leave_one_out,
    load_sequences,
)
from guided_store.errors import DataError, UsageError
from guided_store.progress import SILENT, Progress
from guided_store.reproduction._plan import DatasetPlan
from guided_store.scoring import import_scores
from guided_store.versions import get_version

GUIDED = "guided/scores"

_FACTS, _CASES, _STORE = "dataset.json", "cases.npz", "store"


@dataclass(frozen=True)
class Prepared:
    """A dataset in the working folder.

    Attributes:
        plan: what it was made by.
        store: folder of the store with catalogue, interactions and the guided version; never written again.
        split: digest of the leave-one-out split.
        files: SHA-256 of each file it was made from.
        users: int64 (C,), user row of each test case.
        targets: int32 (C,), item code of each test case's target.
        target_counts: int64 (C,), training events of each target.
        user_lengths: int64 (C,), training events of each test case's user.
        item_counts: int64 (V,), training events of every item.
    """

    plan: DatasetPlan
    store: Path
    split: str
    files: Mapping[str, str]
    users: NDArray[np.int64]
    targets: NDArray[np.int32]
    target_counts: NDArray[np.int64]
    user_lengths: NDArray[np.int64]
    item_counts: NDArray[np.int64]

    def load_split(self) -> Split:
        """The split itself, from the store.

        Raises:
            DataError: it is not the recorded one.
        """
        with stores.open(self.store) as store:
            split = leave_one_out(load_sequences(store))
        if split.digest != self.split:
            raise DataError(
                f"{self.store} no longer holds the events it was made from; remove {self.store.parent}"
            )
        return split


def prepare(plan: DatasetPlan, datasets: Path | None, work: Path, *, progress: Progress = SILENT) -> Prepared:
    """The dataset under `work`, made there from its files where it is not yet.

    Args:
        plan: which dataset.
        datasets: folder with the folders of files; None where it has to be there already.
        work: the working folder.
        progress: shows the ingest.

    Raises:
        UsageError: a file is missing, or the dataset was made here from other files.
        DataError: files that cannot be read, or with another number of attributes than the plan has.
    """
    if datasets is None:
        found = find_prepared(plan, work)
        if found is None:
            raise UsageError(f"{plan.name} is not in {work} yet; say where its files are with --datasets")
        return found
    files = _digests(plan, datasets)
    folder = _folder(plan, work)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        facts = folder / _FACTS
        if not facts.exists():
            _make(plan, datasets, folder, files, progress)
        elif json.loads(facts.read_text(encoding="utf-8"))["files"] != files:
            raise UsageError(
                f"{folder} was made from other files than those in {datasets}; name another --work"
            )
    return _read(plan, folder)


def find_prepared(plan: DatasetPlan, work: Path) -> Prepared | None:
    """The dataset under `work`, None where it was not made there yet."""
    folder = _folder(plan, work)
    return _read(plan, folder) if (folder / _FACTS).exists() else None


def _folder(plan: DatasetPlan, work: Path) -> Path:
    return work / "datasets" / plan.name


def _files(plan: DatasetPlan) -> dict[str, str]:
    """What each file is for, and its path under the datasets' folder."""
    return {
        "interactions": f"{plan.folder}/interactions.parquet",
        "items": f"{plan.folder}/items.parquet",
        "scores": f"{plan.scores}/scores.csv",
        "attributes": f"{plan.scores}/attributes.toml",
    }


def _digests(plan: DatasetPlan, datasets: Path) -> dict[str, str]:
    found = {}
    for name in _files(plan).values():
        path = datasets / name
        if not path.is_file():
            raise UsageError(f"there is no file {path}, which {plan.name} needs; is --datasets right?")
        with path.open("rb") as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _make(
    plan: DatasetPlan, datasets: Path, folder: Path, files: Mapping[str, str], progress: Progress
) -> None:
    paths = {what: datasets / name for what, name in _files(plan).items()}
    schema = load_schema(str(paths["attributes"]))
    if len(schema) != plan.attributes:
        raise DataError(
            f"{paths['attributes']} has {len(schema)} attributes, where the plan of {plan.name} says "
            f"{plan.attributes}"
        )
    schema.columns(exclude=plan.hindsight)  # refuses names that it does not have
    shutil.rmtree(folder / _STORE, ignore_errors=True)  # of an attempt that was killed
    with stores.create(folder / _STORE) as store:
        ingest_items(
            store,
            paths["items"],
            ItemLayout(item_id="item_id", title="title", text=plan.text[1:]),
            progress=progress,
        )
        layout = InteractionLayout(user="user_id", item="item_id", order="position")
        ingest_interactions(store, paths["interactions"], layout, progress=progress)
        import_scores(store, paths["scores"], schema, as_name="scores", progress=progress)
        split = leave_one_out(load_sequences(store))
        guided = get_version(store, GUIDED)
    counts = split.train.counts()
    targets = split.test.items(split.sequences)
    with stores.replacing(folder / _CASES) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            users=split.test.users,
            targets=targets,
            target_counts=counts[targets],
            user_lengths=split.train_ends[split.test.users],
            item_counts=counts,
        )
    # last: where this file is, all is
    stores.write_json(
        folder / _FACTS,
        {
            "dataset": plan.name,
            "files": dict(files),
            "split": split.digest,
            "users": split.sequences.n_users,
            "items": split.sequences.n_items,
            "events": split.sequences.n_events,
            "guided_digest": guided.digest,
            "coverage": guided.recipe.get("coverage"),
        },
    )


def _read(plan: DatasetPlan, folder: Path) -> Prepared:
    facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    with np.load(folder / _CASES, allow_pickle=False) as cases:
        return Prepared(
            plan,
            folder / _STORE,
            str(facts["split"]),
            cast("dict[str, str]", facts["files"]),
            cases["users"],
            cases["targets"],
            cases["target_counts"],
            cases["user_lengths"],
            cases["item_counts"],
        )
