"""What goes to stdout."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cli import _output
from cli._output import listing, pairs, plain, print_json, show, size
from guided_store.wording import counted


@dataclass
class Point:
    x: float
    names: tuple[str, ...]


def test_plain_takes_what_results_are_made_of() -> None:
    value = {
        "point": Point(np.float32(0.5).item(), ("a", "b")),
        "array": np.arange(3),
        "number": np.int64(7),
        "flag": np.bool_(True),
        "nan": float("nan"),
        "nested": [np.array([1.5, np.inf])],
        "path": Path("a/b"),
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        1: None,
    }
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == {
        "point": {"x": 0.5, "names": ["a", "b"]},
        "array": [0, 1, 2],
        "number": 7,
        "flag": True,
        "nan": None,
        "nested": [[1.5, None]],
        "path": "a/b",
        "time": "2026-01-02T00:00:00+00:00",
        "1": None,
    }


def test_print_json_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": "Amélie"})
    assert capsys.readouterr().out == '{\n  "title": "Amélie"\n}\n'


def test_long_sentences_are_not_cut_and_markup_is_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "[red]word[/red] " * 30
    show(sentence)
    assert capsys.readouterr().out == f"{sentence}\n"


def test_tables_fold_and_keep_everything(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show(listing(("id", "n"), [("x" * 60, 5), (None, 1000)], right=("n",)))
    out = capsys.readouterr().out
    assert out.count("x") == 60
    assert max(map(len, out.splitlines())) <= 40
    show(pairs({"name": "[b]", "left out": None}))
    out = capsys.readouterr().out
    assert "[b]" in out
    assert "left out" not in out


def test_counts_and_sizes() -> None:
    assert [counted(n, "entry") for n in (0, 1, 2000)] == ["0 entries", "1 entry", "2,000 entries"]
    assert [counted(n, "item") for n in (1, 2)] == ["1 item", "2 items"]
    assert [size(n) for n in (0, 999, 1500, 2.5e6, 3e12)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "2.5 MB",
        "3000.0 GB",
    ]


@pytest.mark.parametrize(("encoding", "possible"), [("utf-8", True), ("ascii", False), ("latin-1", False)])
def test_block_characters_need_an_encoding(
    encoding: str, possible: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Out:
        pass

    out = Out()
    out.encoding = encoding  # type: ignore[attr-defined]
    monkeypatch.setattr(_output.sys, "stdout", out)
    monkeypatch.delenv("TERM", raising=False)
    assert _output.unicode_output() is possible


def test_names_to_be_copied_stay_in_one_line_however_narrow_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [("a-run-with-quite-a-long-name-x1", "some/model-with-a-name", "1,234,567")]
    show(listing(("run", "model", "done"), rows, right=("done",), whole=("run",)))
    out = capsys.readouterr().out
    assert "a-run-with-quite-a-long-name-x1" in out
    assert "1,234,567" in out
    assert "".join(line[33:43].strip() for line in out.splitlines()[1:]) == "some/model-with-a-name"


def test_what_files_and_servers_say_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    title = "\x1b[31mred\x07 \u202eevil\nand \u05db\u05d9\u05e1\u05d0"
    show(f"{title}", listing(("title",), [(title,)]), pairs({"title": title}))
    out = capsys.readouterr().out
    assert not set(out) & set("\x1b\x07\u202e")
    assert out.splitlines()[0] == "[31mred evil"
    assert out.count("[31mred evil and \u05db\u05d9\u05e1\u05d0") == 2
