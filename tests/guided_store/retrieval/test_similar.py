"""Nearest items need a version, and no encoder."""

from __future__ import annotations

import numpy as np
import pytest

from guided_store.errors import UsageError
from guided_store.retrieval import Recommender, similar_items
from guided_store.store import Store
from guided_store.versions import load_embedding


@pytest.mark.parametrize("version", ["guided/films", "refined/start", "base/small"])
def test_any_version_has_nearest_items(trained: Store, version: str) -> None:
    embedding = load_embedding(trained, version)
    item = embedding.item_ids[5]
    found = similar_items(embedding, item, 8)
    vectors = embedding.vectors.astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = unit @ unit[5]
    cosine[5] = -2
    assert found.version == version
    assert [near.score for near in found] == pytest.approx(np.sort(cosine)[::-1][:8], abs=1e-5)
    for near in found:
        assert near.score == pytest.approx(cosine[embedding.item_index[near.item_id]], abs=1e-5)
        assert len(near.terms) == len(embedding.attributes)
        assert near.score == pytest.approx(sum(t.contribution for t in near.terms) + near.latent, abs=1e-5)
        assert near.title == ""


def test_the_recommender_adds_its_titles(recommender: Recommender) -> None:
    item = recommender.embedding.item_ids[3]
    found = recommender.similar(item, k=4)
    assert found == similar_items(recommender.embedding, item, 4, titles=recommender.titles)
    assert all(near.title for near in found)


def test_wrong_requests_for_similar_items(recommender: Recommender) -> None:
    with pytest.raises(UsageError, match="k must be at least 1"):
        similar_items(recommender.embedding, recommender.embedding.item_ids[0], 0)
    with pytest.raises(UsageError, match="'nope' is unknown to refined/small"):
        similar_items(recommender.embedding, "nope")
    with pytest.raises(UsageError, match="'nope' is in the catalogue but not in refined/small"):
        similar_items(recommender.embedding, "nope", titles={"nope": "No Such Film"})
