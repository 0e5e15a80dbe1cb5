"""Two small versions of the bundled films trained on simulated viewers, made once."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from guided_store.attributes import load_schema
from guided_store.catalogue import (
    InteractionLayout,
    ItemLayout,
    ingest_interactions,
    ingest_items,
    leave_one_out,
    load_sequences,
)
from guided_store.data import films
from guided_store.embeddings import build_refined
from guided_store.encoders import EncoderConfig, TrainingConfig, train
from guided_store.evaluation import Cases
from guided_store.scoring import import_scores
from guided_store.simulation import simulate_films
from guided_store.store import Store, create

HOSTILE = "<script>alert('x')</script> & \"co\", The"


def fill(folder: Path) -> Store:
    """base/small, refined/small (24 attributes) and refined/calm, which lacks humor; one title is hostile."""
    store = create(folder / "store")
    items, events = folder / "films.csv", folder / "views.csv"
    catalogue = films()
    views = simulate_films(users=80, known=120, seed=3)
    views.write_csv(events)
    with events.open(encoding="utf-8") as file:
        most = next(csv.DictReader(file))["item_id"]
    with items.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("item_id", "title"))
        for item, title in zip(catalogue.ids, catalogue.titles, strict=True):
            writer.writerow((item, HOSTILE if item == most else title))
    ingest_items(store, items, ItemLayout(item_id="item_id", title="title", text=()))
    ingest_interactions(store, events, InteractionLayout(user="user_id", item="item_id", time="timestamp"))
    scores = resources.files("guided_store") / "data" / "films" / "scores.csv"
    with resources.as_file(scores) as path:
        import_scores(store, path, load_schema("films"), as_name="films")
    split = leave_one_out(load_sequences(store))
    shape = EncoderConfig(dim=32, blocks=1, max_length=15)
    settings = TrainingConfig(epochs=1, batch_size=16)
    train(store, "small", split=split, encoder=shape, training=settings)
    for name, excluded in (("small", []), ("calm", ["humor"])):
        build_refined(store, f"start-{name}", guided="guided/films", dim=32, exclude=excluded)
        train(store, name, split=split, items=f"refined/start-{name}", encoder=shape, training=settings)
    return store


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("survey")) as store:
        yield store


@pytest.fixture(scope="session")
def cases(trained: Store) -> Cases:
    return Cases(leave_one_out(load_sequences(trained)))
