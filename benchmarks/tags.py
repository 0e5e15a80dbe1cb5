"""Do attribute scores mean what people mean? The bundled films against the tags of MovieLens.

    python benchmarks/tags.py [--data FOLDER] [--json]

FOLDER holds `tags.csv` and `movies.csv` of ml-latest-small, by default in GUIDED_STORE_DATASETS or in
../shared/datasets. Both sets use MovieLens's ids; a film counts only where titles and years agree too. The
bundled scores were made from title, year, genres, director and the beginning of the plot, never from a tag;
which tags mean which attribute was written down before they were looked at
(`guided_store/interpretation/films.toml`).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
from pathlib import Path

import numpy as np

from guided_store.data import films
from guided_store.interpretation import TagAgreement, load_tag_words, read_tags, tag_agreement
from guided_store.scoring import AttributeTable
from guided_store.versions import parse_ref


def default_folder() -> Path:
    named = os.environ.get("GUIDED_STORE_DATASETS")
    root = Path(named) if named else Path(__file__).parents[2] / "shared" / "datasets"
    return root / "ml-latest-small"


def same_films(path: Path) -> list[str]:
    """Ids of the bundled films, "" where `movies.csv` has another film, or none, under that id."""
    with path.open(encoding="utf-8", newline="") as file:
        titles = {row["movieId"]: row["title"] for row in csv.DictReader(file)}
    bundled = films()
    found = []
    for item, title, year in zip(bundled.ids, bundled.titles, bundled.years.tolist(), strict=True):
        theirs = titles.get(item, "")
        their_year = re.search(r"\((\d{4})\)\s*$", theirs)
        # Alternative titles in brackets come and go between releases; the first word and the year stay.
        agree = _first_word(theirs) == _first_word(title) and their_year is not None
        found.append(item if agree and their_year and abs(int(their_year[1]) - year) <= 1 else "")
    return found


def _first_word(title: str) -> str:
    words = re.findall(r"\w+", title.casefold())
    return words[0] if words else ""


def measure(folder: Path) -> TagAgreement:
    bundled = films()
    table = AttributeTable(
        parse_ref("guided/films"), bundled.schema.names, np.asarray(bundled.scores, np.float32)
    )
    tags = read_tags(folder / "tags.csv", same_films(folder / "movies.csv"))
    return tag_agreement(table, tags, load_tag_words("films"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=default_folder(), help="folder of ml-latest-small")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.data)
    if options.json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    print(found.table().to_markdown(level=2))
    values = [one.auc.value for one in found.attributes]
    print(f"Median AUC {np.median(values):.2f} over {len(values)}, {min(values):.2f} to {max(values):.2f}.")


if __name__ == "__main__":
    main()
