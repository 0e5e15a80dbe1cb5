"""Whether two versions come from one recipe: everything alike but the seed, names, and what was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guided_store.errors import GuidedStoreError
from guided_store.store import Store
from guided_store.versions import TABLES, VersionInfo, get_version

_LEARNED = frozenset(
    # of an encoder, of the reduction of a base, of the columns of texts
    ["seconds", "cold_bias", "cold_map", "residual_map", "calibration", "base_digest", "explained_share"]
)
"""What a run finds, or what another seed of a parent changes; parents are compared themselves."""


def settings_of(recipe: Mapping[str, Any]) -> dict[str, object]:
    """What someone chose, by dotted name: without seeds, names of versions, and what was learned."""
    return dict(_flat(recipe, ""))


def first_difference(store: Store, one: VersionInfo, other: VersionInfo) -> str | None:
    """A phrase for the first setting that two versions, or what they were made from, do not share.

    Parents that are gone are passed over: their digests stand in the recipes.
    """
    if one.ref == other.ref:
        return None
    if one.ref.kind != other.ref.kind:
        return f"one is a {one.ref.kind} version, the other a {other.ref.kind} version"
    if one.dim != other.dim:
        return f"they have {one.dim} and {other.dim} dimensions"
    ours, theirs = settings_of(one.recipe), settings_of(other.recipe)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            return f"{name} is {_shown(ours.get(name))} in one and {_shown(theirs.get(name))} in the other"
    if len(one.parents) != len(other.parents):
        return f"they were made from {len(one.parents)} and {len(other.parents)} versions"
    for ours_from, theirs_from in zip(one.parents, other.parents, strict=True):
        try:
            parents = get_version(store, ours_from), get_version(store, theirs_from)
        except GuidedStoreError:
            continue
        if apart := first_difference(store, *parents):
            return f"of what they were made from ({ours_from} and {theirs_from}), {apart}"
    return None


def _flat(values: Mapping[str, Any], before: str) -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if name == "seed" or name in _LEARNED or _measured(value) or _names_a_version(value):
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _measured(value: object) -> bool:
    """Lists of numbers are means, deviations and maps: found, not chosen."""
    return isinstance(value, list) and any(isinstance(one, float | list) for one in value)


def _names_a_version(value: object) -> bool:
    return isinstance(value, str) and value.partition("/")[0] in TABLES and "/" in value


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
