"""Figures that were worked out are shown, whether or not they can be kept; lists that are judged."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

import guided_store.evaluation
from guided_store import store as stores
from guided_store.errors import StoreError

QUICK = "evaluate refined/r --no-baselines -k 5"


@pytest.mark.parametrize("form", ["", " --json"])
def test_another_writer_costs_no_figures(terminal: Any, trained: Path, form: str) -> None:
    with stores.open(trained, write=True):
        result = terminal.invoke(trained, QUICK + form)
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: the figures were not kept: ")
    assert "is being written by" in result.stderr
    if form:
        assert json.loads(result.stdout)["rows"][0]["name"] == "refined/r"
    else:
        assert "refined/r" in result.stdout


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "no permission to read or write (/x)"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "no permission to read or write (/x)"),
    ],
)
def test_a_store_that_cannot_be_written_costs_no_figures(
    terminal: Any, trained: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    monkeypatch.setattr(stores, "open", refuse_writing(stores.open, error))
    result = terminal.invoke(trained, QUICK)
    assert result.exit_code == 0
    assert "refined/r" in result.stdout
    assert words in result.stderr


def refuse_writing(opens: Any, error: OSError) -> Any:
    """`store.open` on a file system that can only be read."""

    def open_(*arguments: Any, write: bool = False, **options: Any) -> Any:
        if write:
            raise error
        return opens(*arguments, **options)

    return open_


@pytest.mark.parametrize(("cause", "code"), [(OSError("LanceError(IO): read-only"), 0), (None, 1)])
def test_a_damaged_store_is_no_warning(
    terminal: Any, trained: Path, monkeypatch: pytest.MonkeyPatch, cause: OSError | None, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("table 'evaluations'") from cause

    monkeypatch.setattr(guided_store.evaluation, "record", refuse)
    result = terminal.invoke(trained, QUICK)
    assert result.exit_code == code
    assert "refined/r" in result.stdout
    assert "table 'evaluations'" in result.stderr


def test_figures_are_kept_also_where_the_reader_has_seen_enough(
    terminal: Any, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OSError("the reader is gone")

    before = terminal.json(trained, "status")["tables"]["evaluations"]["rows"] if kept(trained) else 0
    with monkeypatch.context() as patched:
        patched.setattr("cli.evaluate.show", gone)
        assert terminal.invoke(trained, QUICK).exit_code == 1
    assert terminal.json(trained, "status")["tables"]["evaluations"]["rows"] == before + 1


def kept(trained: Path) -> bool:
    return stores.open(trained).has_table("evaluations")


def test_lists_alone_can_be_judged(terminal: Any, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.parquet"
    report = terminal.json(trained, "recommend --all-users --split loo -k 10 --out", out)
    assert report["users"] == terminal.users
    assert report["users_without_list"] == 0
    result = terminal.json(trained, "evaluate --no-baselines --no-save --recs", out)
    assert [row["name"] for row in result["rows"]] == ["mine"]
    version = terminal.json(trained, "evaluate refined/r --no-baselines --no-save")["rows"][0]
    for name in ("ndcg@10", "recall@10"):
        assert result["rows"][0]["metrics"][name] == pytest.approx(version["metrics"][name], abs=1e-9)
    assert "mine" in terminal.ask(trained, "evaluate --no-baselines --no-save --recs", out)


def test_users_without_a_list_are_told(terminal: Any, trained: Path, tmp_path: Path) -> None:
    text = terminal.ask(trained, "recommend --all-users --min violence=11 --out", tmp_path / "r.parquet")
    assert "wrote 0 rows" in text
    assert f"note: {terminal.users} of {terminal.users} users got no list" in text
