"""Versions of the bundled films trained on simulated viewers, made once."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch

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
from guided_store.encoders import EncoderConfig, TrainingConfig, copy_encoder, load_encoder, train
from guided_store.evaluation import Cases
from guided_store.interpretation._subject import Reading, Subject, load_subject, read_cases, sample_cases
from guided_store.scoring import import_scores
from guided_store.simulation import simulate_films
from guided_store.store import Store, create
from guided_store.versions import embedding_digest, load_embedding, parse_ref, write_version

SHAPE = EncoderConfig(dim=32, blocks=1, max_length=15)


def fill(folder: Path) -> Store:
    """refined/s1 and /s2 differ in their seed, /full has every refinement, /deaf reads no attributes."""
    store = create(folder / "store")
    items, events = folder / "films.csv", folder / "views.csv"
    catalogue = films()
    with items.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("item_id", "title"))
        writer.writerows(zip(catalogue.ids, catalogue.titles, strict=True))
    ingest_items(store, items, ItemLayout(item_id="item_id", title="title", text=()))
    simulate_films(users=120, known=200, seed=3).write_csv(events)
    ingest_interactions(store, events, InteractionLayout(user="user_id", item="item_id", time="timestamp"))
    scores = resources.files("guided_store") / "data" / "films" / "scores.csv"
    with resources.as_file(scores) as path:
        import_scores(store, path, load_schema("films"), as_name="films")
    build_refined(store, "start", guided="guided/films", dim=32)
    build_refined(store, "few", guided="guided/films", dim=32, exclude=["pace"])
    split = leave_one_out(load_sequences(store))

    def make(
        name: str, shape: EncoderConfig = SHAPE, items: str = "refined/start", **settings: object
    ) -> None:
        training = TrainingConfig(epochs=2, batch_size=16, **settings)  # type: ignore[arg-type]
        train(store, name, split=split, items=items, encoder=shape, training=training)

    make("base", items="learned")
    make("s1", seed=1)
    make("s2", seed=2)
    make("other", items="refined/few")
    full = EncoderConfig(dim=32, blocks=1, max_length=15, residual=True, user=True)
    make("full", full, calibrate=True)
    _deafen(store)
    return store


def _deafen(store: Store) -> None:
    """A copy of refined/s1 whose encoder hears nothing of the attribute columns; they score all the same."""
    heard = load_embedding(store, "refined/s1")
    encoder = load_encoder(store, heard)
    with torch.no_grad():
        encoder.model.gain[: len(heard.attributes)] = 0
    ref = parse_ref("refined/deaf")
    digest = embedding_digest(heard.item_ids, heard.vectors, heard.bias, heard.raw, heard.std)
    copy_encoder(store, encoder, ref, digest)
    write_version(
        store,
        ref,
        heard.item_ids,
        heard.vectors,
        bias=heard.bias,
        raw=heard.raw,
        imputed=heard.imputed,
        std=heard.std,
        recipe=heard.info.recipe,
    )


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with fill(tmp_path_factory.mktemp("interpretation")) as made:
        yield made


@pytest.fixture(scope="session")
def cases(store: Store) -> Cases:
    return Cases(leave_one_out(load_sequences(store)))


@pytest.fixture(scope="session")
def subject(store: Store, cases: Cases) -> Subject:
    return load_subject(store, "refined/s1", cases)


@pytest.fixture(scope="session")
def reading(subject: Subject, cases: Cases) -> Reading:
    found = read_cases(subject, cases, sample_cases(cases, 60, 0))
    assert len(found) == 60
    assert np.diff(found.numbers).min() > 0
    return found
