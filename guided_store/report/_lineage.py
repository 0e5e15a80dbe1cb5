"""The versions and what they were made from, as a graph drawn from left to right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guided_store.report._colours import version_colour
from guided_store.report._html import Markup, element, joined
from guided_store.versions import VersionInfo

_LETTER = 7.0  # pixels of an average letter at the size of the names
_SMALL = 6.0
_LONGEST = 28
_HIGH, _GAP, _BETWEEN, _EDGE = 44, 14, 54, 8


@dataclass(frozen=True)
class Node:
    """One version of the graph.

    Attributes:
        name: kind and name; info: what the store knows of it, None where it is gone.
        layer: 0 for what was made from nothing, else one more than its last parent's.
        row: place within the layer, from the top.
    """

    name: str
    info: VersionInfo | None
    layer: int
    row: int


def layout(lineage: Sequence[VersionInfo]) -> list[Node]:
    """Nodes of all versions and of parents that are gone, each right of all it was made from."""
    known = {str(info.ref): info for info in lineage}
    names = dict.fromkeys([*known, *(parent for info in lineage for parent in info.parents)])
    layers: dict[str, int] = {}

    def layer(name: str, above: frozenset[str]) -> int:
        # A name that was given again may stand among its own ancestors.
        if name not in layers:
            info = known.get(name)
            parents = [one for one in (info.parents if info else ()) if one not in above]
            layers[name] = 1 + max((layer(one, above | {name}) for one in parents), default=-1)
        return layers[name]

    for name in names:
        layer(name, frozenset({name}))
    found: list[Node] = []
    for number in range(max(layers.values(), default=-1) + 1):
        rows = {node.name: node.row for node in found}
        inside = [name for name in names if layers[name] == number]

        def middle(name: str, rows: Mapping[str, int] = rows) -> float:
            info = known.get(name)
            places = [rows[parent] for parent in (info.parents if info else ()) if parent in rows]
            return sum(places) / len(places) if places else float(len(rows))

        ordered = sorted(inside, key=middle) if number else inside
        found += [Node(name, known.get(name), number, row) for row, name in enumerate(ordered)]
    return found


def lineage_svg(lineage: Sequence[VersionInfo], places: Mapping[str, int]) -> Markup:
    """The graph as an SVG element.

    Args:
        lineage: the compared versions and their ancestors.
        places: version ("kind/name") -> its place in the comparison; these are outlined in their colour.
    """
    nodes = layout(lineage)
    widths = [
        max(_width(node) for node in nodes if node.layer == number)
        for number in range(max(node.layer for node in nodes) + 1)
    ]
    tallest = max(node.row for node in nodes) + 1
    left = [_EDGE + sum(widths[:number]) + _BETWEEN * number for number in range(len(widths))]
    high = tallest * (_HIGH + _GAP) - _GAP + 2 * _EDGE
    corners: dict[str, tuple[float, float]] = {}
    for node in nodes:
        rows = 1 + max(other.row for other in nodes if other.layer == node.layer)
        start = (high - rows * (_HIGH + _GAP) + _GAP) / 2
        corners[node.name] = left[node.layer], start + node.row * (_HIGH + _GAP)
    edges = []
    for node in nodes:
        for parent in dict.fromkeys(node.info.parents if node.info else ()):
            x, y = corners[parent]
            start = x + widths[next(other.layer for other in nodes if other.name == parent)]
            edges.append(
                _edge(start, y + _HIGH / 2, corners[node.name][0], corners[node.name][1] + _HIGH / 2)
            )
    boxes = [_box(node, corners[node.name], widths[node.layer], places.get(node.name)) for node in nodes]
    wide = left[-1] + widths[-1] + _EDGE
    said = "; ".join(
        f"{node.name} from {', '.join(node.info.parents)}"
        for node in nodes
        if node.info and node.info.parents
    )
    return element(
        "svg",
        joined(edges, boxes),
        viewBox=f"0 0 {wide:g} {high:g}",
        width=f"{wide:g}",
        role="img",
        aria_label=f"Versions and what they were made from: {said or 'each stands alone'}.",
    )


def _edge(x: float, y: float, to_x: float, to_y: float) -> Markup:
    middle = (x + to_x) / 2
    return element("path", d=f"M{x:g} {y:g}C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}")


def _box(node: Node, corner: tuple[float, float], width: float, place: int | None) -> Markup:
    x, y = corner
    class_ = "gone" if node.info is None else "chosen" if place is not None else None
    style = None if place is None else f"--dot:var(--{version_colour(place).name})"
    return element(
        "g",
        element("title", node.name),
        element(
            "rect", x=f"{x:g}", y=f"{y:g}", width=f"{width:g}", height=_HIGH, rx=4, class_=class_, style=style
        ),
        element("text", _short(node.name, _LONGEST), x=f"{x + 10:g}", y=f"{y + 18:g}"),
        element("text", _said(node), x=f"{x + 10:g}", y=f"{y + 34:g}", class_="small"),
    )


def _said(node: Node) -> str:
    info = node.info
    if info is None:
        return "no longer in the store"
    return f"{info.dim} dimensions, {info.created:%d %b %Y}"


def _width(node: Node) -> float:
    return 20 + max(_LETTER * min(len(node.name), _LONGEST), _SMALL * len(_said(node)))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
