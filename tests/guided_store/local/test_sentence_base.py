"""Base versions from sentence embeddings: by an embedder of words, and by a tiny real model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guided_store.embeddings import pca
from guided_store.errors import DataError, UsageError, VersionError
from guided_store.local import build_sentence_base
from guided_store.local._base import sentence_base_with
from guided_store.local._embedder import LoadedModel
from guided_store.progress import SILENT
from guided_store.store import Store
from guided_store.versions import VersionInfo, load_embedding


def build(store: Store, model: LoadedModel, name: str = "t", dim: int = 5, **given: Any) -> VersionInfo:
    settings: dict[str, Any] = {"fields": ("title", "text"), "max_chars": 2000, "progress": SILENT}
    return sentence_base_with(store, name, model, dim=dim, **settings | given)


def test_the_columns_are_principal_components_of_mean_embeddings(
    store: Store, model: LoadedModel, put_items: Callable[..., None], titles: Callable[..., list[str]]
) -> None:
    first, second = titles(40), [None if row % 3 else text for row, text in enumerate(titles(40, seed=1))]
    put_items([f"i{row}" for row in range(40)], first, second)
    info = build(store, model)

    def unit(text: str) -> np.ndarray:
        vector = model.embedder.encode([text])[0]
        return vector / np.linalg.norm(vector)

    pairs = zip(first, second, strict=True)
    means = np.array([np.mean([unit(text) for text in pair if text is not None], axis=0) for pair in pairs])
    reduction = pca(means, 5)
    expected = reduction.apply(means) / np.sqrt(reduction.explained)
    part = load_embedding(store, "base/t")
    assert part.item_ids == tuple(f"i{row}" for row in range(40))
    np.testing.assert_allclose(part.vectors, expected, atol=1e-3)
    assert info.recipe["explained_share"] == pytest.approx(reduction.share, rel=1e-5)
    assert info.recipe["column_deviation"] == pytest.approx(np.sqrt(reduction.explained), rel=1e-4)
    assert (info.recipe["model"], info.recipe["identity"], info.recipe["model_dim"]) == (
        "words",
        "sha256:0",
        1024,
    )


def test_an_item_without_text_is_the_average_item(
    store: Store, model: LoadedModel, put_items: Callable[..., None], titles: Callable[..., list[str]]
) -> None:
    shown: list[str | None] = [*titles(30)]
    shown[4], shown[7] = None, "  "
    put_items([f"i{row}" for row in range(30)], shown)
    info = build(store, model, fields=("title",))
    vectors = load_embedding(store, "base/t").vectors
    assert np.flatnonzero(~vectors.any(axis=1)).tolist() == [4, 7]
    assert info.recipe["items_without_text"] == 2
    assert info.recipe["items_without_text_examples"] == ["i4", "i7"]
    np.testing.assert_allclose(np.delete(vectors, [4, 7], axis=0).mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.delete(vectors, [4, 7], axis=0).std(axis=0), 1, atol=1e-5)


def test_each_text_is_embedded_once_and_bytes_repeat(
    store: Store, model: LoadedModel, words: Any, put_items: Callable[..., None]
) -> None:
    put_items([f"i{row}" for row in range(9)], ["war", "peace", "love"] * 3)
    first = build(store, model, "one", dim=2)
    assert sorted(words.asked) == ["love", "peace", "war"]
    assert build(store, model, "two", dim=2).digest == first.digest


@pytest.mark.parametrize(
    ("shown", "dim", "sentence"),
    [
        (["war", "peace", "love"], 3, "cannot take 3 components of 3 texts .* 1024 .* a dim of at most 2"),
        (["war"], 1, "cannot take 1 components of 1 texts .*; they are too few"),
        (["war"] * 9, 1, "differ in fewer than 1 directions; name other columns"),
        (["war", "peace"] * 5, 2, "differ in fewer than 2 directions; choose a dim of at most 1"),
        ([None] * 3, 1, "no item has anything in title"),
    ],
)
def test_texts_that_are_too_few_or_too_alike(
    shown: list[str | None],
    dim: int,
    sentence: str,
    store: Store,
    model: LoadedModel,
    put_items: Callable[..., None],
) -> None:
    put_items([f"i{row}" for row in range(len(shown))], shown)
    with pytest.raises(UsageError, match=sentence):
        build(store, model, dim=dim, fields=("title",))
    assert not store.has_table("base")


def test_a_model_that_gives_no_numbers(store: Store, put_items: Callable[..., None]) -> None:
    class Broken:
        def encode(self, texts: list[str]) -> np.ndarray:
            return np.full((len(texts), 4), np.nan, np.float32)

    put_items(["a", "b"], ["war", "peace"])
    with pytest.raises(DataError, match="values that are not finite"):
        build(store, LoadedModel(Broken(), "broken", "sha256:1"), dim=1)


def test_wrong_requests(store: Store, put_items: Callable[..., None], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no items yet"):
        build_sentence_base(store, "t", model=str(tmp_path))
    put_items(["a", "b"], ["war", "peace"])
    for wrong in ({"dim": 0}, {"batch_size": 0}, {"max_chars": 0}):
        with pytest.raises(UsageError, match="must be at least 1"):
            build_sentence_base(store, "t", model=str(tmp_path), **wrong)
    with pytest.raises(UsageError, match="no column 'plot'"):
        build_sentence_base(store, "t", model=str(tmp_path), fields=["plot"])
    with pytest.raises(UsageError, match="no folder of a sentence-transformers model"):
        build_sentence_base(store, "t", model=str(tmp_path), dim=1)


def test_a_taken_name_is_refused_before_the_model_is_loaded(
    store: Store, model: LoadedModel, put_items: Callable[..., None], tmp_path: Path
) -> None:
    put_items(["a", "b", "c"], ["war", "peace", "love"])
    build(store, model, dim=2)
    with pytest.raises(VersionError, match="there is a version base/t already"):
        build_sentence_base(store, "t", model=str(tmp_path / "nowhere"))
