"""How each version was made, as fields that can be read and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from guided_store.report._html import Child, Markup, element, escaped
from guided_store.report._tables import dot
from guided_store.versions import VersionInfo

MOST_NUMBERS = 24
"""A longer list of numbers is named by its length: nobody reads a matrix, and the store keeps it."""

MOST_WORDS = 40


def recipes_html(lineage: Sequence[VersionInfo], places: Mapping[str, int]) -> Markup:
    """A folded part for each version: facts, recipe and metrics as fields, the recipe as JSON below.

    Args:
        lineage: the versions.
        places: version ("kind/name") -> its place in the comparison.
    """
    return element("div", (_version(info, places.get(str(info.ref))) for info in lineage))


def pairs_html(pairs: Mapping[str, object]) -> Markup:
    """Names and values beside each other."""
    return element(
        "dl",
        ([element("dt", name), element("dd", plain(value))] for name, value in pairs.items()),
        class_="pairs",
    )


def fields(content: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Fields of nested mappings, named by their path: `training.seed`."""
    for name, value in content.items():
        path = f"{before}{name}"
        if isinstance(value, Mapping) and value:
            yield from fields(value, f"{path}.")
        else:
            yield path, value


def plain(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        short = _shortened(value)
        return short if isinstance(short, str) else ", ".join(plain(one) for one in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain(one)}" for name, one in value.items()) or "none"
    return str(value)


def _version(info: VersionInfo, place: int | None) -> Markup:
    facts: dict[str, object] = {
        "made from": list(info.parents),
        "created": f"{info.created:%Y-%m-%d %H:%M} UTC",
        "items": info.rows,
        "dimensions": info.dim,
        "digest": info.digest,
        "written by": f"guided-store {info.package}" if info.package else None,
    }
    parts: list[Child] = [pairs_html({name: value for name, value in facts.items() if value is not None})]
    for title, content in (("Recipe", info.recipe), ("Metrics when it was written", info.metrics)):
        if content:
            parts += [element("h3", title), pairs_html(dict(fields(content)))]
    text = json.dumps(_shortened(info.recipe), indent=2, sort_keys=True, ensure_ascii=False, default=str)
    parts.append(element("details", element("summary", "Recipe as JSON"), element("pre", escaped(text))))
    mark = None if place is None else dot(place)
    summary = element("summary", mark, str(info.ref), " ", element("span", info.digest[:12], class_="soft"))
    return element("details", summary, element("div", parts, class_="inside"))


def _shortened(value: object) -> object:
    """The same without long lists of numbers or of lists of them."""
    if isinstance(value, Mapping):
        return {str(name): _shortened(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        count = _numbers(value)
        if count is not None and count > MOST_NUMBERS:
            return f"{count:,} numbers"
        if len(value) > MOST_WORDS:
            return f"{len(value):,} entries"
        return [_shortened(one) for one in value]
    return value


def _numbers(value: object) -> int | None:
    """How many numbers a list of numbers, or of such lists, holds; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return 1
    if not isinstance(value, list | tuple):
        return None
    counts = [_numbers(one) for one in value]
    return None if None in counts else sum(count for count in counts if count is not None)
