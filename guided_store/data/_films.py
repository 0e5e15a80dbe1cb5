"""The bundled films: a real catalogue with the scores of a large language model."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema, load_schema


@dataclass(frozen=True)
class Films:
    """3,883 films with 24 attributes each; see `data/films/README.md`. Arrays are read-only.

    Attributes:
        ids: MovieLens ids, length n.
        titles: as MovieLens writes them, without the year ("Usual Suspects, The"), length n.
        years: int64 (n,), year of release.
        scores: float32 (n, 24), 0..10, columns in the schema's order, none missing.
        schema: the 24 attributes.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    years: NDArray[np.int64]
    scores: NDArray[np.float32]
    schema: AttributeSchema

    def __len__(self) -> int:
        return len(self.ids)


@lru_cache(maxsize=1)
def films() -> Films:
    """The bundled films, read once."""
    schema = load_schema("films")
    text = (resources.files("guided_store") / "data" / "films" / "scores.csv").read_text(encoding="utf-8")
    _, *rows = csv.reader(text.splitlines())
    ids, titles, years, *scores = zip(*rows, strict=True)
    year_array = np.array(years, np.int64)
    score_array = np.array(scores, np.float32).T.copy()
    year_array.setflags(write=False)
    score_array.setflags(write=False)
    return Films(ids, titles, year_array, score_array, schema)
