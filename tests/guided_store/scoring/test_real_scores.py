"""Real catalogues: the films' scores onto MovieLens-100k, and every folder's own scores."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from guided_store.attributes import load_schema
from guided_store.data import films
from guided_store.errors import DataError
from guided_store.scoring import import_scores
from guided_store.store import Store
from guided_store.versions import load_embedding

PutItems = Callable[..., None]
FILMS = Path(str(resources.files("guided_store") / "data" / "films" / "scores.csv"))


def test_films_join_movielens_100k_by_title_and_year_only(
    store: Store, put_items: PutItems, datasets: Path
) -> None:
    """Its ids are other films: by id the import refuses. Without the data, the bundled titles stand in."""
    path = datasets / "ml-100k" / "u.item"
    if path.is_file():
        lines = [line.split("|") for line in path.read_text(encoding="latin-1").splitlines() if line]
        titles, fewest = [line[1] for line in lines], 1640
    else:
        bundled = films()
        titles = [f"{title} ({year})" for title, year in zip(bundled.titles, bundled.years, strict=True)]
        titles, fewest = titles[1:], 3882
    put_items([str(number) for number in range(1, len(titles) + 1)], titles)
    schema = load_schema("films")
    with pytest.raises(
        DataError, match=r"only 0\.\d% of 1,\d+ titles agree|only \d\.\d% of 3,\d+ titles agree"
    ):
        import_scores(store, FILMS, schema, as_name="by-id")
    report = import_scores(store, FILMS, schema, as_name="films", match=("title", "year"))
    assert report.scored_items >= fewest
    assert report.coverage > 0.96
    assert report.ambiguous == ()
    part = load_embedding(store, "guided/films")
    assert part.raw is not None
    bundled = films()
    row, source = titles.index("Heat (1995)"), bundled.ids.index("6")
    np.testing.assert_array_equal(part.raw[row], bundled.scores[source])


def test_films_join_their_own_ids(store: Store, put_items: PutItems) -> None:
    bundled = films()
    titles = [f"{title} ({year})" for title, year in zip(bundled.titles, bundled.years, strict=True)]
    put_items(bundled.ids, titles)
    report = import_scores(store, FILMS, bundled.schema, as_name="films")
    assert (report.coverage, report.missing_values, report.notes) == (1, 0, ())
    part = load_embedding(store, "guided/films")
    np.testing.assert_array_equal(part.raw, bundled.scores)
    vectors = part.vectors.astype(np.float64)
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(vectors.std(axis=0), 1, atol=1e-6)


def test_movielens_latest_shares_the_ids_but_few_of_the_films(
    store: Store, put_items: PutItems, datasets: Path
) -> None:
    path = datasets / "ml-latest-small" / "movies.csv"
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as file:
            ids, titles = zip(*[(row["movieId"], row["title"]) for row in csv.DictReader(file)], strict=True)
    else:
        bundled = films()
        ids = (*bundled.ids, *(f"x{number}" for number in range(len(bundled) * 2)))
        titles = (*bundled.titles, *(f"unheard of {number}" for number in range(len(bundled) * 2)))
    put_items(ids, titles)
    report = import_scores(store, FILMS, load_schema("films"), as_name="films", allow_missing=True)
    assert 0.28 < report.coverage < 0.34
    assert all("titles differ" in note for note in report.notes)


@pytest.mark.parametrize("folder", ["amazon-office", "games"])
def test_other_catalogues_with_their_own_scores(
    folder: str, store: Store, put_items: PutItems, datasets: Path
) -> None:
    source = datasets / folder / "scores.csv"
    if source.is_file():
        items = pq.read_table(datasets / folder / "items.parquet")
        ids, titles = items.column("item_id").to_pylist(), items.column("title").to_pylist()
        schema = load_schema(datasets / folder / "attributes.toml")
    else:
        source, schema = FILMS, load_schema("films")
        ids, titles = films().ids, films().titles
    put_items(ids, titles)
    report = import_scores(store, source, schema, as_name=folder)
    assert report.coverage > 0.99
    assert report.version.dim == len(schema)
