"""Base versions from the items' texts."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from guided_store.embeddings import build_text_base
from guided_store.errors import UsageError, VersionError
from guided_store.store import Store
from guided_store.versions import load_embedding

Put = Callable[..., None]

THEMES = {
    "space": ["rocket", "star", "orbit", "alien", "planet", "moon"],
    "law": ["judge", "court", "lawyer", "trial", "jury", "verdict"],
    "sea": ["ship", "sailor", "harbour", "storm", "whale", "island"],
}


@pytest.fixture
def put(store: Store) -> Put:
    """Make these the catalogue: ids and columns."""

    def write(ids: list[str], **columns: list[object]) -> None:
        table = pa.table({"item_id": ids, **columns})
        for name in ("title", "text"):
            if name not in columns:
                table = table.append_column(name, pa.nulls(len(ids), pa.string()))
        store.replace(
            "items", table.select(["item_id", "title", "text", *sorted(set(columns) - {"title", "text"})])
        )

    return write


def themed(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of four words from one theme each, and the themes."""
    rng = np.random.default_rng(seed)
    names = [list(THEMES)[row % len(THEMES)] for row in range(count)]
    return [" ".join(rng.choice(THEMES[name], 4)) for name in names], names


def test_texts_on_one_subject_lie_together(store: Store, put: Put) -> None:
    texts, names = themed(120)
    put([f"i{row}" for row in range(120)], text=texts)
    info = build_text_base(store, "t", dim=3)
    part = load_embedding(store, "base/t")
    assert part.item_ids == tuple(f"i{row}" for row in range(120))
    unit = part.vectors / np.linalg.norm(part.vectors, axis=1, keepdims=True)
    alike = unit @ unit.T
    same = np.equal.outer(names, names)
    assert alike[same].mean() > 0.5
    assert alike[~same].mean() < 0
    np.testing.assert_allclose(part.vectors.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(part.vectors.std(axis=0), 1, atol=1e-5)
    assert 0 < float(str(info.recipe["explained_share"])) < 1
    assert info.parents == ()


def test_the_same_texts_give_the_same_bytes(store: Store, put: Put) -> None:
    texts, _ = themed(120)
    put([f"i{row}" for row in range(120)], text=texts)
    first, second = (build_text_base(store, name, dim=8) for name in ("one", "two"))
    assert first.digest == second.digest
    narrow = build_text_base(store, "three", dim=3, seed=7)
    assert narrow.recipe["text_digest"] == first.recipe["text_digest"]
    np.testing.assert_allclose(
        load_embedding(store, narrow.ref).vectors, load_embedding(store, "base/one").vectors[:, :3], atol=1e-5
    )


def test_an_item_without_text_is_the_average_item(store: Store, put: Put) -> None:
    texts: list[object] = [*themed(120)[0]]
    texts[5], texts[9], texts[17] = None, " ", "unheard-of"
    put([f"i{row}" for row in range(120)], text=texts)
    recipe = build_text_base(store, "t", dim=4).recipe
    vectors = load_embedding(store, "base/t").vectors
    assert np.flatnonzero(~vectors.any(axis=1)).tolist() == [5, 9, 17]
    assert recipe["items_without_text"] == 2
    assert recipe["items_without_text_examples"] == ["i5", "i9"]
    # Its words stand in no other text, so that they cannot tell it from or join it to any.
    assert recipe["items_without_counted_words"] == 1
    known = vectors[vectors.any(axis=1)]
    np.testing.assert_allclose(known.mean(axis=0), 0, atol=1e-6)


def test_the_recipe_says_what_was_read(store: Store, put: Put) -> None:
    put(["a", "b", "c", "d"], title=["Halo 2", "Halo 3", "Chess", None], year=[1994.0, 1995.0, 1996.5, None])
    recipe = build_text_base(store, "t", dim=2).recipe
    assert recipe["fields"] == ["title"]
    # halo, 2, "halo 2", 3, "halo 3", chess
    assert recipe["vocabulary"] == 6
    assert recipe["min_df"] == 1
    assert recipe["items_without_text"] == 1
    assert str(recipe["library"]).startswith("scikit-learn 1.")
    # 1994, 1995, 1996, 5, "1996 5"
    named = build_text_base(store, "u", dim=1, fields=["year", "year"]).recipe
    assert named["fields"] == ["year"]
    assert named["vocabulary"] == 5
    assert named["text_digest"] != recipe["text_digest"]


def test_lists_are_read_and_long_fields_cut(store: Store, put: Put) -> None:
    put(
        ["a", "b", "c"],
        title=["x " * 3000 + "last", "x y", "y z"],
        genres=[["Crime", None], ["War"], ["War"]],
    )
    # x, y, z, "x x", "x y", "y z": the last word of the long title is beyond what is read
    assert build_text_base(store, "t", dim=1, fields=["title"]).recipe["vocabulary"] == 6
    assert build_text_base(store, "u", dim=1, fields=["genres"]).recipe["vocabulary"] == 2


def test_wrong_requests(store: Store, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no items yet"):
        build_text_base(store, "t")
    put(["a", "b", "c"], title=["one two", "two three", "four"])
    with pytest.raises(UsageError, match="no column 'plot' to show; they have title, text"):
        build_text_base(store, "t", fields=["plot"])
    with pytest.raises(UsageError, match="no fields to show"):
        build_text_base(store, "t", fields=[])
    with pytest.raises(UsageError, match="no item has anything in text"):
        build_text_base(store, "t", fields=["text"])
    with pytest.raises(UsageError, match=r"cannot make 64 columns of 3 texts with 6 terms; .* at most 2"):
        build_text_base(store, "t")
    with pytest.raises(UsageError, match="method of a text base is tfidf, got 'sentence'"):
        build_text_base(store, "t", method="sentence")
    for wrong in ({"dim": 0}, {"seed": -1}, {"seed": 2**32}):
        with pytest.raises(UsageError, match="dim must be at least 1 and seed from 0"):
            build_text_base(store, "t", **wrong)
    assert not store.has_table("base")
    build_text_base(store, "t", dim=2)
    with pytest.raises(VersionError, match="there is a version base/t already"):
        build_text_base(store, "t", dim=2)
    monkeypatch.setitem(sys.modules, "sklearn.feature_extraction.text", None)
    with pytest.raises(UsageError, match=r"need scikit-learn: pip install \"guided-store\[text\]\""):
        build_text_base(store, "u", dim=2)
