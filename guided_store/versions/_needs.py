"""Which versions others need: what an alias, a descendant or an unfinished training would miss."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime

from guided_store.store import Store
from guided_store.versions._aliases import Alias, alias_history
from guided_store.versions._registry import VersionInfo


def alias_needs(store: Store) -> dict[str, str]:
    """Version -> why an alias needs it: it points there now, or would go back there."""
    rows: dict[str, list[Alias]] = {}
    for row in alias_history(store):
        rows.setdefault(row.name, []).append(row)
    found: dict[str, str] = {}
    for name, history in rows.items():
        previous = next((row for row in reversed(history) if row.version != history[-1].version), None)
        if previous is not None:
            for ref in _served(previous):
                found.setdefault(ref, f"alias {name} pointed to it before: the way back")
    for name, history in rows.items():  # last, so that what is served now is the reason that is told
        for ref in _served(history[-1]):
            found[ref] = f"alias {name} points to it"
    return found


def _served(row: Alias) -> Iterator[str]:
    yield str(row.version)
    if row.encoder is not None:
        yield row.encoder
    if row.index is not None:
        yield row.index.rpartition("/")[0]


def named_by(store: Store, info: VersionInfo, known: Collection[str]) -> list[str]:
    """Other versions that one was made from or is read with.

    Those are its parents, and whatever its recipe and its encoder's record name: an encoder with priors reads
    a version of users each time it is loaded.
    """
    found = dict.fromkeys(info.parents)
    found |= dict.fromkeys(_texts(info.recipe))
    path = store.artifact("encoders", str(info.ref)) / "encoder.json"
    with contextlib.suppress(OSError, ValueError):  # none, or damaged: the recipe names the same versions
        found |= dict.fromkeys(_texts(json.loads(path.read_text(encoding="utf-8"))))
    return [name for name in found if name in known and name != str(info.ref)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def training_needs(store: Store, known: Mapping[str, VersionInfo]) -> dict[str, str]:
    """Version -> the unfinished training that may start from it.

    A checkpoint does not say what its run started from, so every version of its kind that was there when it
    was last written counts, and every version of users.
    """
    found: dict[str, str] = {}
    for path in sorted((store.root / "checkpoints").glob("*/*.safetensors")):
        kind, name = path.parent.name, f"{path.parent.name}/{path.stem}"
        try:
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue
        if name in known or path.name.startswith("."):
            continue
        for ref, info in known.items():
            if info.ref.kind in (kind, "users") and info.created <= written:
                found.setdefault(ref, f"the unfinished training of {name} may start from it")
    return found
