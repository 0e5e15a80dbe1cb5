"""The bundled schemas: what every one of them keeps to."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from guided_store.attributes import check_schema, list_packs, load_schema, parse_schema

PACKS = ("fashion", "films", "games", "news", "office", "shop")


def test_which_there_are() -> None:
    assert list_packs() == PACKS


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_is_sound(pack: str) -> None:
    schema = load_schema(pack)
    assert schema.name == pack
    assert 16 <= len(schema) <= 28
    assert schema.scale == (0, 10)
    assert check_schema(schema) == []
    assert parse_schema(schema.to_toml()) == schema


@pytest.mark.parametrize("pack", PACKS)
def test_ends_and_names_are_short_and_plain(pack: str) -> None:
    for attribute in load_schema(pack).attributes:
        assert len(attribute.name.split("_")) <= 2, attribute.name
        for end in (attribute.low, attribute.high):
            assert end == end.strip()
            assert len(end.split()) <= 12, end
            assert not end.endswith("."), end
        # An end that grades itself ("very", "high quality") leaves each scorer a scale of their own.
        assert not re.search(
            r"\b(high|good|great|quality|nice|bad|level)\b", f"{attribute.low} {attribute.high}"
        )


@pytest.mark.parametrize("pack", sorted(set(PACKS) - {"films"}))
def test_a_pack_says_what_its_domain_chooses_by(pack: str) -> None:
    text = (resources.files("guided_store") / "data" / pack / "attributes.toml").read_text(encoding="utf-8")
    schema = load_schema(pack)
    comment = text[: text.index("name = ")]
    assert comment.startswith(f"# {len(schema)} attributes of ")
    assert "What decides a" in comment
    assert ("hindsight = true" in comment) == bool(schema.hindsight)


def test_what_packs_share_they_call_the_same() -> None:
    ends: dict[str, set[tuple[str, str]]] = {}
    for pack in ("office", "shop"):
        for attribute in load_schema(pack).attributes:
            ends.setdefault(attribute.name, set()).add((attribute.low, attribute.high))
    shared = {"consumable", "pack_size", "style", "sustainability"}
    assert {name for name in shared if len(ends[name]) == 1} == shared
