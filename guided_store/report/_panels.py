"""Two panels that share their rows: where versions stand, and how far they are from the reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from guided_store.report._drawing import Plot
from guided_store.report._marks import Row, draw_rows, height_of, legend, percent_axis, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def two_panels(
    name: str,
    title: str,
    alt: str,
    labels: Sequence[str],
    levels: Sequence[Row],
    changes: Sequence[Row],
    heading: str,
    *,
    percent: bool = False,
    note: str = "",
) -> Plot:
    """A plot of levels on the left and differences on the right, a row a name.

    Args:
        name, title, alt: of the plot.
        labels: of the versions, the reference first.
        levels, changes: the same rows; changes have no mark of the reference.
        heading: of the right panel.
        percent: whether changes are shares.
        note: sentences behind the one on how to read it.
    """

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1))
        draw_rows(right, changes, zero=0.0, slots=[len(row.marks) for row in levels])
        draw_rows(left, levels)
        if percent:
            percent_axis(right)
        left.set_title("value")
        right.set_title(shortened(heading))
        legend(left, labels)

    read = "Lines are 95 % intervals. A hollow dot on the right: the interval holds 0, or none is claimed."
    return Plot(name, title, alt, f"{read} {note}".strip(), height_of(levels, 0.85), draw)
