"""From an attribute's words to a direction in embedding space, along which texts lean to its high end.

Each end is put into four phrasings, whose unit embeddings are averaged: h and l for the high and the low end.
The raw score of a text with unit embedding x is a difference of similarities,

    raw = (x . h - x . H) - w (x . l - x . L),    w = (1 - cos(h, l)) / 2,

where H and L are the means of all attributes' high and low ends, with a plain "A film." counted as four more.
Both departures from the plain x . h - x . l were measured (docs/local-scoring.md):

- Subtracting the mean end takes away what a text has in common with any statement about an item.
- Embeddings hardly hear negation: "violence: none" lies beside "violence: graphic", and subtracting it takes
  the signal away. So the low end counts by how far the model tells it from the high one: not at all where the
  two are the same to it, fully where they are opposite.

All of this depends on the schema and the model alone, never on the catalogue.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.local._embedder import Embedder, embed

PHRASINGS = (
    "{name}: {end}",
    "A {item}. {name}: {end}.",
    "{item} {name} {end}",
    "The {name} of this {item} is: {end}.",
)
"""How an end is put into words; the schema gives all three parts."""

PLAIN = "A {item}."
PLAIN_WEIGHT = 4
"""As how many attributes the plain sentence counts, so that a schema of two or three has a centre too."""

RULE = (
    "Fields of an item are embedded one by one and averaged. "
    "raw = (x.h - x.H) - w (x.l - x.L), w = (1 - cos(h, l)) / 2; h and l average the phrasings of the high "
    f'and the low end, H and L average all attributes\' ends and {PLAIN_WEIGHT} times "{PLAIN}".'
)


def phrase_ends(schema: AttributeSchema) -> list[str]:
    """All sentences of a schema: for each attribute the phrasings of its high end, then of its low end."""
    return [
        phrasing.format(name=attribute.name.replace("_", " "), item=schema.item, end=end)
        for attribute in schema.attributes
        for end in (attribute.high, attribute.low)
        for phrasing in PHRASINGS
    ]


def find_directions(embedder: Embedder, schema: AttributeSchema) -> NDArray[np.float32]:
    """The directions of a schema's A attributes, float32 (A, d): `raw = x @ directions.T`.

    Raises:
        DataError: the model gives values that are not finite.
    """
    sentences = [*phrase_ends(schema), PLAIN.format(item=schema.item)]
    embedded = embed(embedder, sentences).astype(np.float64)
    plain = PLAIN_WEIGHT * embedded[-1]
    ends = embedded[:-1].reshape(len(schema), 2, len(PHRASINGS), -1).mean(axis=2)
    high, low = ends[:, 0], ends[:, 1]
    count = len(schema) + PLAIN_WEIGHT
    weight = (1 - _cosines(high, low)) / 2
    directions: NDArray[np.float64] = high - (high.sum(axis=0) + plain) / count
    directions -= weight[:, None] * (low - (low.sum(axis=0) + plain) / count)
    return np.asarray(directions, np.float32)


def describe_question(schema: AttributeSchema) -> str:
    """The rule in words and every sentence the items are compared with."""
    return "\n".join([RULE, *phrase_ends(schema)])


def question_hash(identity: str, rules: str) -> str:
    """SHA-256 of what makes a raw score and its scale beside schema and items: phrasings, rules, model."""
    sha = hashlib.sha256(b"guided-store local 1\0")
    for part in (*PHRASINGS, PLAIN, RULE, rules, identity):
        sha.update(part.encode() + b"\0")
    return sha.hexdigest()


def _cosines(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each row of `a` with the same row of `b`; 0 where one is nothing."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    products: NDArray[np.float64] = (a * b).sum(axis=1)
    cosines: NDArray[np.float64] = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
    return cosines
