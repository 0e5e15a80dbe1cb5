"""The catalogue as a map: each item a point, coloured by how popular it is and by one attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from guided_store.comparison import Comparison
from guided_store.geometry import CatalogueMap
from guided_store.report._colours import CLUSTERS, DENSITY, RULE, Colour
from guided_store.report._drawing import Plot
from guided_store.report._marks import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINT = 2.6
"""Diameter in points."""

_BANDS = (2.0, 4.0, 6.0, 8.0)
_BAND_NAMES = ("0 to 2", "2 to 4", "4 to 6", "6 to 8", "8 to 10")


def map_plot(comparison: Comparison) -> Plot | None:
    """A row for each version: its items by popularity, and by the attribute that its map shows best."""
    maps = dict(comparison.maps)
    if not maps:
        return None
    code = {item: number for number, item in enumerate(comparison.cases.sequences.item_ids)}
    rows = {
        label: np.array([code.get(item, -1) for item in found.item_ids], np.int64)
        for label, found in maps.items()
    }
    counts = comparison.cases.train_counts
    edges, names = _popularity_bands(counts)
    raw = None if comparison.attributes is None else comparison.attributes.raw
    shown = None
    if raw is not None and comparison.attributes is not None:
        last = list(maps)[-1]
        shown = _best_shown(maps[last].points, _taken(raw, rows[last]), comparison.attributes.names)

    def draw(figure: Figure) -> None:
        columns = 1 if shown is None else 2
        grid = figure.subplots(len(maps), columns, squeeze=False)
        for line, (label, found) in zip(grid, maps.items(), strict=True):
            known = rows[label] >= 0
            events = np.where(known, counts[np.maximum(rows[label], 0)], -1)
            classes = np.where(known, np.searchsorted(edges, events, side="right"), -1)
            _draw_points(line[0], found, classes, DENSITY[1:])
            line[0].set_title(f"{shortened(label)}, training events")
            if shown is not None and raw is not None:
                scores = _taken(raw, rows[label])[:, shown]
                bands = np.where(np.isnan(scores), -1, np.searchsorted(_BANDS, scores, side="right"))
                _draw_points(line[1], found, bands, CLUSTERS)
                assert comparison.attributes is not None
                line[1].set_title(f"{shortened(label)}, {comparison.attributes.names[shown]}")
        _legend(grid[-1][0], names, DENSITY[1:])
        if shown is not None:
            _legend(grid[-1][1], _BAND_NAMES, CLUSTERS)

    note, by = _method(list(maps.values())[-1]), ""
    if shown is not None and comparison.attributes is not None:
        name = comparison.attributes.names[shown]
        note += f" Of all attributes {name} follows the map of {list(maps)[-1]} most closely."
        by = f" and by {name}"
    return Plot(
        "map",
        "Map of the catalogue",
        f"Items of {', '.join(maps)} as points in two dimensions, coloured by popularity{by}.",
        note,
        0.35 + 3.0 * len(maps),
        draw,
    )


def _popularity_bands(counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], list[str]]:
    """Where the upper four of five bands begin, and names of all that are used."""
    known = counts[counts > 0]
    cuts = np.unique(np.quantile(known, [0.2, 0.5, 0.8, 0.95])) if len(known) else np.array([1.0])
    starts = [0, *(int(np.ceil(cut)) for cut in cuts)]
    ends: list[int | None] = [*(start - 1 for start in starts[1:]), None]
    names = [
        f"{low:,} or more" if high is None else f"{low:,} to {high:,}"
        for low, high in zip(starts, ends, strict=True)
    ]
    return np.array(starts[1:], np.float64), names


def _best_shown(points: NDArray[np.float32], raw: NDArray[np.float32], names: Sequence[str]) -> int | None:
    """The attribute whose scores the two coordinates explain best (R squared of a plane)."""
    fits: list[tuple[float, int]] = []
    for number in range(len(names)):
        known = ~np.isnan(raw[:, number])
        values = raw[known, number].astype(np.float64)
        if len(values) < 10 or not values.std():
            continue
        plane = np.column_stack([points[known].astype(np.float64), np.ones(len(values))])
        left = values - plane @ np.linalg.lstsq(plane, values, rcond=None)[0]
        fits.append((float(left.var() / values.var()), number))
    return min(fits)[1] if fits else None


def _taken(raw: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores of items by code, NaN for those that the split does not know."""
    found = raw[np.maximum(rows, 0)].copy()
    found[rows < 0] = np.nan
    return found


def _draw_points(
    axes: Axes, found: CatalogueMap, classes: NDArray[np.int64], colours: Sequence[Colour]
) -> None:
    """Points of one class as one path of dots: a thousand marks of their own would make the page heavy."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = np.round(found.points.astype(np.float64), 4)
    span = float(np.abs(points).max()) or 1.0
    for number in range(-1, len(colours)):
        here = points[classes == number]
        if not len(here):
            continue
        # A line of no length has no direction to draw its round end in, so it gets a hair of one.
        ends = np.repeat(here, 2, axis=0)
        ends[1::2, 0] += span * 3e-4
        codes = np.tile([Path.MOVETO, Path.LINETO], len(here))
        colour = RULE.light if number < 0 else colours[number].light
        axes.add_patch(
            PathPatch(
                Path(ends, codes), edgecolor=colour, facecolor="none", linewidth=POINT, capstyle="round"
            )
        )
    axes.autoscale_view()
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _legend(axes: Axes, names: Sequence[str], colours: Sequence[Colour]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", markersize=4, linestyle="", color=colour.light)
        for colour in colours[: len(names)]
    ]
    axes.legend(
        handles,
        names,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.01),
        ncols=len(names),
        handletextpad=0.0,
        columnspacing=0.9,
        fontsize=6.8,
    )


def _method(found: CatalogueMap) -> str:
    shown = f"{len(found.item_ids):,} of {found.items:,} items"
    if found.method == "tsne":
        return f"{shown}, by t-SNE: near means alike, far means nothing."
    told = "" if found.explained is None else f", which carry {sum(found.explained):.0%} of the variance"
    return (
        f"{shown}, along their two main directions{told}: near on the map need not be near in all dimensions."
    )
