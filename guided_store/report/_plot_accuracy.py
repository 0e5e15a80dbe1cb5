"""Plots of accuracy: levels and changes with their intervals, and the ranks of every user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from guided_store.comparison import Accuracy
from guided_store.evaluation import Cases, Judgement, metric_name
from guided_store.report._colours import DENSITY, INK, PAPER, RULE, SOFT, version_colour
from guided_store.report._drawing import Plot
from guided_store.report._marks import Mark, Row, shortened
from guided_store.report._panels import two_panels
from guided_store.wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEXAGONS = 34
"""Across the plot of ranks."""

WIDEST = 10.0
"""Doublings of the rank beyond which changes are counted at the edge."""


def metric_plot(accuracy: Accuracy) -> Plot:
    """Every metric: where each version stands, and how far it is from the reference."""
    levels = [
        Row(
            metric_name(metric),
            tuple(
                Mark(place, accuracy.levels[label][metric].value, accuracy.levels[label][metric].interval)
                for place, label in enumerate(accuracy.labels)
            ),
        )
        for metric in accuracy.metrics
    ]
    changes = []
    for metric in accuracy.metrics:
        marks = []
        for place, label in enumerate(accuracy.labels[1:], start=1):
            pair = accuracy.pairs[label][metric]
            if pair.relative is not None:
                sure = accuracy.winner(label, metric) is not None
                marks.append(Mark(place, pair.relative, pair.relative_interval, sure))
        changes.append(Row(metric_name(metric), tuple(marks)))
    told = "; ".join(
        f"{label} {pair.relative:+.1%}"
        for label in accuracy.labels[1:]
        if (pair := accuracy.pairs[label][accuracy.main]).relative is not None
    )
    against = f" against {accuracy.reference}: {told}." if told else "."
    return two_panels(
        "metrics",
        "Every metric with its interval",
        f"Dots with 95 % intervals for {len(levels)} metrics. {metric_name(accuracy.main)}{against}",
        accuracy.labels,
        levels,
        changes,
        f"change from {accuracy.reference}",
        percent=True,
        note="Hollow too where p, after Holm's correction, is 0.05 or more.",
    )


def strata_plot(accuracy: Accuracy) -> Plot | None:
    """The main metric by popularity of the answer and by length of the history; None without strata."""
    if not accuracy.strata:
        return None
    levels, changes = [], []
    for stratum in accuracy.strata:
        name = f"{stratum.name} ({stratum.cases:,})"
        marks = (Mark(place, *stratum.levels[label]) for place, label in enumerate(accuracy.labels))
        levels.append(Row(name, tuple(marks)))
        others = enumerate(accuracy.labels[1:], start=1)
        changes.append(Row(name, tuple(Mark(place, *stratum.differences[label]) for place, label in others)))
    main = metric_name(accuracy.main)
    said = ", ".join(f"{row.name} {row.marks[-1].value:+.4f}" for row in changes if row.marks)
    return two_panels(
        "strata",
        f"{main} by popularity of the answer and length of the history",
        f"Differences in {main} of {accuracy.labels[-1]} from {accuracy.reference}: {said}.",
        accuracy.labels,
        levels,
        changes,
        f"difference from {accuracy.reference}",
    )


def rank_plots(accuracy: Accuracy, judged: Mapping[str, Sequence[Judgement]], cases: Cases) -> list[Plot]:
    """For each candidate: every answer's rank under it and under the reference, and how far ranks moved."""
    bottom = float(cases.sequences.n_items)
    ranks = {
        label: np.exp(np.mean([np.log(np.minimum(one.ranks, bottom)) for one in runs], axis=0))
        for label, runs in judged.items()
    }
    reference = ranks[accuracy.reference]
    return [
        _rank_plot(accuracy, place, reference, ranks[label], bottom)
        for place, label in enumerate(accuracy.labels)
        if place
    ]


