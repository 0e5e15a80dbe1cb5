"""Raw scores: what a text has to say to lean to an attribute's high end."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from guided_store.attributes import Attribute, AttributeSchema
from guided_store.errors import DataError
from guided_store.local import Embedder
from guided_store.local._directions import (
    PHRASINGS,
    PLAIN_WEIGHT,
    describe_question,
    find_directions,
    phrase_ends,
    question_hash,
)
from guided_store.local._embedder import embed


def test_every_end_is_phrased_with_its_name_and_item(schema: AttributeSchema) -> None:
    sentences = phrase_ends(schema)
    assert len(sentences) == 3 * 2 * len(PHRASINGS)
    assert sentences[: len(PHRASINGS)] == [
        "humor: comedy jokes",
        "A film. humor: comedy jokes.",
        "film humor comedy jokes",
        "The humor of this film is: comedy jokes.",
    ]
    assert sentences[len(PHRASINGS)] == "humor: gloom tragedy"


def test_underscores_and_braces_are_no_trouble() -> None:
    ends = Attribute("open_world", "{item} %s", "vast {0}")
    sentences = phrase_ends(AttributeSchema("x", 1, "game", (0, 10), (ends,)))
    assert sentences[0] == "open world: vast {0}"
    assert sentences[len(PHRASINGS)] == "open world: {item} %s"


def test_the_formula(schema: AttributeSchema, words: Embedder) -> None:
    """Against a slow reading of the module's text, attribute by attribute."""

    def unit(text: str) -> NDArray[np.float64]:
        vector = words.encode([text])[0].astype(np.float64)
        return vector / np.linalg.norm(vector)

    def end(attribute: Attribute, words_of_it: str) -> NDArray[np.float64]:
        phrased = [p.format(name=attribute.name, item="film", end=words_of_it) for p in PHRASINGS]
        return sum(unit(text) for text in phrased) / len(phrased)

    high = [end(a, a.high) for a in schema.attributes]
    low = [end(a, a.low) for a in schema.attributes]
    plain = unit("A film.")
    high_mean = (sum(high) + PLAIN_WEIGHT * plain) / (3 + PLAIN_WEIGHT)
    low_mean = (sum(low) + PLAIN_WEIGHT * plain) / (3 + PLAIN_WEIGHT)
    x = unit("a comedy about soldiers")
    expected = []
    for h, l in zip(high, low, strict=True):  # noqa: E741 - as in the formula
        w = (1 - h @ l / np.linalg.norm(h) / np.linalg.norm(l)) / 2
        expected.append((x @ h - x @ high_mean) - w * (x @ l - x @ low_mean))
    raw = embed(words, ["a comedy about soldiers"]) @ find_directions(words, schema).T
    np.testing.assert_allclose(raw[0], expected, atol=1e-6)


def test_texts_lean_to_the_end_they_speak_of(schema: AttributeSchema, words: Embedder) -> None:
    texts = ["gloom tragedy", "garden", "comedy jokes"]
    humor = (embed(words, texts) @ find_directions(words, schema).T)[:, 0]
    assert humor[0] < humor[1] < humor[2]


def test_an_end_that_the_model_cannot_tell_from_the_other_takes_nothing_away(words: Embedder) -> None:
    """A low end that is the high one to the model must not cancel it, as a plain difference would."""
    same = Attribute("war", "soldiers battle", "soldiers battle")
    other = Attribute("humor", "gloom", "comedy")
    schema = AttributeSchema("x", 1, "film", (0, 10), (same, other))
    raw = embed(words, ["soldiers battle", "a garden"]) @ find_directions(words, schema).T
    assert raw[0, 0] > raw[1, 0] + 0.1


def test_a_schema_of_one_attribute_has_a_direction(words: Embedder) -> None:
    schema = AttributeSchema("x", 1, "film", (0, 10), (Attribute("war", "peace", "soldiers battle"),))
    raw = embed(words, ["soldiers battle", "a garden"]) @ find_directions(words, schema).T
    assert raw[0, 0] > raw[1, 0] + 0.1


def test_lengths_of_embeddings_do_not_count(schema: AttributeSchema, words: Embedder) -> None:
    class Longer:
        def encode(self, texts: list[str]) -> NDArray[np.float32]:
            lengths = np.array([[1 + len(text)] for text in texts], np.float32)
            return words.encode(texts) * lengths

    np.testing.assert_allclose(find_directions(Longer(), schema), find_directions(words, schema), atol=1e-6)


def test_a_zero_vector_stays_one(words: Embedder) -> None:
    assert not embed(words, ["", "x"])[0].any()


def test_a_broken_model_is_found_out(schema: AttributeSchema) -> None:
    class Broken:
        def encode(self, texts: list[str]) -> NDArray[np.float32]:
            vectors = np.ones((len(texts), 4), np.float32)
            vectors[1] = np.nan
            return vectors

    with pytest.raises(DataError, match=r"not finite, first for the text 'A film\. humor: comedy jokes\.'"):
        find_directions(Broken(), schema)


def test_the_question_is_in_the_record_whole(schema: AttributeSchema) -> None:
    text = describe_question(schema)
    assert all(sentence in text for sentence in phrase_ends(schema))
    assert "w = (1 - cos(h, l)) / 2" in text


def test_another_model_or_rule_is_another_question() -> None:
    first = question_hash("sha256:1", "rule")
    assert first == question_hash("sha256:1", "rule")
    assert len({first, question_hash("sha256:2", "rule"), question_hash("sha256:1", "other")}) == 3
