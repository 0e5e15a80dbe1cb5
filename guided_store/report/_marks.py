"""Marks that plots share: a dot with its interval for each version, and how rows and legends are set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guided_store.report._colours import INK, PAPER, RULE, version_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from guided_store.evaluation import Interval

LINE = 0.155
"""Inches that one mark takes in height."""

CROWD = 10
"""Rows from which they stand closer."""

LONGEST = 40
"""Letters of a name that a plot shows."""


@dataclass(frozen=True)
class Mark:
    """One figure of one version.

    Attributes:
        place: of the version in the comparison, which is its colour.
        value: the figure; interval: of it, None where none is claimed.
        sure: whether a test beside the interval says so too; None where there is none.
    """

    place: int
    value: float
    interval: Interval | None = None
    sure: bool | None = None


@dataclass(frozen=True)
class Row:
    """The figures beside one name, a version each."""

    name: str
    marks: tuple[Mark, ...]


def height_of(rows: Sequence[Row], besides: float = 0.75) -> float:
    """Inches that the rows need, with axis and title."""
    step, gap = _spacing(len(rows))
    return besides + sum(gap + step * max(1, len(row.marks)) for row in rows)


def draw_rows(
    axes: Axes, rows: Sequence[Row], *, zero: float | None = None, slots: Sequence[int] | None = None
) -> None:
    """Rows from the top; within a row the versions from the top; an interval as a line through its dot.

    A mark whose interval holds `zero`, that has none, or that a test does not call sure, is hollow.

    Args:
        axes: where.
        rows: what.
        zero: where a thin line stands for "no difference"; None without one.
        slots: marks that each row has room for, where another panel has more of them.
    """
    line, gap = _spacing(len(rows))
    top, ticks = 0.0, []
    for row, slot in zip(rows, slots or [len(row.marks) for row in rows], strict=True):
        room = gap + line * max(1, slot)
        first = top + room / 2 - line * (len(row.marks) - 1) / 2
        ticks.append(top + room / 2)
        for number, mark in enumerate(row.marks):
            _draw_mark(axes, mark, first + number * line, zero)
        top += room
        if row is not rows[-1]:
            axes.axhline(top, color=RULE.light, linewidth=0.5, zorder=0)
    axes.set_ylim(top, 0)
    axes.set_yticks(ticks, [shortened(row.name) for row in rows])
    axes.spines["left"].set_visible(False)
    if zero is not None:
        axes.axvline(zero, color=INK.light, linewidth=0.8, zorder=1)
    axes.margins(x=0.06)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x")
    axes.set_axisbelow(True)


def legend(axes: Axes, labels: Sequence[str], places: Sequence[int] | None = None) -> None:
    """Names of versions behind their dots, above the plot."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker="o", markersize=4.5, linestyle="", color=version_colour(place).light)
        for place in (range(len(labels)) if places is None else places)
    ]
    figure = axes.get_figure()
    assert figure is not None
    figure.legend(
        handles,
        [shortened(label) for label in labels],
        loc="outside upper left",
        ncols=min(len(labels), 4),
        handletextpad=0.1,
        columnspacing=1.6,
        borderaxespad=0.2,
    )


def percent_axis(axes: Axes, signed: bool = True) -> None:
    """Ticks of the horizontal axis as percent."""
    _format_axis(axes, lambda value: percent(value, signed))


def percent(value: float, signed: bool = True) -> str:
    """A share as percent with as many digits as it has: a tick at -7.5 % is no -8 %."""
    shown = round(100 * value, 6)
    return f"{shown:+g}%" if signed and shown else f"{shown or 0:g}%"


def _format_axis(axes: Axes, say: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: say(round(value, 10))))


def shortened(name: str) -> str:
    """At most `LONGEST` letters on one line."""
    line = " ".join(name.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _spacing(rows: int) -> tuple[float, float]:
    """Inches of a mark and of the gap between rows."""
    return (LINE, 0.11) if rows < CROWD else (0.122, 0.055)


def _draw_mark(axes: Axes, mark: Mark, y: float, zero: float | None) -> None:
    colour = version_colour(mark.place).light
    if mark.interval is not None:
        axes.plot(mark.interval, (y, y), color=colour, linewidth=1.5, solid_capstyle="butt", zorder=2)
    hollow = mark.interval is None or mark.sure is False
    if mark.interval is not None and zero is not None:
        hollow |= mark.interval[0] <= zero <= mark.interval[1]
    axes.plot(
        [mark.value],
        [y],
        marker="o",
        markersize=4.6,
        markeredgewidth=1.2,
        color=colour,
        # The page's own colour, so that the line does not show through.
        markerfacecolor=PAPER.light if hollow else colour,
        zorder=3,
    )
