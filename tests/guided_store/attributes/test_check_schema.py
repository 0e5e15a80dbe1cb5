"""Remarks on schemas that are valid but poor."""

from __future__ import annotations

import numpy as np
import pytest

from guided_store.attributes import Attribute, AttributeSchema, check_schema, load_schema
from guided_store.data import films
from guided_store.errors import UsageError


def schema(*attributes: Attribute) -> AttributeSchema:
    filler = tuple(Attribute(f"filler{i}", f"none {i}", f"much {i}") for i in range(8 - len(attributes)))
    return AttributeSchema("demo", 1, "film", (0, 10), attributes + filler)


def kinds(remarks: list[object]) -> list[tuple[str, str]]:
    return [(remark.attribute, remark.kind) for remark in remarks]  # type: ignore[attr-defined]


def test_the_bundled_pack_has_nothing_to_remark() -> None:
    assert check_schema(load_schema("films"), films().scores) == []


def test_words() -> None:
    checked = schema(
        Attribute("humor", "none", "None"),
        Attribute("wit", "dull", "sharp"),
        Attribute("edge", "Dull", "sharp "),
        Attribute("renown", "unknown", "famous everywhere"),
        Attribute("acclaim", "panned", "acclaimed", hindsight=True),
    )
    assert kinds(check_schema(checked)) == [
        ("humor", "same-ends"),
        ("edge", "same-description"),
        ("renown", "hindsight"),
    ]


def test_number_of_attributes() -> None:
    few = AttributeSchema("demo", 1, "film", (0, 10), (Attribute("humor", "none", "much"),))
    many = AttributeSchema(
        "m", 1, "x", (0, 1), tuple(Attribute(f"a{i}", f"l{i}", f"h{i}") for i in range(41))
    )
    assert "1 attributes are few" in check_schema(few)[0].message
    assert "41 attributes are many" in check_schema(many)[0].message


def test_scores_show_constants_and_synonyms() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 11, (200, 8)).astype(float)
    scores[:, 1] = 10 - scores[:, 0]
    scores[:, 2] = 4
    scores[:, 3] = np.nan
    scores[:, 4] = 0
    scores[:3, 4] = 9
    scores[5, 0] = np.nan
    remarks = check_schema(schema(), scores)
    assert kinds(remarks) == [
        ("filler2", "constant"),
        ("filler3", "constant"),
        ("filler4", "nearly-constant"),
        ("filler1", "synonyms"),
    ]
    assert remarks[0].message == "filler2: every score is 4, so it tells no item from another"
    assert "there is no score" in remarks[1].message
    assert "98% of scores are 0" in remarks[2].message
    assert "r = -1.00" in remarks[3].message


def test_scores_of_another_width_are_refused() -> None:
    with pytest.raises(UsageError, match=r"shape \(3, 5\) do not fit the schema's 8"):
        check_schema(schema(), np.zeros((3, 5)))
