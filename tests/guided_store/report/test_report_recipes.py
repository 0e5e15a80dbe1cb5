"""Recipes as people read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

import pytest

from guided_store.report._recipes import fields, plain, recipes_html
from guided_store.versions import VersionInfo


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "none"),
        (True, "yes"),
        (64, "64"),
        (987_531, "987,531"),
        (0.001, "0.001"),
        (1 / 3, "0.333333"),
        (["a", "b"], "a, b"),
        ([], "none"),
        ([0.5] * 30, "30 numbers"),
        ([[1.0] * 25] * 4, "100 numbers"),
        ({"k": [1, 2]}, "k: 1, 2"),
        ("text", "text"),
    ],
)
def test_values(value: object, expected: str) -> None:
    assert plain(value) == expected


def test_nested_fields_are_named_by_their_path() -> None:
    content = {"method": "x", "training": {"seed": 1, "loss": {"name": "ce"}}, "empty": {}}
    assert dict(fields(content)) == {
        "method": "x",
        "training.seed": 1,
        "training.loss.name": "ce",
        "empty": {},
    }


def test_a_recipe_stands_there_as_json_without_its_matrices(make_info: Callable[..., VersionInfo]) -> None:
    info = make_info("base/x", method="<pca>", dim=3, mean=[0.5] * 60, names=["a", "b"], flag=True)
    found = recipes_html([info], {"base/x": 1})
    assert "<pca>" not in found
    text = re.search(r"<pre>(.*?)</pre>", found, re.DOTALL)
    assert text is not None
    assert json.loads(unescape(text.group(1))) == {
        "method": "<pca>",
        "dim": 3,
        "mean": "60 numbers",
        "names": ["a", "b"],
        "flag": True,
    }
    assert info.digest in found
