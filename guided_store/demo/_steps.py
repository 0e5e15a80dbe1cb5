"""The steps of the demo that build its store, each left as it is where an earlier run finished it."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from guided_store import store as stores
from guided_store.attributes import load_schema
from guided_store.catalogue import (
    InteractionLayout,
    ItemLayout,
    Split,
    has_interactions,
    ingest_interactions,
    ingest_items,
    leave_one_out,
    load_sequences,
)
from guided_store.data import films
from guided_store.embeddings import build_refined
from guided_store.encoders import EncoderConfig, TrainingConfig, read_manifest, train
from guided_store.errors import UsageError
from guided_store.progress import Progress
from guided_store.retrieval import build_index
from guided_store.scoring import import_scores
from guided_store.simulation import simulate_films
from guided_store.store import Store
from guided_store.versions import find_version, get_version, parse_ref, resolve, set_alias

NOTE = "demo.json"
GUIDED, BASE, START, REFINED = "guided/films", "base/sasrec", "refined/start", "refined/films"
DIM, LENGTH, BATCH, EPOCHS, PATIENCE = 64, 50, 64, 24, 4
ALIAS = "production"

Say = Callable[[str], None]


def open_demo(uri: str, users: int, seed: int, wait: float) -> Store:
    """The demo's own store, new or from an earlier run with the same settings.

    Raises:
        UsageError: the folder is a store of other data, or of a demo with other settings.
    """
    wanted = {"users": users, "seed": seed}
    store = stores.open_or_create(uri, wait=wait)
    note = store.root / NOTE  # not made from `uri`, which may begin with "~"
    try:
        if not note.exists() and store.table_names():
            raise UsageError(f"{uri} holds data of its own; give the demo another place with --store FOLDER")
        if note.exists() and json.loads(note.read_text(encoding="utf-8")) != wanted:
            raise UsageError(f"{uri} holds a demo with other settings; remove it, or name another --store")
        stores.write_json(note, wanted)
    except BaseException:
        store.close()
        raise
    return store


def build_demo(store: Store, users: int, seed: int, say: Say, progress: Progress) -> Split:
    """Everything from the catalogue to the alias; returns the split that trained."""
    say("1. Catalogue and histories")
    _ingest(store, users, seed, progress)
    sequences = load_sequences(store)
    split = leave_one_out(sequences)
    say(f"   {store.count('items'):,} real films")
    say(f"   {sequences.n_users:,} simulated viewers with {sequences.n_events:,} simulated events")

    say("2. Guided: attributes that a language model scored, which saw no interaction")
    if find_version(store, GUIDED) is None:
        with resources.as_file(resources.files("guided_store") / "data" / "films" / "scores.csv") as scores:
            schema = load_schema("films")
            import_scores(store, scores, schema, as_name=parse_ref(GUIDED).name, progress=progress)
    info = get_version(store, GUIDED)
    say(f"   {GUIDED}: {info.rows:,} films x {info.dim} attributes")

    say("3. Base: SASRec learns item vectors and an encoder from the histories alone")
    _train(store, BASE, "learned", split, seed, say, progress)

    say("4. Refined: the attributes, frozen, beside the reduced base; the rest learns on")
    if find_version(store, START) is None:
        build_refined(store, parse_ref(START).name, base=BASE, guided=GUIDED)
    _train(store, REFINED, START, split, seed, say, progress)

    say("5. Index and alias")
    name = f"{REFINED}/flat"
    if not store.artifact("indexes", name).is_dir():
        build_index(store, REFINED, factory="Flat", name="flat", progress=progress)
    try:
        there = resolve(store, ALIAS)
    except UsageError:
        there = None
    if there != (parse_ref(REFINED), name):
        set_alias(store, ALIAS, REFINED, index=name)
    say(f"   {name} searches exactly; the alias {ALIAS} points to both")
    return split


def _ingest(store: Store, users: int, seed: int, progress: Progress) -> None:
    if has_interactions(store):
        return
    catalogue = films()
    with tempfile.TemporaryDirectory() as folder:
        items, events = Path(folder) / "films.csv", Path(folder) / "simulated.csv"
        with items.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("item_id", "title", "year"))
            writer.writerows(zip(catalogue.ids, catalogue.titles, catalogue.years.tolist(), strict=True))
        ingest_items(store, items, ItemLayout(item_id="item_id", title="title", text=()), progress=progress)
        simulate_films(users=users, seed=seed).write_csv(events)
        layout = InteractionLayout(user="user_id", item="item_id", time="timestamp")
        ingest_interactions(store, events, layout, progress=progress)


def _train(store: Store, ref: str, items: str, split: Split, seed: int, say: Say, progress: Progress) -> None:
    if find_version(store, ref) is None:
        dim = DIM if items == "learned" else get_version(store, items).dim
        train(
            store,
            parse_ref(ref).name,
            split=split,
            items=items,
            encoder=EncoderConfig(dim=dim, max_length=LENGTH),
            training=TrainingConfig(batch_size=BATCH, epochs=EPOCHS, patience=PATIENCE, seed=seed),
            progress=progress,
        )
    manifest, _ = read_manifest(store, ref)
    report = manifest.training
    say(
        f"   {ref}: {manifest.config.dim} dimensions, best of {report['epochs']} epochs: "
        f"{report['best_epoch']}, in {report['seconds']:.0f} s"
    )
