"""Latent semantic analysis against its definition, by dense linear algebra."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guided_store.embeddings._lsa import LARGE, terms, text_columns
from guided_store.errors import UsageError

WORDS = [f"w{number}" for number in range(12)]


def by_definition(texts: list[list[str]], dim: int, min_df: int) -> np.ndarray:
    """LSA columns up to their signs, mean 0 and deviation 1, without scikit-learn."""
    counts = [Counter(terms(text)) for text in texts]
    in_texts = Counter(term for count in counts for term in count)
    vocabulary = sorted(term for term, number in in_texts.items() if number >= min_df)
    weights = np.zeros((len(texts), len(vocabulary)))
    for row, count in enumerate(counts):
        for column, term in enumerate(vocabulary):
            if count[term]:
                idf = math.log((1 + len(texts)) / (1 + in_texts[term])) + 1
                weights[row, column] = (1 + math.log(count[term])) * idf
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    _, _, rows = np.linalg.svd(weights, full_matrices=False)
    columns = weights @ rows[:dim].T
    lead = np.abs(rows[:dim]).argmax(axis=1)
    columns *= np.sign(rows[np.arange(dim), lead])
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


@pytest.mark.parametrize(("count", "min_df"), [(LARGE - 1, 1), (LARGE, 2)])
def test_the_columns_are_those_of_the_definition(count: int, min_df: int) -> None:
    rng = np.random.default_rng(count)
    # unequal frequencies, so that no two singular values are near each other
    chances = np.arange(1, 13) ** 2 / np.sum(np.arange(1, 13) ** 2)
    texts = [[" ".join(rng.choice(WORDS, 6, p=chances)), "end"] for _ in range(count)]
    made = text_columns(texts, 4, seed=1)
    assert made.min_df == min_df
    assert made.known.all()
    np.testing.assert_allclose(made.values, by_definition(texts, 4, min_df), atol=1e-6)
    assert made.deviation.shape == (4,)
    assert 0 < made.explained < 1


def test_terms_are_words_and_pairs_inside_a_field() -> None:
    assert terms(["Halo 3: ODST", "Ｘbox"]) == ["halo", "3", "odst", "halo 3", "3 odst", "xbox"]
    assert terms(["STRASSE", "Straße"]) == ["strasse", "strasse"]
    assert terms([]) == []


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(40)), st.integers(0, 2**32 - 1))
def test_neither_order_nor_seed_changes_what_a_text_is(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(5)
    texts = [[" ".join(rng.choice(WORDS, 5, p=np.arange(1, 13) / 78))] for _ in range(40)]
    plain = text_columns(texts, 3, seed=1).values
    moved = text_columns([texts[row] for row in order], 3, seed=seed).values
    np.testing.assert_allclose(moved, plain[order], atol=1e-6)


def test_a_text_without_counted_terms_is_zero_and_counts_for_nothing() -> None:
    texts = [["red blue"], ["red green"], ["blue green"], ["green red"], ["blue blue"]]
    with_gap = text_columns([*texts[:2], [], *texts[2:]], 2, seed=1)
    assert with_gap.known.tolist() == [True, True, False, True, True, True]
    assert with_gap.values[2].tolist() == [0, 0]
    np.testing.assert_allclose(with_gap.values.mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("texts", "dim", "sentence"),
    [
        ([["?!"], ["--"]], 1, "there is no word that the texts hold"),
        ([[f"only{n}"] for n in range(LARGE)], 1, "there is no word that two texts share"),
        ([["one"]], 1, "cannot make 1 columns of 1 texts with 1 terms; they are too few"),
        ([["a b"], ["a c"], ["b c"]], 3, "choose a dim of at most 2"),
        ([["a b c"]] * 9, 1, "differ in fewer than 1 directions; name other columns"),
        (
            [["a b c"]] * 4 + [["d e f"]] * 5,
            3,
            "differ in fewer than 3 directions; choose a dim of at most 2",
        ),
    ],
)
def test_texts_that_are_too_few_or_too_alike(texts: list[list[str]], dim: int, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        text_columns(texts, dim, seed=1)
    assert sentence in str(caught.value)
