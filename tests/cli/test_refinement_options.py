"""`build refined`, with and without a base, `train`'s options of refinement, and new items by --extend."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

SMALL = "--epochs 1 --length 20 --heads 1 --blocks 1"


@pytest.fixture(scope="module")
def shop(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of this file's own, with versions of one stage."""
    copy = tmp_path_factory.mktemp("refinement") / "store"
    shutil.copytree(trained, copy)
    return copy


def test_one_stage_from_build_to_a_list_that_adds_up(terminal: Any, shop: Path) -> None:
    built = terminal.json(shop, "build refined --guided guided/films --dim 32 --as one")
    assert (built["dim"], built["parents"]) == (32, ["guided/films"])
    options = "--residual --cold-share 0.2 --delta-bound 1 --calibrate --user --mix --precision fp32"
    made = terminal.json(shop, f"train --items refined/one --as full {SMALL} {options}")
    encoder, training = made["training"]["encoder"], made["training"]["training"]
    columns = built["recipe"]["guided_columns"]
    told = {"residual": True, "user": True, "mix": True, "fixed": columns, "attributes": columns}
    assert told.items() <= encoder.items()
    settings = {"cold_share": 0.2, "delta_bound": 1.0, "calibrate": True, "precision": "fp32"}
    assert settings.items() <= training.items()
    assert made["recipe"]["form"] == "residual"
    assert len(made["recipe"]["calibration"]) == 1
    found = terminal.json(shop, "recommend simulated-0007 -k 5 --version refined/full")
    assert len(found["items"]) == 5
    for item in found["items"]:
        terms = sum(term["contribution"] for term in item["attributes"])
        assert terms + item["latent"] + item["bias"] == pytest.approx(item["score"], abs=1e-4)


def test_what_is_not_asked_for_is_not_recorded(terminal: Any, shop: Path) -> None:
    made = terminal.json(shop, f"train --items refined/start --as plainly {SMALL}")
    assert not {"residual", "user", "mix", "fixed", "attributes"} & made["training"]["encoder"].keys()
    younger = {"cold_share", "delta_bound", "calibrate", "precision", "row_sparse"}
    assert not younger & made["training"]["training"].keys()
    assert made["recipe"]["form"] == "plain"


def test_a_build_says_what_it_made_and_what_comes_next(terminal: Any, shop: Path) -> None:
    said = terminal.invoke(shop, "build refined --guided guided/films --dim 24 --as said")
    assert said.exit_code == 0
    assert "x 24 dimensions from guided/films" in said.stdout
    assert "latent dimensions" in said.stdout
    assert "next: guided-store train --items refined/said --as NAME" in said.stderr


def test_text_columns(terminal: Any, shop: Path) -> None:
    terminal.ask(shop, "build base --text tfidf --dim 6 --fields title --as words")
    asked = "build refined --guided guided/films --text base/words --text-columns 4 --dim 32 --as worded"
    built = terminal.json(shop, asked)
    recipe = built["recipe"]
    assert (recipe["text"], recipe["text_columns"]) == ("base/words", 4)
    assert recipe["guided_columns"] + 4 + recipe["latent_columns"] == 32
    assert "4 text and" in " ".join(terminal.ask(shop, asked.replace("worded", "again")).split())


def test_new_items_are_added_to_a_trained_version(terminal: Any, trained: Path, tmp_path: Path) -> None:
    """The bundled scores cover films that few viewers met: train on some, and add the rest."""
    store = tmp_path / "s"
    shutil.copytree(trained, store)
    from guided_store.store import open as open_store
    from guided_store.versions import load_embedding, write_version

    with open_store(store, write=True) as opened:
        films = load_embedding(opened, "guided/films")
        some = slice(0, len(films.item_ids) - 5)
        assert films.raw is not None
        assert films.imputed is not None
        write_version(
            opened,
            "guided/some",
            films.item_ids[some],
            films.vectors[some],
            raw=films.raw[some],
            imputed=films.imputed[some],
            recipe=films.info.recipe,
        )
    terminal.ask(store, "build refined --guided guided/some --dim 32 --as part")
    terminal.ask(store, f"train --items refined/part --as old --residual {SMALL}")
    extend = "build refined --guided guided/films --extend refined/old"
    said = terminal.ask(store, extend, "--as", "new")
    assert "5 new items" in " ".join(said.split())
    found = terminal.json(store, extend, "--as", "same")
    assert (found["rows"], found["recipe"]["extends"]) == (len(films.item_ids), "refined/old")
    lists = terminal.json(
        store, "recommend simulated-0007 --version refined/new --repeats allow -k", len(films.item_ids)
    )
    assert set(films.item_ids[-5:]) <= {item["item_id"] for item in lists["items"]}
    for option in ("--base base/b", "--dim 16", "--include pace", "--exclude pace", "--text-columns 2"):
        code, sentence = terminal.refuse(store, f"{extend} {option} --as never")
        assert code == 2
        assert f"{option.split()[0]} is settled by the version that --extend names" in sentence.replace(
            "\n", " "
        )


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("train --items base/b --residual", "residual needs attributes, which base/b items have not"),
        ("train --user", "user needs attributes, which learned items have not"),
        ("train --items base/b --calibrate", "calibrate needs attributes"),
        ("train --cold-share 0.1", "cold_share needs attributes"),
        ("train --items refined/start --delta-bound 1", "delta_bound belongs to the residual form"),
        ("train --items refined/start --residual --delta-bound 0", "delta_bound must be above 0"),
        (
            "train --items refined/start --residual --delta-bound inf",
            "delta_bound must be above 0 and finite",
        ),
        ("train --items refined/start --lr inf", "learning_rate must be above 0 and finite"),
        ("build refined --guided guided/films --dim 2", "do not fit into 2 dimensions"),
        ("build refined --guided guided/films --text-columns 2", "text_columns belongs to a text version"),
        ("build refined --guided guided/films --extend refined/start", "refined/start has no encoder"),
    ],
)
def test_what_does_not_go_with_it(terminal: Any, shop: Path, command: str, words: str) -> None:
    code, sentence = terminal.refuse(shop, f"{command} --as never")
    assert code == 2
    assert words in " ".join(sentence.split())
