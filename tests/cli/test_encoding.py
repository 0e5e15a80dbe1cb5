"""Titles that the terminal's encoding lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TITLES = {"1": "七人の侍", "2": "Up 🎈", "3": "Amélie"}


@pytest.fixture(scope="module")
def foreign(terminal: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreign")
    rows = "\n".join(f"{item},{title}" for item, title in TITLES.items())
    (folder / "items.csv").write_text(f"item_id,title\n{rows}\n", encoding="utf-8")
    np.save(folder / "v.npy", np.eye(3, 4, dtype=np.float32) + 0.1)
    (folder / "ids.txt").write_text("\n".join(TITLES) + "\n")
    store = folder / "store"
    terminal.ask(store, "ingest items", folder / "items.csv")
    terminal.ask(store, "build base --as mine --from", folder / "v.npy", "--ids", folder / "ids.txt")
    return store


def run(store: Path, encoding: str, *arguments: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "--store", str(store), "similar", "1", *arguments],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_title_is_escaped_where_the_encoding_lacks_it(foreign: Path) -> None:
    text = run(foreign, "latin-1").decode("latin-1")
    assert r"Nearest to \u4e03\u4eba\u306e\u4f8d" in text
    assert "Amélie" in text
    # The table is set before letters are escaped, so an escape may reach over its column, never get lost.
    assert r"Up \U0001f388" in text


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_json_holds_every_title_in_any_encoding(foreign: Path, encoding: str) -> None:
    out = run(foreign, encoding, "--json")
    found = json.loads(out.decode(encoding))
    assert found["title"] == TITLES["1"]
    assert {item["item_id"]: item["title"] for item in found["items"]} == {"2": "Up 🎈", "3": "Amélie"}
    assert ("é".encode() in out) == (encoding == "utf-8")
