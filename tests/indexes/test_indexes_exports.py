"""The package exports what it lists, lists what it exports, and knows nothing of what stands above it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import indexes


def test_all_is_sorted_and_complete() -> None:
    public = {
        name for name, value in vars(indexes).items() if not name.startswith("_") and not is_module(value)
    }
    assert indexes.__all__ == sorted(indexes.__all__)
    assert public == set(indexes.__all__)
    for name in indexes.__all__:
        assert getattr(indexes, name).__doc__


def is_module(value: object) -> bool:
    return type(value).__name__ == "module"


def test_only_numpy_and_faiss_are_imported() -> None:
    allowed = set(sys.stdlib_module_names) | {"numpy", "faiss", "indexes"}
    for file in Path(indexes.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, file


def test_neither_torch_nor_guided_store_is_loaded() -> None:
    code = "import sys, indexes; print([n for n in ('torch', 'lancedb', 'guided_store') if n in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
