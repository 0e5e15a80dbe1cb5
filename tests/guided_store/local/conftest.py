"""A store, a catalogue of films in a few words each, and an embedder that hears words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.local._embedder import LoadedModel
from guided_store.store import Store, create

PutItems = Callable[..., None]


class WordEmbedder:
    """The sum of a text's words, each a fixed random vector, so that alike texts share words.

    `asked` keeps every text it was given.
    """

    def __init__(self, dim: int = 1024) -> None:
        self.dim = dim
        self.asked: list[str] = []

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        self.asked += texts
        rows = [
            sum((self._word(word) for word in text.lower().split()), np.zeros(self.dim)) for text in texts
        ]
        return np.array(rows, np.float32).reshape(len(texts), self.dim)

    def _word(self, word: str) -> NDArray[np.float64]:
        digest = hashlib.sha256(word.strip(".,:").encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8])).normal(size=self.dim)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def schema() -> AttributeSchema:
    """Three attributes, 0..10."""
    return AttributeSchema(
        "demo",
        1,
        "film",
        (0, 10),
        (
            Attribute("humor", "gloom tragedy", "comedy jokes"),
            Attribute("space", "earth farm", "rockets stars"),
            Attribute("war", "peace", "soldiers battle"),
        ),
    )


@pytest.fixture
def words() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def model(words: WordEmbedder) -> LoadedModel:
    return LoadedModel(words, "words", "sha256:0")


@pytest.fixture
def put_items(store: Store) -> PutItems:
    """Make these the catalogue: ids, titles, and texts where there are any."""

    def put(
        ids: Sequence[str], titles: Sequence[str | None], texts: Sequence[str | None] | None = None
    ) -> None:
        fields = [pa.field("item_id", pa.string(), nullable=False)]
        fields += [pa.field("title", pa.string()), pa.field("text", pa.string())]
        columns = [ids, titles, [None] * len(ids) if texts is None else texts]
        arrays = [pa.array(column, pa.string()) for column in columns]
        store.replace("items", pa.Table.from_arrays(arrays, schema=pa.schema(fields)))

    return put


@pytest.fixture
def titles() -> Callable[..., list[str]]:
    """`titles(n, seed=0)`: n titles of three filler words and up to three words that attributes ask about."""
    return _titles


_FILLER = [
    "the",
    "a",
    "of",
    "and",
    "with",
    "young",
    "old",
    "man",
    "woman",
    "house",
    "river",
    "night",
    "day",
    "road",
    "train",
    "city",
    "north",
    "letter",
    "garden",
]


def _titles(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    telling = ["comedy", "jokes", "gloom", "rockets", "stars", "farm", "soldiers", "battle", "peace"]
    return [
        " ".join([*rng.choice(_FILLER, 3), *rng.choice(telling, rng.integers(0, 4)), f"number{seed}{row}"])
        for row in range(n)
    ]
