"""Maps of a catalogue: the plane of most variance, the same each time, turned onto each other."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from embeddings_by_hand import build_embedding
from sklearn.decomposition import PCA

from guided_store.errors import UsageError
from guided_store.geometry import catalogue_map


def cloud(n: int = 200, d: int = 6, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, d)) * np.arange(d, 0, -1)).astype(np.float32)


def test_it_is_pca_of_vectors_of_length_1() -> None:
    x = cloud()
    found = catalogue_map(build_embedding(x))
    model = PCA(2).fit(x / np.linalg.norm(x, axis=1, keepdims=True))
    theirs = model.transform(x / np.linalg.norm(x, axis=1, keepdims=True))
    np.testing.assert_allclose(np.abs(found.points), np.abs(theirs), atol=1e-5)
    np.testing.assert_allclose(found.explained, model.explained_variance_ratio_, rtol=1e-5)
    assert (found.version, found.method, found.items, len(found.item_ids)) == ("base/a", "pca", 200, 200)


def test_a_sample_is_drawn_once_and_kept_in_order() -> None:
    one, other = (catalogue_map(build_embedding(cloud()), sample=50) for _ in range(2))
    assert one.item_ids == other.item_ids
    assert (one.points == other.points).all()
    assert (one.items, len(one.item_ids)) == (200, 50)
    rows = [int(item[1:]) for item in one.item_ids]
    assert rows == sorted(rows)
    assert catalogue_map(build_embedding(cloud()), sample=50, seed=1).item_ids != one.item_ids


def test_only_what_may_be_shown_is() -> None:
    x = cloud(20)
    x[3] = 0
    found = catalogue_map(build_embedding(x), among=[f"i{row}" for row in range(6)] + ["unknown"])
    assert found.item_ids == ("i0", "i1", "i2", "i4", "i5")


def test_a_rotated_version_turned_onto_the_first_gives_its_map() -> None:
    x = cloud()
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    order = np.random.default_rng(4).permutation(200)
    first = catalogue_map(build_embedding(x), sample=100)
    ids = [f"i{row}" for row in order.tolist()]
    other = build_embedding((x @ turn)[order], "base/b", ids)
    found = catalogue_map(other, onto=first, sample=100)
    assert set(found.item_ids) == set(first.item_ids)  # those on the first map come first
    place = [found.item_ids.index(item) for item in first.item_ids]
    np.testing.assert_allclose(found.points[place], first.points, atol=1e-4)


def test_tsne_keeps_groups_together_and_repeats() -> None:
    centres = np.eye(6)[[0, 2, 4]]
    x = np.repeat(centres, 20, axis=0) + 0.02 * np.random.default_rng(0).normal(size=(60, 6))
    one, other = (catalogue_map(build_embedding(x), method="tsne") for _ in range(2))
    assert (one.points == other.points).all()
    assert one.explained is None
    group = np.repeat(np.arange(3), 20)
    apart = np.linalg.norm(one.points[:, None] - one.points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (group[apart.argmin(axis=1)] == group).all()
    assert np.abs(one.points.mean(axis=0)).max() < 1e-3


def test_vectors_of_one_column_lie_on_a_line() -> None:
    found = catalogue_map(build_embedding([[1.0], [-2.0], [3.0]]))
    assert found.points[:, 1].tolist() == [0, 0, 0]
    assert found.explained == (1, 0)


def test_what_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    version = build_embedding(cloud(10))
    with pytest.raises(UsageError, match="pca or tsne, not 'umap'"):
        catalogue_map(version, method="umap")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="base/a has 2 to show"):
        catalogue_map(version, among=["i1", "i2"])
    onto = catalogue_map(build_embedding(cloud(5), "base/b", list("vwxyz")))
    with pytest.raises(UsageError, match="0 items in common"):
        catalogue_map(version, onto=onto)
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(UsageError, match=r"guided-store\[text\]"):
        catalogue_map(version, method="tsne")


def test_it_is_json() -> None:
    told = json.loads(json.dumps(catalogue_map(build_embedding(cloud(5))).to_dict()))
    assert len(told["points"]) == len(told["item_ids"]) == 5
