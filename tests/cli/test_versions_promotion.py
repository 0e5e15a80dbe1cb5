"""`versions alias --require`, `diff`, `show --lineage`, `prune`: from the command line, at 80 columns."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def store(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trained store, since these tests take away."""
    copy = tmp_path_factory.mktemp("promotion") / "store"
    shutil.copytree(trained, copy)
    return copy


def test_gates_that_hold_move_the_alias_and_stay_in_its_history(terminal: Any, store: Path) -> None:
    told = terminal.ask(
        store,
        "versions alias live base/b --against refined/r",
        *("--require", "mrr >= 0.001", "--require", "ndcg@10 >= current - 100%"),
    )
    assert "base/b judged on leave-one-out test" in told
    assert "base, current: refined/r (as named)" in told
    assert "live -> base/b" in told
    assert max(map(len, told.splitlines()[4:7])) <= 80
    (row,) = terminal.json(store, "versions alias live")
    assert [gate["gate"] for gate in row["evidence"]["gates"]] == [
        "mrr >= 0.001",
        "ndcg@10 >= current - 100%",
    ]
    history = terminal.ask(store, "versions alias live")
    assert "2 of 2 held" in history
    assert "mrr >= 0.001" in history


def test_a_gate_that_refuses_shows_figures_and_exits_with_1(terminal: Any, store: Path) -> None:
    terminal.ask(store, "versions alias kept base/b")
    refused = terminal.invoke(
        store, "versions alias kept refined/r", *("--require", "mrr >= 0.999", "--require", "coverage > 0")
    )
    assert refused.exit_code == 1
    assert "refused" in refused.stdout
    assert "holds" in refused.stdout
    sentence = "error: the alias kept stays at base/b: 1 of 2 gates refused refined/r (mrr >= 0.999)\n"
    assert refused.stderr.endswith(sentence)
    as_json = terminal.invoke(
        store, "versions alias kept refined/r", *("--require", "mrr >= 0.999", "--json")
    )
    assert as_json.exit_code == 1
    assert '"moved": false' in as_json.stdout
    assert [row["version"] for row in terminal.json(store, "versions alias kept")] == ["base/b"]
    forced = terminal.ask(
        store, "versions alias kept refined/r --index flat", *("--require", "mrr >= 0.999", "--force")
    )
    assert "kept -> refined/r, index refined/r/flat, forced through 1 refusal" in forced
    assert "0 of 1 held, forced" in " ".join(terminal.ask(store, "versions alias kept").split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--require", "mrr => 1"), "cannot be read at '=> 1' (character 5)"),
        (("--require", "mrr >= current"), "the alias fresh points nowhere yet; name one with --against"),
        (("--force",), "--force belongs to gates"),
        (("--split", "loo"), "--split belongs to gates"),
        (("--part", "validation"), "--part belongs to gates"),
        (("--require", "mrr >= 0", "--split", "none"), "holds nothing out"),
        (("--require", "mrr >= 0", "--at", "2001-01-01"), "--at belongs to --split time"),
        (("--require", "mrr >= 0", "--index", "none"), "there is no index base/b/none"),
    ],
)
def test_wrong_requests(terminal: Any, store: Path, arguments: tuple[str, ...], sentence: str) -> None:
    code, told = terminal.refuse(store, "versions alias fresh base/b", *arguments)
    assert code == 2
    assert sentence in told
    code, told = terminal.refuse(store, "versions alias", "--require", "mrr >= 0")
    assert "--require judges a move" in told


def test_a_version_without_an_encoder_cannot_be_judged(terminal: Any, store: Path) -> None:
    code, told = terminal.refuse(store, "versions alias fresh refined/start", "--require", "mrr >= 0")
    assert code == 2
    assert "refined/start has no encoder" in told


def test_diff(terminal: Any, store: Path) -> None:
    told = terminal.ask(store, "versions diff refined/start refined/r")
    assert "training: refined/r alone was trained" in told
    assert "100.0% of the attribute scores are the same" in " ".join(told.split())
    found = terminal.json(store, "versions diff base/b production")
    assert (found["a"]["version"], found["b"]["version"]) == ("base/b", "refined/r")
    assert not found["same_content"]
    same = terminal.ask(store, "versions diff base/b base/b")
    assert "the same, bit by bit" in same
    assert "recipe: the same" in same
    assert terminal.refuse(store, "versions diff base/b base/none")[0] == 2


def test_lineage_as_a_tree(terminal: Any, store: Path) -> None:
    lines = terminal.ask(store, "versions show refined/r --lineage").splitlines()
    assert [line.lstrip("└├─│ `+|-").split()[0] for line in lines] == [
        "refined/r",
        "refined/start",
        "base/b",
        "guided/films",
    ]
    found = terminal.json(store, "versions show guided/films --children")
    assert found["children"]["kin"][0]["version"] == "refined/start"
    both = terminal.ask(store, "versions show refined/start --lineage --children")
    assert both.startswith("made from\n")
    assert "made from it" in both


def test_a_tree_without_unicode(
    terminal: Any, store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli._versions_lineage.unicode_output", lambda: False)
    told = terminal.ask(store, "versions show refined/r --lineage")
    assert told.isascii()
    assert "`-- refined/start" in told


def test_prune_says_first_and_removes_then(terminal: Any, store: Path) -> None:
    terminal.ask(store, "build refined --base base/b --guided guided/films --dim 30 --as spare")
    told = terminal.ask(store, "versions prune refined/spare")
    assert "--yes removes 1 version" in told
    assert "named, and nothing needs it" in " ".join(told.split())
    assert terminal.json(store, "versions show refined/spare")["version"] == "refined/spare"
    code, sentence = terminal.refuse(store, "versions prune base/b guided/films --yes")
    assert code == 1
    assert "base/b stays: " in sentence
    assert "guided/films stays: refined/s" in sentence
    done = terminal.json(store, "versions prune refined/spare --yes")
    assert done["removed"]
    assert done["freed"] > 0
    assert terminal.refuse(store, "versions show refined/spare")[0] == 2
    assert "nothing to remove" in terminal.ask(store, "versions prune --older-than 30d")
    assert "no faults found" in terminal.ask(store, "doctor")


@pytest.mark.parametrize("age", ["30", "d", "-3d", "1.5d", "9999999999d", "3m"])
def test_an_age_that_is_none(terminal: Any, store: Path, age: str) -> None:
    code, told = terminal.refuse(store, "versions prune", f"--older-than={age}")
    assert code == 2
    assert f"--older-than '{age}'" in told


def test_what_was_pruned_is_gone_in_the_history(terminal: Any, store: Path) -> None:
    terminal.ask(store, "build refined --base base/b --guided guided/films --dim 30 --as first")
    for version in ("refined/first", "refined/start", "base/b"):
        terminal.ask(store, f"versions alias moving {version}")
    terminal.ask(store, "versions prune refined/first --yes")
    assert "(gone)" in " ".join(terminal.ask(store, "versions alias moving").split())
    assert [row["gone"] for row in terminal.json(store, "versions alias moving")] == [True, False, False]
