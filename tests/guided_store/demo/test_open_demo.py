"""Where the demo puts its store, and which stores it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from guided_store.demo import open_demo
from guided_store.errors import UsageError
from guided_store.store import create, open_or_create


def test_a_store_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for _ in range(2):
        with open_demo("~/dm", users=50, seed=1, wait=0) as store:
            assert store.root == tmp_path / "dm"
    assert json.loads((tmp_path / "dm" / "demo.json").read_text()) == {"users": 50, "seed": 1}


def test_a_demo_with_other_settings_is_refused(tmp_path: Path) -> None:
    open_demo(str(tmp_path / "dm"), users=50, seed=1, wait=0).close()
    with pytest.raises(UsageError, match="other settings"):
        open_demo(str(tmp_path / "dm"), users=60, seed=1, wait=0)
    assert json.loads((tmp_path / "dm" / "demo.json").read_text()) == {"users": 50, "seed": 1}
    open_or_create(tmp_path / "dm").close()  # and its lock was given back


def test_a_store_of_other_data_is_refused(tmp_path: Path) -> None:
    with create(tmp_path / "own") as store:
        store.append("items", pa.table({"item_id": ["a"]}))
    with pytest.raises(UsageError, match="data of its own"):
        open_demo(str(tmp_path / "own"), users=50, seed=1, wait=0)
    assert not (tmp_path / "own" / "demo.json").exists()
    open_or_create(tmp_path / "own").close()
