"""Schemas: identity, choice of columns, round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guided_store.attributes import Attribute, AttributeSchema, parse_schema, schema_from_dict
from guided_store.errors import DataError, UsageError

names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in {"item_id", "title", "year"}
)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda t: bool(t.strip())
)


@st.composite
def schemas(draw: st.DrawFn) -> AttributeSchema:
    attributes = [
        Attribute(name, draw(texts), draw(texts), draw(st.booleans()))
        for name in draw(st.lists(names, min_size=1, max_size=5, unique=True))
    ]
    low = draw(st.integers(-5, 5) | st.floats(-5, 5))
    return AttributeSchema(
        draw(texts),
        draw(st.integers(1, 9)),
        draw(texts),
        (low, low + draw(st.integers(1, 10))),
        tuple(attributes),
    )


def small(**changes: object) -> AttributeSchema:
    content: dict[str, object] = {
        "name": "demo",
        "version": 1,
        "item": "film",
        "scale": [0, 10],
        "attribute": [
            {"name": "humor", "low": "none", "high": "constant comedy"},
            {"name": "pace", "low": "slow", "high": "fast"},
            {"name": "fame", "low": "unknown", "high": "everybody", "hindsight": True},
        ],
    }
    return schema_from_dict(content | changes)


@given(schemas())
def test_toml_and_dict_round_trips_give_an_equal_schema(schema: AttributeSchema) -> None:
    assert parse_schema(schema.to_toml()) == schema
    assert schema_from_dict(schema.to_dict()) == schema
    assert parse_schema(schema.to_toml()).digest == schema.digest


def test_digest_follows_what_gives_scores_their_meaning_only() -> None:
    schema = small()
    assert schema.digest == small().digest
    assert schema.digest == small(scale=[0.0, 10.0]).digest
    unmarked = small(
        attribute=[{k: v for k, v in a.items() if k != "hindsight"} for a in schema.to_dict()["attribute"]]  # type: ignore[attr-defined]
    )
    assert unmarked.digest == schema.digest
    others = [
        small(name="other"),
        small(version=2),
        small(item="book"),
        small(scale=[0, 5]),
        small(attribute=list(reversed(schema.to_dict()["attribute"]))),  # type: ignore[call-overload]
    ]
    assert len({schema.digest, *(other.digest for other in others)}) == 6


def test_columns_come_in_schema_order() -> None:
    schema = small()
    assert schema.columns().tolist() == [0, 1, 2]
    assert schema.columns(include=["fame", "humor"]).tolist() == [0, 2]
    assert schema.columns(exclude=schema.hindsight).tolist() == [0, 1]
    assert schema.columns(include=["humor"], exclude=["humor"]).tolist() == []


def test_unknown_attribute_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown attribute 'wit': schema 'demo' has humor, pace, fame"):
        small().columns(include=["wit"])
    with pytest.raises(UsageError, match="unknown attribute 'wit'"):
        small().columns(exclude=["wit"])


def test_building_an_invalid_schema_in_python_is_refused() -> None:
    humor = Attribute("humor", "none", "constant")
    with pytest.raises(DataError, match=r"attribute schema 'x': attribute 'humor' is given twice"):
        AttributeSchema("x", 1, "film", (0, 10), (humor, humor))
    with pytest.raises(DataError, match=r"scale \[10, 0\] does not increase"):
        AttributeSchema("x", 1, "film", (10, 0), (humor,))
    with pytest.raises(DataError, match=r"scale \[0, inf\] does not increase|does not increase"):
        AttributeSchema("x", 1, "film", (0, float("inf")), (humor,))
