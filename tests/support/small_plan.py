"""A dataset of eighty users in the files of a real one, and a plan of seconds for it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from guided_store.reproduction import Block, DatasetPlan, Plan, Recipe, Schedule

USERS, ITEMS = 80, 30
WORDS = ("red", "blue", "green", "old", "new", "small", "large", "round", "flat")

SCHEMA = """name = "small"
version = 1
item = "thing"
scale = [0, 10]

[[attribute]]
name = "warm"
low = "cold"
high = "hot"

[[attribute]]
name = "heavy"
low = "light"
high = "heavy"

[[attribute]]
name = "famous"
low = "unknown"
high = "known to all"
"""


def write_small(folder: Path, seed: int = 0) -> Path:
    """The dataset's files under `folder/small`; returns `folder`. Item c is mostly followed by c + 1."""
    rng = np.random.default_rng(seed)
    users, items, positions = [], [], []
    for user in range(USERS):
        steps = np.where(rng.random(8) < 0.85, 1, rng.integers(2, ITEMS, 8))
        row = (rng.integers(ITEMS) + np.cumsum(steps)) % ITEMS
        users += [f"u{user:02d}"] * len(row)
        items += [f"i{item:02d}" for item in row]
        positions += list(range(len(row)))
    place = folder / "small"
    place.mkdir(parents=True)
    events = pa.table({"user_id": users, "item_id": items, "position": positions})
    pq.write_table(events, place / "interactions.parquet")
    titles = [" ".join(rng.choice(WORDS, 4)) for _ in range(ITEMS)]
    ids = [f"i{item:02d}" for item in range(ITEMS)]
    pq.write_table(pa.table({"item_id": ids, "title": titles}), place / "items.parquet")
    (place / "attributes.toml").write_text(SCHEMA, encoding="utf-8")
    with (place / "scores.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("item_id", "warm", "heavy", "famous"))
        writer.writerows((item, *rng.integers(0, 11, 3).tolist()) for item in ids)
    return folder


def small_dataset(**changes: Any) -> DatasetPlan:
    """Its plan: eight dimensions, two trials of one epoch, runs of two."""
    settings: dict[str, Any] = {
        "name": "small",
        "folder": "small",
        "scores": "small",
        "text": ("title",),
        "attributes": 3,
        "text_beside": 2,
        "hindsight": ("famous",),
        "dim": 8,
        "length": 10,
        "trials": ({"dropout": 0.2, "learning_rate": 1e-2}, {"dropout": 0.2, "learning_rate": 1e-4}),
        "schedules": {"sasrec": Schedule(2, 1, encoder={"blocks": 1}), "gru4rec": Schedule(2, 1)},
        "recipe": Recipe(build={"guided_scale": 0.2}, encoder={"residual": True}),
    }
    return DatasetPlan(**(settings | changes))


def small_plan(*systems: str, seeds: tuple[int, ...] = (1, 2), **changes: Any) -> Plan:
    """These systems of SASRec on it."""
    return Plan({"small": small_dataset(**changes)}, (Block("small", "sasrec", systems, seeds),))
