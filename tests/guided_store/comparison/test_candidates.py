"""What a user may name as a side of a comparison, and what makes versions one recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guided_store import store as stores
from guided_store.comparison import first_difference, parse_candidates, settings_of
from guided_store.errors import UnknownVersionError, UsageError
from guided_store.store import Store
from guided_store.versions import get_version, set_alias, write_version


def recipe(seed: int = 1, **more: Any) -> dict[str, Any]:
    """A trained version's recipe, as `train` writes it."""
    training = {"seed": seed, "learning_rate": 0.002, **more}
    settings = {"items": f"refined/start-s{seed}", "split": "abc", "training": training, "loss": "full"}
    return {"method": "guided", "seconds": 3.0 * seed, "residual_map": [[0.1 * seed]], "training": settings}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = stores.create(tmp_path / "store")
    vectors = np.eye(4, dtype=np.float32)
    ids = [f"i{number}" for number in range(4)]

    def put(name: str, content: dict[str, Any], *parents: str, dim: int = 4) -> None:
        write_version(found, name, ids, vectors[:, :dim], recipe=content, parents=parents)

    for seed in (1, 2):
        put(f"base/start-s{seed}", recipe(seed))
        put(f"refined/new-s{seed}", recipe(seed), f"base/start-s{seed}")
    put("base/start-s3", recipe(3, dropout=0.5))
    put("refined/new-s3", recipe(3), "base/start-s3")
    put("refined/fast", recipe(1, learning_rate=0.1))
    put("refined/small", recipe(1), dim=3)
    set_alias(found, "production", "refined/new-s1")
    return found


def test_versions_aliases_and_recipes(store: Store) -> None:
    one, other = parse_candidates(store, ["production", "refined/fast"])
    assert (one.label, str(one.refs[0])) == ("production", "refined/new-s1")
    assert other.label == "refined/fast"
    one, other = parse_candidates(store, ["base/start-s1+base/start-s2", "refined/new-s1 + refined/new-s2"])
    assert (one.label, other.label) == ("base/start", "refined/new")
    assert [str(ref) for ref in other.refs] == ["refined/new-s1", "refined/new-s2"]
    one, other = parse_candidates(store, ["old=base/start-s1", "the new one=refined/new-s1+refined/new-s2"])
    assert (one.label, other.label) == ("old", "the new one")


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ((), "two versions or more"),
        (("production",), "two versions or more"),
        (("production", "refined/new-s1"), "refined/new-s1 is named twice"),
        (("refined/fast", "refined/new-s1+refined/new-s1"), "named twice"),
        (("a=refined/fast", "a=refined/new-s1"), "would be called a"),
        (("refined/fast", "nonsense"), "'nonsense' is neither a version"),
        (("refined/fast", "refined/new-s1+"), "names no candidate"),
        (("refined/fast", "=refined/new-s1"), "names no candidate"),
        (("refined/fast", ""), "names no candidate"),
        (("base/start-s1", "refined/new-s1+refined/fast"), "learning_rate is 0.002 in one and 0.1"),
        (("base/start-s1", "refined/new-s1+refined/small"), "4 and 3 dimensions"),
        (("refined/fast", "refined/new-s1+base/start-s1"), "a refined version, the other a base version"),
        (("refined/fast", "refined/new-s1+refined/new-s3"), "made from (base/start-s1 and base/start-s3)"),
    ],
)
def test_what_is_refused(store: Store, texts: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_candidates(store, texts)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_version_that_is_not_there(store: Store) -> None:
    with pytest.raises(UnknownVersionError, match="refined/none"):
        parse_candidates(store, ["refined/fast", "refined/none"])


def test_mixed_recipes_can_be_joined_on_purpose(store: Store) -> None:
    texts = ["base/start-s1+base/start-s3", "refined/new-s1+refined/fast"]
    one, other = parse_candidates(store, texts, mixed=True)
    assert one.label == "base/start"
    assert other.label == "refined/new-s1+refined/fast"


def test_seeds_names_and_what_was_learned_are_no_settings(store: Store) -> None:
    assert settings_of(recipe(1)) == settings_of(recipe(2))
    assert settings_of(recipe(1))["training.training.learning_rate"] == 0.002
    one, other = (get_version(store, f"refined/new-s{seed}") for seed in (1, 2))
    assert first_difference(store, one, other) is None
    assert first_difference(store, one, one) is None
