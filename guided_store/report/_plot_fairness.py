"""Plots of fairness: accuracy by group of users, the gaps between groups, and exposure of groups of items."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from guided_store.evaluation import metric_name
from guided_store.fairness import Fairness, Gap, GroupAccuracy, GroupExposure, strength
from guided_store.report._drawing import Plot
from guided_store.report._marks import Mark, Row, draw_rows, height_of, legend
from guided_store.report._panels import two_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_GROUPS = 8
"""Groups of a grouping that the plot shows; the tables have those of larger ones."""

MOST_EXPOSED = 16


def fairness_plots(section: Fairness) -> Iterator[Plot]:
    """What there is of accuracy by group, of gaps, and of changed exposure."""
    for plot in (_group_plot(section), _gap_plot(section), _exposure_plot(section)):
        if plot is not None:
            yield plot


def _group_plot(section: Fairness) -> Plot | None:
    metric = section.metrics[0]
    rows = [row for row in section.users if row.metric == metric]
    levels, changes, left_out = [], [], []
    for grouping, members in groupby(rows, key=lambda row: row.grouping):
        by_group: dict[str, list[GroupAccuracy]] = {}
        for row in members:
            by_group.setdefault(row.group, []).append(row)
        if len(by_group) > MOST_GROUPS:
            left_out.append(grouping)
            continue
        for group, found in by_group.items():
            name = f"{grouping}: {group} ({found[0].users:,})"
            levels.append(Row(name, tuple(_marks(section, found))))
            changes.append(Row(name, tuple(_changes(section, found))))
    if not levels:
        return None
    note = "In brackets: users."
    if left_out:
        note += f" Not shown, for too many groups: {', '.join(left_out)}."
    told = "; ".join(f"{row.name} {row.marks[-1].value:.4f}" for row in levels if row.marks)
    return two_panels(
        "groups",
        f"{metric_name(metric)} by group of users",
        f"{metric_name(metric)} of {section.versions[-1]} by group: {told}.",
        section.versions,
        levels,
        changes,
        f"difference from {section.reference}",
        note=note,
    )


def _gap_plot(section: Fairness) -> Plot | None:
    metric = section.metrics[0]
    by_grouping: dict[str, list[Gap]] = {}
    for gap in section.user_gaps:
        if gap.metric == metric:
            by_grouping.setdefault(gap.grouping, []).append(gap)
    if not by_grouping:
        return None
    places = {label: place for place, label in enumerate(section.versions)}
    levels, changes = [], []
    for grouping, found in by_grouping.items():
        levels.append(Row(grouping, tuple(Mark(places[one.version], one.gap, one.interval) for one in found)))
        moved = (one for one in found if one.change is not None)
        marks = tuple(Mark(places[one.version], one.change or 0.0, one.change_interval) for one in moved)
        changes.append(Row(grouping, marks))
    told = "; ".join(
        f"{grouping} {', '.join(f'{one.gap:.4f}' for one in found)}"
        for grouping, found in by_grouping.items()
    )
    chance = ", ".join(f"{grouping} {found[-1].chance:.4f}" for grouping, found in by_grouping.items())
    return two_panels(
        "gaps",
        f"Gaps in {metric_name(metric)} between groups of users",
        f"Gap between the best and the worst served group, {', '.join(section.versions)} in order: {told}.",
        section.versions,
        levels,
        changes,
        f"wider than with {section.reference}",
        note=f"Chance alone makes gaps too, on average of: {chance}.",
    )


def _exposure_plot(section: Fairness) -> Plot | None:
    rows = [row for row in section.exposure if row.change is not None and row.change > 0]
    by_group: dict[tuple[str, str], list[GroupExposure]] = {}
    for row in rows:
        by_group.setdefault((row.grouping, row.group), []).append(row)
    if not by_group:
        return None
    ordered = sorted(by_group.items(), key=_first, reverse=True)[:MOST_EXPOSED]
    places = {label: place for place, label in enumerate(section.versions)}
    shown = [
        Row(
            f"{grouping}: {group}",
            tuple(Mark(places[row.version], row.change or 1.0, row.items_interval) for row in found),
        )
        for (grouping, group), found in ordered
    ]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        draw_rows(axes, shown, zero=1.0)
        axes.set_xlabel(f"times the exposure by {section.reference}")
        legend(axes, section.versions[1:], range(1, len(section.versions)))

    told = "; ".join(f"{row.name} {row.marks[-1].value:.2f} times" for row in shown)
    return Plot(
        "exposure",
        "Groups of items that are shown more or less often",
        f"Exposure of groups of items against {section.reference}: {told}.",
        f"The {len(shown)} of {len(by_group)} groups whose exposure changed most beyond chance, with "
        "intervals over items; hollow where the interval holds 1. A place at rank r counts 1 / log2(1 + r).",
        height_of(shown, 0.85),
        draw,
    )


def _marks(section: Fairness, rows: list[GroupAccuracy]) -> Iterator[Mark]:
    for row in rows:
        if row.value is not None:
            yield Mark(section.versions.index(row.version), row.value, row.interval)


def _changes(section: Fairness, rows: list[GroupAccuracy]) -> Iterator[Mark]:
    for row in rows:
        if row.change is not None and row.version != section.reference:
            yield Mark(section.versions.index(row.version), row.change, row.change_interval)


def _first(group: tuple[tuple[str, str], list[GroupExposure]]) -> tuple[float, float]:
    return max(strength(row) for row in group[1])
