"""A small trained store on bundled films and simulated viewers, made once."""

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
from guided_store.retrieval import Recommender
from guided_store.scoring import import_scores
from guided_store.simulation import simulate_films
from guided_store.store import Store, create

DIM = 32


def fill(folder: Path) -> Store:
    """Films, 150 viewers of the 200 best known, base, guided, refined and trained."""
    store = create(folder / "store")
    items, events = folder / "films.csv", folder / "views.csv"
    catalogue = films()
    with items.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("item_id", "title", "year"))
        writer.writerows(zip(catalogue.ids, catalogue.titles, catalogue.years.tolist(), strict=True))
    ingest_items(store, items, ItemLayout(item_id="item_id", title="title", text=()))
    simulate_films(users=150, known=200, seed=3).write_csv(events)
    ingest_interactions(store, events, InteractionLayout(user="user_id", item="item_id", time="timestamp"))
    scores = resources.files("guided_store") / "data" / "films" / "scores.csv"
    with resources.as_file(scores) as path:
        import_scores(store, path, load_schema("films"), as_name="films")
    split = leave_one_out(load_sequences(store))
    shape = EncoderConfig(dim=DIM, blocks=1, max_length=20)
    settings = TrainingConfig(epochs=3, batch_size=16)
    train(store, "small", split=split, encoder=shape, training=settings)
    build_refined(store, "start", base="base/small", guided="guided/films")
    train(store, "small", split=split, items="refined/start", encoder=shape, training=settings)
    return store


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("trained")) as store:
        yield store


@pytest.fixture(scope="session")
def recommender(trained: Store) -> Recommender:
    return Recommender.load(trained, "refined/small")
