"""Vectors of changed scores follow the recipe, and an encoder reads them as it reads its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from guided_store.encoders import load_encoder
from guided_store.errors import UsageError
from guided_store.interpretation._change import Columns, encoder_of
from guided_store.store import Store
from guided_store.versions import load_embedding


@pytest.mark.parametrize("name", ["s1", "full", "other"])
def test_unchanged_scores_give_the_vectors_that_are_stored(store: Store, name: str) -> None:
    columns = Columns.of(load_embedding(store, f"refined/{name}"))
    rows = np.arange(0, len(columns.raw), 7)
    for attribute in range(columns.raw.shape[1]):
        vectors, by = columns.moved(rows, np.full(len(rows), attribute), np.zeros(len(rows)))
        np.testing.assert_allclose(vectors, columns.embedding.vectors[rows], atol=1e-5)
        assert not by.any()


def test_a_score_moves_its_own_column_and_stays_within_the_scale(store: Store) -> None:
    columns = Columns.of(load_embedding(store, "refined/full"))
    attribute = columns.embedding.attributes.index("humor")
    rows = np.arange(len(columns.raw))
    up, by = columns.moved(rows, np.full(len(rows), attribute), np.full(len(rows), 2.0))
    np.testing.assert_allclose(by, np.minimum(2, 10 - columns.raw[:, attribute]))
    apart = up - columns.embedding.vectors
    assert not np.delete(apart, attribute, axis=1).any()
    assert (apart[by > 0, attribute] > 0).all()  # a calibration is monotone
    np.testing.assert_allclose(apart[by == 0, attribute], 0, atol=1e-6)


def test_scores_that_do_not_lead_to_the_vectors_are_refused(store: Store) -> None:
    embedding = load_embedding(store, "refined/s1")
    assert embedding.raw is not None
    raw = embedding.raw.copy()
    raw[5, 2] = 10 - raw[5, 2]
    with pytest.raises(UsageError, match=f"humor of refined/s1 .*item '{embedding.item_ids[5]}'"):
        Columns.of(replace(embedding, raw=raw))
    with pytest.raises(UsageError, match="keeps no raw scores"):
        Columns.of(load_embedding(store, "base/base"))


@pytest.mark.parametrize("name", ["s1", "full"])
def test_further_rows_are_read_as_the_items_themselves(store: Store, name: str) -> None:
    embedding = load_embedding(store, f"refined/{name}")
    some = np.array([3, 50, 199])
    wider = encoder_of(store, embedding, embedding.vectors[some], ["a", "b", "c"])
    n = len(embedding.item_ids)
    original = load_encoder(store, embedding).encode([np.array([50, 7, 3, 199], np.int32)])
    changed = wider.encode([np.array([n + 1, 7, n, n + 2], np.int32)])
    np.testing.assert_array_equal(original, changed)
