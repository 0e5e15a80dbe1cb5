"""Plots of what lies beyond accuracy: every measure on its own scale, and attributes of lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from guided_store.beyond import BeyondAccuracy
from guided_store.report._drawing import Plot
from guided_store.report._marks import LINE, Mark, Row, draw_rows, legend
from guided_store.report._panels import two_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 3

MOST = 24
"""Attributes in a plot; the table has all."""


def measure_plot(section: BeyondAccuracy) -> Plot | None:
    """A small panel for each measure: figure and interval of each version; None without measures."""
    measures = list(section.measures.values())
    if not measures:
        return None
    panels = [
        Row(
            f"{one.measure.title} ({_good(one.measure.good)})",
            tuple(
                Mark(place, one.values[label].value, one.values[label].interval)
                for place, label in enumerate(section.labels)
            ),
        )
        for one in measures
    ]
    lines = math.ceil(len(panels) / _COLUMNS)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(lines, _COLUMNS, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            draw_rows(axes, [Row("", panel.marks)])
            axes.locator_params(axis="x", nbins=4)
            axes.set_title(panel.name)
            axes.margins(x=0.12)
        for axes in list(grid.flat)[len(panels) :]:
            axes.axis("off")
        legend(grid[0, 0], section.labels)

    told = "; ".join(
        f"{one.measure.title} {', '.join(f'{one.values[label].value:.3f}' for label in section.labels)}"
        for one in measures
    )
    return Plot(
        "beyond",
        f"Beyond accuracy, lists of {section.k}",
        f"For {', '.join(section.labels)} in this order: {told}.",
        "Every measure on a scale of its own, which need not begin at 0; in brackets which way is good.",
        0.4 + lines * (0.62 + LINE * len(section.labels)),
        draw,
    )


def profile_plot(section: BeyondAccuracy) -> Plot | None:
    """How far lists lie from histories in every attribute; None without scores."""
    if not section.profile or len(section.labels) < 2:
        return None
    last = section.labels[-1]
    ordered = sorted(section.profile.items(), key=lambda one: -abs(one[1].differences[last].value))[:MOST]
    levels, changes = [], []
    for name, one in ordered:
        values = ((place, one.values[label]) for place, label in enumerate(section.labels))
        levels.append(Row(name, tuple(Mark(place, found.value, found.interval) for place, found in values)))
        apart = ((place, one.differences[label]) for place, label in enumerate(section.labels) if place)
        changes.append(Row(name, tuple(Mark(place, found.value, found.interval) for place, found in apart)))
    told = ", ".join(f"{row.name} {row.marks[-1].value:+.2f}" for row in changes[:5])
    note = "Mean score of the list less that of the history, in deviations over the catalogue."
    if len(section.profile) > len(ordered):
        note += f" The {len(ordered)} attributes that change most are shown."
    return two_panels(
        "profile",
        "Attributes of lists against histories",
        f"What {last} changed most against {section.labels[0]}: {told}.",
        section.labels,
        levels,
        changes,
        f"difference from {section.labels[0]}",
        note=note,
    )


def _good(good: str) -> str:
    return {"high": "high is good", "low": "low is good", "near 0": "near 0 is good"}.get(good, "depends")
