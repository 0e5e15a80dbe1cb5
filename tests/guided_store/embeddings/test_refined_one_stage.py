"""Refined versions without a base, and with text columns between attributes and learned part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.embeddings import GUIDED_SCALE, LATENT_RMS, build_refined
from guided_store.embeddings._parts import DIM, latent_dim
from guided_store.errors import UsageError
from guided_store.store import Store
from guided_store.versions import load_embedding, write_version

ITEMS = [f"i{number}" for number in range(30)]


def put(store: Store, name: str, ids: list[str], dim: int, scale: float = 3.0) -> np.ndarray:
    vectors = (np.random.default_rng(len(name)).normal(size=(len(ids), dim)) * scale).astype(np.float32)
    write_version(store, f"base/{name}", ids, vectors)
    return vectors


def test_all_items_of_the_guided_version_and_learned_columns_of_zero(store: Store, guided: str) -> None:
    info = build_refined(store, "r", guided=guided)
    parent, part = load_embedding(store, guided), load_embedding(store, "refined/r")
    assert part.item_ids == parent.item_ids
    assert part.vectors.shape == (30, DIM)
    np.testing.assert_allclose(part.vectors[:, :4], GUIDED_SCALE * parent.vectors, rtol=1e-6)
    assert not part.vectors[:, 4:].any()
    assert part.bias is None
    np.testing.assert_array_equal(part.raw, parent.raw)
    np.testing.assert_array_equal(part.imputed, parent.imputed)
    assert info.parents == ("guided/g",)
    assert (info.recipe["guided_columns"], info.recipe["latent_columns"]) == (4, DIM - 4)
    assert info.recipe["method"] == "guided, one stage"
    assert not [key for key in info.recipe if key.startswith(("base", "text", "only_in"))]


def test_attributes_alone(store: Store, guided: str) -> None:
    info = build_refined(store, "r", guided=guided, dim=4, guided_scale=0.5)
    part = load_embedding(store, "refined/r")
    np.testing.assert_allclose(part.vectors, 0.5 * load_embedding(store, guided).vectors, rtol=1e-6)
    assert info.recipe["latent_columns"] == 0
    few = build_refined(store, "s", guided=guided, dim=3, exclude=["fame"])
    assert (few.dim, few.recipe["excluded_attributes"]) == (3, ["fame"])


def test_text_columns_stand_between_at_the_attributes_scale(store: Store, guided: str) -> None:
    texts = put(store, "text", ["x", *ITEMS[::-1]], 6)
    info = build_refined(
        store, "r", guided=guided, dim=10, text="base/text", text_columns=3, guided_scale=0.4
    )
    part = load_embedding(store, "refined/r")
    factor = info.recipe["text_scale"]
    assert isinstance(factor, float)
    np.testing.assert_allclose(part.vectors[:, 4:7], factor * texts[:0:-1, :3], rtol=1e-5)
    assert factor == pytest.approx(0.4 / np.sqrt((texts[:, :3].astype(np.float64) ** 2).mean()))
    assert not part.vectors[:, 7:].any()
    assert part.attributes == ("humor", "pace", "violence", "fame")  # texts have no names
    assert (info.recipe["text"], info.recipe["text_columns"]) == ("base/text", 3)
    assert (info.recipe["guided_columns"], info.recipe["latent_columns"]) == (4, 3)
    assert info.recipe["text_digest"] == load_embedding(store, "base/text").digest
    assert info.parents == ("guided/g", "base/text")


def test_text_beside_a_base(store: Store, guided: str) -> None:
    put(store, "text", ITEMS, 6)
    put(store, "b", ITEMS[:20], 12)
    info = build_refined(store, "r", guided=guided, base="base/b", text="base/text")
    part = load_embedding(store, "refined/r")
    assert part.item_ids == tuple(ITEMS[:20])
    assert (info.dim, info.recipe["text_columns"], info.recipe["latent_columns"]) == (12, 4, 4)
    assert np.sqrt((part.vectors[:, 8:].astype(np.float64) ** 2).mean()) == pytest.approx(LATENT_RMS)
    assert info.parents == ("base/b", "guided/g", "base/text")
    without = build_refined(store, "s", guided=guided, base="base/b", dim=8)
    other = load_embedding(store, "refined/s").vectors
    assert without.recipe["base_scale"] == info.recipe["base_scale"]
    np.testing.assert_array_equal(part.vectors[:, 8:], other[:, 4:])  # the base's part is the same
    np.testing.assert_array_equal(part.vectors[:, :4], other[:, :4])


def test_texts_of_zero_stay_so(store: Store, guided: str) -> None:
    write_version(store, "base/none", ITEMS, np.zeros((30, 4), np.float32))
    build_refined(store, "r", guided=guided, dim=8, text="base/none")
    assert not load_embedding(store, "refined/r").vectors[:, 4:].any()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"dim": 3}, "4 content columns do not fit into 3 dimensions; choose a dim of at least 4"),
        ({"dim": 7, "text": "base/text"}, "8 content columns do not fit into 7 dimensions"),
        ({"base_scale": 2.0}, "base_scale belongs to a base, and none is given"),
        ({"text_columns": 2}, "text_columns belongs to a text version, and none is given"),
        ({"text": "base/text", "text_columns": 7}, "base/text has 6 columns; 7 cannot be taken"),
        ({"text": "base/text", "text_columns": 0}, "base/text has 6 columns; 0 cannot be taken"),
        ({"text": "base/few"}, "base/few lacks 20 of the items, such as 'i10'; build it again"),
        ({"text": "guided/g"}, "guided/g is not a base version"),
        (
            {"text": "base/text", "base": "base/few"},
            "8 content columns leave no room for the base in the base's own number of dimensions, 6",
        ),
    ],
)
def test_wrong_requests_of_one_stage(
    options: dict[str, object], sentence: str, store: Store, guided: str
) -> None:
    put(store, "text", ITEMS, 6)
    put(store, "few", ITEMS[:10], 6)
    with pytest.raises(UsageError) as caught:
        build_refined(store, "r", guided=guided, **options)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


@given(st.integers(1, 100), st.none() | st.integers(1, 130))
def test_without_a_base_any_dim_does_that_holds_the_content(fixed: int, dim: int | None) -> None:
    if dim is None:
        assert latent_dim(None, fixed, None) == max(DIM - fixed, 1)  # there is always one to learn
    elif dim >= fixed:
        assert latent_dim(dim, fixed, None) == dim - fixed
    else:
        with pytest.raises(UsageError, match=f"choose a dim of at least {fixed}"):
            latent_dim(dim, fixed, None)
