"""How far a local model's scores agree with those of a large language model, by attribute.

    python benchmarks/local_scoring.py --model FOLDER [--set films] [--fields genres,plot] [--rules] [--json]

Sets: films (the items of MovieLens-1M against the bundled scores), amazon-office, games; they are looked for
in GUIDED_STORE_DATASETS, or in ../shared/datasets. Pearson's r is given for the half of the items that
`guided_store/local` was not designed on. With --rules, other ways to turn the same embeddings into raw values
stand beside the one in use. Needs the extra `local`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from guided_store import store as stores
from guided_store.attributes import AttributeSchema, load_schema
from guided_store.ledger import ItemText, iter_texts, read_answers
from guided_store.local import Embedder, score_locally
from guided_store.local._directions import PHRASINGS, find_directions, phrase_ends
from guided_store.local._embedder import embed, load_model

SETS = {
    "films": ("ml-1m", "title,genres,plot,director"),
    "amazon-office": ("amazon-office", "title,brand,description"),
    "games": ("games", "title"),
}


def load(name: str) -> tuple[AttributeSchema, pa.Table, NDArray[np.float64]]:
    """A set's schema, its n items, and the language model's scores of them (n, A), NaN where none."""
    named = os.environ.get("GUIDED_STORE_DATASETS")
    root = Path(named) if named else Path(__file__).parents[2] / "shared" / "datasets"
    schema = load_schema("films" if name == "films" else root / name / "attributes.toml")
    items = pq.read_table(root / SETS[name][0] / "items.parquet")
    with (root / name / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = {
            row["item_id"]: [float(row[attribute] or "nan") for attribute in schema.names]
            for row in csv.DictReader(file)
        }
    unknown = [float("nan")] * len(schema)
    return schema, items, np.array([rows.get(item, unknown) for item in items.column("item_id").to_pylist()])


def pearson(x: NDArray[np.floating], y: NDArray[np.floating]) -> list[float]:
    """Correlation column by column, over rows where both are known."""
    found = []
    for a, b in zip(x.T, y.T, strict=True):
        both = ~(np.isnan(a) | np.isnan(b))
        found.append(float(np.corrcoef(a[both], b[both])[0, 1]))
    return found


def other_rules(
    embedder: Embedder, schema: AttributeSchema, items: Sequence[ItemText], truth: NDArray[np.float64]
) -> dict[str, list[float]]:
    """Pearson's r by attribute, for the rule in use and for what it was measured against."""
    ends = embed(embedder, phrase_ends(schema)).reshape(len(schema), 2, len(PHRASINGS), -1).mean(axis=2)
    high, low = ends[:, 0], ends[:, 1]
    ours = find_directions(embedder, schema)
    flat = sorted({text for item in items for text in item.data.values()}, key=len)
    place = {text: row for row, text in enumerate(flat)}
    vectors = embed(embedder, flat)
    means = np.array([vectors[[place[text] for text in item.data.values()]].mean(axis=0) for item in items])
    joined = embed(embedder, ["\n".join(item.data.values()) for item in items])
    return {
        "in use": pearson(means @ ours.T, truth),
        "in use, fields joined in one text": pearson(joined @ ours.T, truth),
        "high - low": pearson(means @ (high - low).T, truth),
        "high - low, fields joined": pearson(joined @ (high - low).T, truth),
        "high alone": pearson(means @ high.T, truth),
        "high - mean of all high": pearson(means @ (high - high.mean(axis=0)).T, truth),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--set", choices=tuple(SETS), default="films")
    parser.add_argument("--fields")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    fields = tuple((given.fields or SETS[given.set][1]).split(","))
    schema, items, truth = load(given.set)
    with tempfile.TemporaryDirectory() as root, stores.create(Path(root) / "store") as store:
        store.append("items", items)
        began = time.perf_counter()
        report = score_locally(store, schema, model=given.model, fields=fields)
        took = time.perf_counter() - began
        ids = items.column("item_id").to_pylist()
        scores = read_answers(store, report.run, schema, ids).mean
        texts = list(iter_texts(store, fields))
    known = np.flatnonzero(~np.isnan(scores).all(axis=1) & ~np.isnan(truth).all(axis=1))
    order = np.random.default_rng(0).permutation(len(known))
    half = known[np.sort(order[len(known) // 2 :])]  # the other half was used to choose the rule
    found = dict(zip(schema.names, pearson(scores[half], truth[half]), strict=True))
    rules = {}
    if given.rules:
        embedder = load_model(given.model, batch_size=64, device=None).embedder
        rules = other_rules(embedder, schema, [texts[row] for row in half], truth[half])
    if given.json:
        content = {"set": given.set, "fields": fields, "items": len(known), "held_out": len(half)}
        print(json.dumps({**content, "seconds": took, "r": found, "rules": rules}, indent=2))
        return
    print(f"{given.set} by {', '.join(fields)}: {len(half):,} held-out of {len(known):,} items, {took:.0f} s")
    for name, r in sorted(found.items(), key=lambda pair: -pair[1]):
        print(f"  {name:36s} {r:5.2f}")
    for rule, values in {"": list(found.values()), **rules}.items():
        print(f"  {rule:36s} median {np.median(values):.3f}, mean {np.mean(values):.3f}")


if __name__ == "__main__":
    main()
