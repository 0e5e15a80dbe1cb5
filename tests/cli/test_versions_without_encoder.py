"""What works with any version: `similar`, names by alias, hints that fit the kind; ids with commas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

IDS = ("a", "b,c", "d")


@pytest.fixture(scope="module")
def brought(terminal: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing but items and an imported base version."""
    folder = tmp_path_factory.mktemp("brought")
    np.save(folder / "v.npy", np.eye(3, 4, dtype=np.float32) + 0.1)
    (folder / "ids.txt").write_text("\n".join(IDS) + "\n", encoding="utf-8")
    (folder / "items.csv").write_text('id,title\na,七人の侍\n"b,c",Up 🎈\nd,Amélie\n', encoding="utf-8")
    store = folder / "store"
    terminal.ask(store, "init")
    terminal.ask(store, "ingest items --item id --title title", folder / "items.csv")
    return store


def bring(terminal: Any, store: Path) -> None:
    folder = store.parent
    terminal.ask(store, "build base --as mine --from", folder / "v.npy", "--ids", folder / "ids.txt")


def test_similar_needs_a_version_and_no_encoder(terminal: Any, brought: Path) -> None:
    code, sentence = terminal.refuse(brought, "similar a")
    assert code == 2
    assert "no versions yet" in sentence
    bring(terminal, brought)
    found = terminal.json(brought, "similar a -k 2")
    assert found["version"] == "base/mine"
    assert {item["item_id"] for item in found["items"]} == {"b,c", "d"}
    assert "Nearest to 七人の侍, by base/mine" in terminal.ask(brought, "similar a")


@pytest.mark.parametrize("version", ["guided/films", "refined/start"])
def test_similar_in_any_version(terminal: Any, trained: Path, version: str) -> None:
    assert terminal.json(trained, f"similar 1 --version {version}")["version"] == version
    assert f"by {version}" in terminal.ask(trained, f"similar 1 --version {version}")


def test_similar_by_an_alias(terminal: Any, trained: Path) -> None:
    terminal.ask(trained, "versions alias tastes guided/films")
    assert terminal.json(trained, "similar 1 --version tastes")["version"] == "guided/films"
    assert terminal.json(trained, "similar 1")["version"] == "refined/r"


def test_an_alias_stands_for_its_version_everywhere(terminal: Any, trained: Path) -> None:
    terminal.ask(trained, "versions alias the-base base/b")
    terminal.ask(trained, "versions alias the-films guided/films")
    made = terminal.json(trained, "build refined --base the-base --guided the-films --dim 30 --as by-alias")
    assert made["parents"] == ["base/b", "guided/films"]
    (result,) = terminal.json(trained, "index verify production/flat")
    assert result["index"] == "refined/r/flat"
    copied = terminal.json(trained, "versions alias second production")
    assert (copied["version"], copied["index"]) == ("refined/r", "refined/r/flat")


def test_every_alias_of_a_version_is_listed(terminal: Any, trained: Path) -> None:
    for name in ("first-name", "other-name"):
        terminal.ask(trained, f"versions alias {name} refined/start")
    listed = terminal.ask(trained, "versions list refined")
    assert "first-name" in listed
    assert "other-name" in listed
    terminal.ask(trained, "versions alias moved refined/start")
    terminal.ask(trained, "versions alias moved base/b")
    shown = terminal.ask(trained, "versions show refined/start")
    assert "first-name, other-name" in shown
    assert "moved" not in shown


def test_the_way_to_an_encoder_fits_the_kind(terminal: Any, trained: Path) -> None:
    guided = terminal.ask(trained, "versions show guided/films")
    assert "no: `build refined` from it and a base" in guided
    assert "--items guided" not in guided
    assert "`train --items refined/start`" in terminal.ask(trained, "versions show refined/start")


def test_a_history_may_be_given_in_parts(terminal: Any, trained: Path) -> None:
    one = terminal.json(trained, "recommend --items 1,2,3")
    assert one == terminal.json(trained, "recommend --items 1,2 --items 3")
    assert one == terminal.json(trained, "recommend --items", '"1", "2",3')
    assert terminal.json(trained, "recommend --items", '1,"b,c"')["skipped"] == ["b,c"]
