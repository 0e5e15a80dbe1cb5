"""What a version was made from, and what was made from it, as trees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from guided_store.store import Store
from guided_store.versions._names import Ref
from guided_store.versions._registry import VersionInfo, get_version, list_versions


@dataclass(frozen=True)
class Kin:
    """One version in a tree of ancestors or of descendants.

    Attributes:
        ref: "kind/name" as it was recorded.
        info: its registry row, None where it is gone.
        made_from: the digest that the version below it in the tree was made from, where that is recorded and
            is not what the version holds now: its name was given again.
        kin: its parents, or its children, oldest first; empty where `shown` is set.
        shown: whether it stands in the tree before, where its own kin are.
    """

    ref: str
    info: VersionInfo | None
    made_from: str | None = None
    kin: tuple[Kin, ...] = field(default=())
    shown: bool = False

    @property
    def gone(self) -> bool:
        return self.info is None

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form, kin included."""
        info = self.info
        return {
            "version": self.ref,
            "gone": self.gone,
            "created": None if info is None else info.created.isoformat(),
            "digest": None if info is None else info.digest,
            "method": None if info is None else info.recipe.get("method"),
            "made_from": self.made_from,
            "shown": self.shown,
            "kin": [one.to_dict() for one in self.kin],
        }


def ancestors(store: Store, ref: str | Ref) -> Kin:
    """A version and all it was made from.

    Raises:
        UnknownVersionError: there is no such version.
    """
    start = str(get_version(store, ref).ref)
    known = {str(info.ref): info for info in list_versions(store)}
    return _tree(start, known, {name: info.parents for name, info in known.items()}, set(), None)


def ancestry(store: Store, ref: str | Ref) -> list[VersionInfo]:
    """A version and all it was made from, nearest first; what is gone is passed over."""
    known = {str(info.ref): info for info in list_versions(store)}
    found: dict[str, VersionInfo] = {}
    waiting = [str(ref)]
    while waiting:
        name = waiting.pop(0)
        if name in known and name not in found:
            found[name] = known[name]
            waiting.extend(found[name].parents)
    return list(found.values())


def descendants(store: Store, ref: str | Ref) -> Kin:
    """A version and all that was made from it.

    Raises:
        UnknownVersionError: there is no such version.
    """
    start = str(get_version(store, ref).ref)
    known = {str(info.ref): info for info in list_versions(store)}
    children: dict[str, tuple[str, ...]] = {}
    for name, info in known.items():  # oldest first
        for parent in dict.fromkeys(info.parents):
            children[parent] = (*children.get(parent, ()), name)
    return _tree(start, known, children, set(), None)


def _tree(
    name: str,
    known: Mapping[str, VersionInfo],
    kin: Mapping[str, tuple[str, ...]],
    seen: set[str],
    made_from: str | None,
) -> Kin:
    info = known.get(name)
    if name in seen:
        return Kin(name, info, made_from, shown=bool(kin.get(name)))
    seen.add(name)
    below = tuple(
        _tree(other, known, kin, seen, _other_content(info, known.get(other)))
        for other in dict.fromkeys(kin.get(name, ()))
    )
    return Kin(name, info, made_from, below)


def _other_content(info: VersionInfo | None, parent: VersionInfo | None) -> str | None:
    """The digest that `info` was made from, where `parent` has another one now."""
    if info is None or parent is None:
        return None
    recorded = set(recorded_digests(info, str(parent.ref)))
    return min(recorded) if recorded and parent.digest not in recorded else None


def recorded_digests(info: VersionInfo, ref: str) -> Iterator[str]:
    """Digests that a recipe records of the version `ref`: `{"base": "base/x", "base_digest": ...}`."""
    for part in (info.recipe, info.recipe.get("training")):
        if isinstance(part, Mapping):
            for key, value in part.items():
                if value == ref and isinstance(digest := part.get(f"{key}_digest"), str):
                    yield digest