def _rank_plot(
    accuracy: Accuracy,
    place: int,
    reference: NDArray[np.float64],
    ranks: NDArray[np.float64],
    bottom: float,
) -> Plot:
    label = accuracy.labels[place]
    better, worse = int((ranks < reference).sum()), int((ranks > reference).sum())
    moved = np.clip(np.log2(reference) - np.log2(ranks), -WIDEST, WIDEST)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        extent = (0.0, float(np.log10(bottom)), 0.0, float(np.log10(bottom)))
        hexagons = left.hexbin(
            np.log10(reference),
            np.log10(ranks),
            gridsize=HEXAGONS,
            extent=extent,
            mincnt=1,
            linewidths=0.1,
        )
        counts = np.asarray(hexagons.get_array())
        edges = _edges(int(counts.max()))
        classes = np.clip(np.searchsorted(edges, counts, side="right") - 1, 0, len(DENSITY) - 1)
        colours = [DENSITY[one].light for one in classes]
        hexagons.set_array(None)
        hexagons.set_facecolor(colours)
        hexagons.set_edgecolor(colours)
        left.plot(extent[:2], extent[:2], color=INK.light, linewidth=0.7)
        ticks = np.arange(0, int(extent[1]) + 1)
        names = [f"{10**tick:,d}" for tick in ticks]
        left.set_xticks(ticks, names)
        left.set_yticks(ticks, names)
        # The best rank stands in the upper right corner.
        left.set_xlim(extent[1] * 1.02, -0.06)
        left.set_ylim(extent[1] * 1.02, -0.06)
        left.set_aspect("equal")
        left.set_title(f"rank of each answer; above the line {shortened(label)} is better")
        left.set_xlabel(f"rank under {shortened(accuracy.reference)}")
        left.set_ylabel(f"rank under {shortened(label)}")
        _class_legend(left, edges, int(counts.max()))

        bins = np.arange(-WIDEST - 0.25, WIDEST + 0.5, 0.5)
        heights, _ = np.histogram(moved, bins)
        middles = (bins[1:] + bins[:-1]) / 2
        colour = [
            version_colour(place if middle > 0 else 0).light if middle else RULE.light for middle in middles
        ]
        right.bar(middles, heights, width=0.42, color=colour)
        right.axvline(0, color=INK.light, linewidth=0.8)
        shown = [-9, -6, -3, 0, 3, 6, 9]
        right.set_xticks(shown, [_times(value) for value in shown])
        right.set_title("how far ranks moved")
        right.set_xlabel(f"nearer the top under {shortened(accuracy.reference)}  |  under {shortened(label)}")
        right.tick_params(axis="y", labelcolor=SOFT.light)
        right.yaxis.set_major_formatter("{x:,.0f}")
        right.set_ylabel("cases")
        right.grid(axis="y")
        right.set_axisbelow(True)

    alt = (
        f"Ranks of {len(ranks):,} answers: better under {label} in {counted(better, 'case')}, "
        f"under {accuracy.reference} in {worse:,}, equal in {len(ranks) - better - worse:,}."
    )
    name = "ranks" if len(accuracy.labels) == 2 else f"ranks-{place}"
    note = (
        f"{alt} Both axes are logarithmic; a cell's colour counts its cases. "
        "On the right, 8× to the right of the middle: the rank under the candidate is an eighth; changes "
        "beyond 1,000× are counted at the edge."
    )
    return Plot(name, f"Every answer: {label} against {accuracy.reference}", alt, note, 3.55, draw)


def _edges(most: int) -> NDArray[np.int64]:
    """Where the classes of a count begin, growing about geometrically from 1."""
    count = min(len(DENSITY), max(1, most))
    return np.unique(np.round(np.geomspace(1, max(most, 1), count + 1)[:-1]).astype(np.int64))


def _class_legend(axes: object, edges: NDArray[np.int64], most: int) -> None:
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

    assert isinstance(axes, Axes)
    ends = [*(int(edge) - 1 for edge in edges[1:]), most]
    names = [
        f"{low:,}" if low >= high else f"{low:,} to {high:,}" for low, high in zip(edges, ends, strict=True)
    ]
    handles = [Patch(facecolor=DENSITY[number].light) for number in range(len(edges))]
    axes.legend(
        handles,
        names,
        title="cases",
        title_fontsize=7,
        fontsize=6.5,
        loc="upper left",
        frameon=True,
        framealpha=1,
        edgecolor="none",
        facecolor=PAPER.light,
        handlelength=0.9,
        handleheight=0.9,
        labelspacing=0.25,
        borderaxespad=0.1,
    )


def _times(doublings: int) -> str:
    return "about equal" if not doublings else f"{2 ** abs(doublings):,d}×"
