"""Trees of ancestors and descendants, with what is gone and what was given its name again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from guided_store.errors import UnknownVersionError
from guided_store.store import Store, create
from guided_store.versions import (
    Kin,
    ancestors,
    descendants,
    get_version,
    plan_prune,
    prune,
    write_version,
)


def put(store: Store, ref: str, parents: tuple[str, ...] = (), value: float = 1, **recipe: object) -> None:
    write_version(store, ref, ["a"], np.full((1, 2), value, np.float32), parents=parents, recipe=recipe)


def outline(kin: Kin) -> object:
    return (kin.ref, [outline(one) for one in kin.kin])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """base/b and guided/g make refined/start, refined/r and refined/s from it; refined/both from all."""
    store = create(tmp_path / "s")
    put(store, "base/b")
    put(store, "guided/g", value=2)
    digest = get_version(store, "guided/g").digest
    put(store, "refined/start", ("base/b", "guided/g"), 3, guided="guided/g", guided_digest=digest)
    put(store, "refined/r", ("refined/start",), 4, guided="guided/g", guided_digest=digest)
    put(store, "refined/both", ("refined/r", "refined/start", "base/lost"), 5)
    return store


def test_ancestors(store: Store) -> None:
    tree = ancestors(store, "refined/both")
    start = ("refined/start", [("base/b", []), ("guided/g", [])])
    expected = ("refined/both", [("refined/r", [start]), ("refined/start", []), ("base/lost", [])])
    assert outline(tree) == expected
    again, lost = tree.kin[1:]
    assert again.shown, "its own parents stand above"
    assert not lost.shown
    assert lost.gone
    told = tree.to_dict()
    assert told["version"] == "refined/both"
    assert told["kin"][2] == {
        "version": "base/lost",
        "gone": True,
        "created": None,
        "digest": None,
        "method": None,
        "made_from": None,
        "shown": False,
        "kin": [],
    }


def test_descendants(store: Store) -> None:
    start = ("refined/start", [("refined/r", [("refined/both", [])]), ("refined/both", [])])
    assert outline(descendants(store, "guided/g")) == ("guided/g", [start])
    assert outline(descendants(store, "refined/both")) == ("refined/both", [])
    with pytest.raises(UnknownVersionError, match="did you mean"):
        descendants(store, "guided/gg")
    with pytest.raises(UnknownVersionError):
        ancestors(store, "base/lost")


def test_a_name_that_was_given_again_is_told(store: Store) -> None:
    made_from = get_version(store, "guided/g").digest
    assert ancestors(store, "refined/start").kin[1].made_from is None
    # no prune takes guided/g from under refined/start: a copy of the store may hold another one
    store.dataset("versions").delete("kind = 'guided'")
    put(store, "guided/g", value=7)
    base, guided = ancestors(store, "refined/start").kin
    assert guided.made_from == made_from
    assert base.made_from is None


def test_a_pruned_child_is_no_child_any_more(store: Store) -> None:
    prune(store, plan_prune(store, ["refined/both"]))
    assert outline(descendants(store, "refined/r")) == ("refined/r", [])
