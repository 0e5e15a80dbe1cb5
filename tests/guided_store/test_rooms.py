"""The rooms keep to docs/architecture.md: who imports whom, by public names only, each of them listed."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "guided_store"
ROOMS = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))
EVERYWHERE = {"errors", "progress", "wording"}
# What the document names: opening for writing repairs what a kill left, in rooms above the store.
INSIDE_FUNCTIONS = {("store", "versions"), ("store", "journal")}


def table() -> list[tuple[list[str], list[str]]]:
    """Rows of the table of rooms: names, and what they build on."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = []
    for line in text.split("| room | promises |")[1].split("\n\n")[0].splitlines()[2:]:
        names, _, below = (cell.strip() for cell in line.strip("|").split("|"))
        found.append((re.findall(r"`(\w+)`", names), [name.strip() for name in below.split(",") if name]))
    return found


def reachable() -> dict[str, set[str]]:
    """What each room may import: what it builds on, what that builds on, and those in the same row."""
    found: dict[str, set[str]] = {"indexes": set()}
    for names, below in table():
        allowed = {*names, *below, *EVERYWHERE}
        for name in below:
            allowed |= found[name]  # a KeyError here is a row that builds on a later one
        found.update(dict.fromkeys(names, allowed))
    return found


def imports(folder: Path) -> Iterator[tuple[Path, str, bool]]:
    """File, imported module, and whether at once, not in a function; of `from a import b` both a and a.b."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = {
            id(node)
            for outer in tree.body
            if not isinstance(outer, ast.FunctionDef)
            for node in ast.walk(outer)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} has a relative import"
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            else:
                continue
            for name in names:
                yield path, name, id(node) in top


def test_the_document_names_every_room_once() -> None:
    named = [name for names, _ in table() for name in names]
    assert len(named) == len(set(named))
    assert set(named) == {*ROOMS, *EVERYWHERE}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_builds_on_what_the_document_says(room: str) -> None:
    allowed = reachable()[room] | {room}
    for path, name, at_once in imports(LIBRARY / room):
        package, _, rest = name.partition(".")
        assert package != "cli", path
        if package == "indexes":
            assert "indexes" in allowed, path
        if package != "guided_store" or not rest:
            continue
        other = rest.split(".")[0]
        if other in ROOMS and other not in allowed:
            assert (room, other) in INSIDE_FUNCTIONS, f"{path} imports {other}"
            assert not at_once, f"{path} imports {other} where it is imported itself"


@pytest.mark.parametrize("package", ["cli", "guided_store", "indexes"])
def test_private_modules_and_names_stay_in_their_room(package: str) -> None:
    for path, name, _ in imports(ROOT / package):
        parts = name.split(".")
        if parts[0] not in ("cli", "guided_store", "indexes"):
            continue
        home = parts[:2] if parts[0] == "guided_store" else parts[:1]
        private = any(part.startswith("_") and not part.endswith("__") for part in parts)
        at_home = path.relative_to(ROOT).parts[: len(home)] == tuple(home)
        assert not private or at_home, f"{path} imports {name}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_what_it_offers(room: str) -> None:
    module = importlib.import_module(f"guided_store.{room}")
    bound = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name != "annotations"
    }
    assert bound == set(module.__all__)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            written = inspect.getdoc(value) or f"{name}("
            assert not written.startswith(f"{name}("), f"{room}.{name} has no docstring of its own"
