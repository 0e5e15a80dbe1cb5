"""What makes a model folder the same model, and the extra that may be missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from guided_store.errors import UsageError
from guided_store.local._embedder import load_model
from guided_store.local._identity import folder_digest


def _model(folder: Path, **files: str) -> Path:
    for name, text in ({"config": "{}", "1_Pooling/config": "{}"} | files).items():
        path = folder / (name if "." in name else f"{name}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_place_and_card_do_not_count(tmp_path: Path) -> None:
    first = _model(tmp_path / "a")
    second = _model(tmp_path / "deep" / "b")
    (second / "README.md").write_text("card", encoding="utf-8")
    (second / ".git").mkdir()
    (second / ".git" / "index.json").write_text("x", encoding="utf-8")
    assert folder_digest(first) == folder_digest(second)
    assert folder_digest(first).startswith("sha256:")


@pytest.mark.parametrize("file", ["config.json", "1_Pooling/config.json", "model.safetensors"])
def test_every_other_byte_counts(tmp_path: Path, file: str) -> None:
    folder = _model(tmp_path)
    before = folder_digest(folder)
    (folder / file).write_bytes((folder / file).read_bytes() + b" ")
    assert folder_digest(folder) != before


def test_a_file_under_another_name_is_another_model(tmp_path: Path) -> None:
    folder = _model(tmp_path)
    before = folder_digest(folder)
    (folder / "1_Pooling").rename(folder / "2_Pooling")
    assert folder_digest(folder) != before


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(UsageError) as caught:
        load_model(str(_model(tmp_path)), batch_size=1, device=None)
    assert str(caught.value) == (
        'scoring without an API needs sentence-transformers: pip install "guided-store[local]"'
    )


def test_importing_the_room_loads_no_model_library() -> None:
    script = (
        "import sys, guided_store.local\n"
        "print([name for name in ('sentence_transformers', 'transformers', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == "[]"
