"""Refined versions in a real store."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from guided_store.embeddings import GUIDED_SCALE, LATENT_RMS, build_refined, pca
from guided_store.embeddings._parts import latent_dim
from guided_store.errors import UsageError, VersionError
from guided_store.scoring import guided_schema
from guided_store.store import Store
from guided_store.versions import load_embedding, write_version

Vectors = NDArray[np.float32]


def put_base(store: Store, ids: list[str], dim: int = 8, bias: bool = True, name: str = "b") -> Vectors:
    rng = np.random.default_rng(7)
    vectors = (rng.normal(size=(len(ids), dim)) * 3 + 1).astype(np.float32)
    part = rng.normal(size=len(ids)).astype(np.float32) if bias else None
    write_version(store, f"base/{name}", ids, vectors, bias=part)
    return vectors


def test_columns_are_guided_then_reduced_base(store: Store, guided: str) -> None:
    ids = [f"i{number}" for number in reversed(range(30))]
    vectors = put_base(store, ids)
    info = build_refined(store, "r", base="base/b", guided=guided)
    base, parent, part = (load_embedding(store, ref) for ref in ("base/b", guided, "refined/r"))
    assert part.item_ids == tuple(ids)
    assert part.vectors.shape == (30, 8)
    np.testing.assert_allclose(part.vectors[:, :4], GUIDED_SCALE * parent.vectors[::-1], rtol=1e-6)
    latent = pca(vectors, 4).apply(vectors)
    scale = info.recipe["base_scale"]
    assert isinstance(scale, float)
    np.testing.assert_allclose(part.vectors[:, 4:], scale * latent, rtol=1e-5)
    assert np.sqrt((part.vectors[:, 4:].astype(np.float64) ** 2).mean()) == pytest.approx(LATENT_RMS)
    assert part.bias is not None
    np.testing.assert_array_equal(part.bias, base.bias)
    assert part.raw is not None
    assert parent.raw is not None
    assert part.imputed is not None
    np.testing.assert_array_equal(part.raw, parent.raw[::-1])
    assert np.argwhere(part.imputed).tolist() == [[26, 1]]
    assert np.isnan(part.raw[26, 1])
    assert part.vectors[26, 1] == 0
    assert info.parents == ("base/b", "guided/g")


def test_the_recipe_says_how_it_was_made(store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)], bias=False)
    info = build_refined(store, "r", base="base/b", guided=guided, guided_scale=0.5, base_scale=2.0)
    recipe = info.recipe
    parent = load_embedding(store, guided).info
    assert (recipe["guided_columns"], recipe["latent_columns"], recipe["base_dim"]) == (4, 4, 8)
    assert recipe["attributes"] == ["humor", "pace", "violence", "fame"]
    assert (recipe["guided_scale"], recipe["base_scale"], recipe["base_scale_rule"]) == (0.5, 2.0, "given")
    assert (recipe["mean"], recipe["deviation"]) == (parent.recipe["mean"], parent.recipe["deviation"])
    assert recipe["base_bias"] is False
    assert recipe["guided_digest"] == parent.digest
    assert isinstance(recipe["explained_share"], float)
    assert 0.5 < recipe["explained_share"] < 1
    assert recipe["only_in_base"] == {"count": 0, "examples": []}
    assert guided_schema(info) == guided_schema(parent)
    assert load_embedding(store, "refined/r").bias is None


def test_raw_scores_can_be_read_back_from_the_vectors(store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)])
    info = build_refined(store, "r", base="base/b", guided=guided)
    part = load_embedding(store, "refined/r")
    mean, deviation = np.array(info.recipe["mean"]), np.array(info.recipe["deviation"])
    read = mean + deviation * part.vectors[:, :4] / info.recipe["guided_scale"]
    assert part.raw is not None
    known = ~np.isnan(part.raw)
    np.testing.assert_allclose(read[known], part.raw[known], atol=1e-4)


def test_the_same_parents_give_the_same_digest(store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)])
    first = build_refined(store, "r1", base="base/b", guided=guided)
    assert build_refined(store, "r2", base="base/b", guided=guided).digest == first.digest


def test_units_of_the_base_do_not_matter_by_default(store: Store, guided: str) -> None:
    ids = [f"i{number}" for number in range(30)]
    vectors = put_base(store, ids)
    write_version(store, "base/large", ids, vectors * 512)
    build_refined(store, "r1", base="base/b", guided=guided)
    build_refined(store, "r2", base="base/large", guided=guided)
    first, second = load_embedding(store, "refined/r1"), load_embedding(store, "refined/r2")
    np.testing.assert_allclose(first.vectors, second.vectors, rtol=1e-5, atol=1e-7)


def test_items_of_one_side_only_are_left_out_and_named(store: Store, guided: str) -> None:
    put_base(store, ["x", "i5", "i1", "y", *[f"i{number}" for number in range(10, 20)]])
    info = build_refined(store, "r", base="base/b", guided=guided)
    assert load_embedding(store, "refined/r").item_ids[:2] == ("i5", "i1")
    assert info.rows == 12
    assert info.recipe["only_in_base"] == {"count": 2, "examples": ["x", "y"]}
    assert info.recipe["only_in_guided"] == {"count": 18, "examples": ["i0", "i2", "i3", "i4", "i6"]}


def test_attributes_can_be_left_out(store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)])
    hindsight = guided_schema(load_embedding(store, guided).info).hindsight
    info = build_refined(store, "r", base="base/b", guided=guided, exclude=hindsight)
    assert info.recipe["attributes"] == ["humor", "pace", "violence"]
    assert info.recipe["excluded_attributes"] == ["fame"]
    assert (info.recipe["guided_columns"], info.recipe["latent_columns"], info.dim) == (3, 5, 8)
    part, parent = load_embedding(store, "refined/r"), load_embedding(store, guided)
    assert part.attributes == ("humor", "pace", "violence")
    assert part.raw is not None
    assert parent.raw is not None
    np.testing.assert_array_equal(part.raw, parent.raw[:, :3])
    chosen = build_refined(store, "s", base="base/b", guided=guided, include=["fame", "pace"])
    assert chosen.recipe["attributes"] == ["pace", "fame"]
    with pytest.raises(UsageError, match="unknown attribute 'wit'"):
        build_refined(store, "t", base="base/b", guided=guided, exclude=["wit"])
    with pytest.raises(UsageError, match="no attribute is left"):
        build_refined(store, "t", base="base/b", guided=guided, include=[])


def test_a_base_without_variance_keeps_its_scale(store: Store, guided: str) -> None:
    ids = [f"i{number}" for number in range(30)]
    write_version(store, "base/flat", ids, np.ones((30, 8), np.float32))
    info = build_refined(store, "r", base="base/flat", guided=guided)
    assert info.recipe["base_scale"] == 1.0
    assert load_embedding(store, "refined/r").vectors[:, 4:] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"dim": 4},
            "4 content columns leave no room for the base in 4 dimensions; choose a dim from 5 to 12",
        ),
        ({"dim": 13}, "13 dimensions would need 9 from a base that has 8; choose a dim from 5 to 12"),
        ({"guided_scale": 0.0}, "guided_scale must be a positive number, got 0.0"),
        ({"base_scale": float("nan")}, "base_scale must be a positive number, got nan"),
        ({"base": "guided/g"}, "guided/g is not a base version"),
        ({"guided": "base/b"}, "base/b is not a guided version"),
    ],
)
def test_wrong_requests(options: dict[str, object], sentence: str, store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)])
    arguments: dict[str, object] = {"base": "base/b", "guided": guided} | options
    with pytest.raises(UsageError) as caught:
        build_refined(store, "r", **arguments)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_a_base_as_narrow_as_the_schema_needs_a_dim(store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)], dim=4)
    with pytest.raises(
        UsageError, match="in the base's own number of dimensions, 4 dimensions; choose a dim from 5"
    ):
        build_refined(store, "r", base="base/b", guided=guided)
    assert build_refined(store, "r", base="base/b", guided=guided, dim=8).dim == 8


def test_parents_without_common_items(store: Store, guided: str) -> None:
    put_base(store, ["x", "y", "z"])
    with pytest.raises(UsageError, match="no item is in both base/b and guided/g"):
        build_refined(store, "r", base="base/b", guided=guided)
    put_base(store, ["x", "i1", "i2"], name="few")
    with pytest.raises(UsageError, match=r"2 items are in both .* too few .* choose a dim of at most 6"):
        build_refined(store, "r", base="base/few", guided=guided)


def test_versions_that_cannot_be_parents_or_are_there_already(store: Store, guided: str) -> None:
    put_base(store, [f"i{number}" for number in range(30)])
    with pytest.raises(VersionError, match="no version base/none"):
        build_refined(store, "r", base="base/none", guided=guided)
    write_version(store, "guided/bare", ["i1"], np.ones((1, 2), np.float32))
    with pytest.raises(VersionError, match=r"recipe of guided/bare lacks schema, .*build it again"):
        build_refined(store, "r", base="base/b", guided="guided/bare")
    build_refined(store, "r", base="base/b", guided=guided)
    with pytest.raises(VersionError, match="there is a version refined/r already"):
        build_refined(store, "r", base="base/b", guided=guided)


@given(st.integers(1, 60), st.integers(1, 60), st.none() | st.integers(0, 130))
def test_the_dims_that_are_named_as_working_do_work(attributes: int, base_dim: int, dim: int | None) -> None:
    wanted = base_dim if dim is None else dim
    works = attributes + 1 <= wanted <= attributes + base_dim
    if works:
        assert latent_dim(dim, attributes, base_dim) == wanted - attributes
    else:
        with pytest.raises(
            UsageError, match=f"choose a dim from {attributes + 1} to {attributes + base_dim}"
        ):
            latent_dim(dim, attributes, base_dim)
