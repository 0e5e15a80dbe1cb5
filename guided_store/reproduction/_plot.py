"""A picture of the headline: gains of refined with their intervals."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from guided_store.evaluation import Paired
from guided_store.reproduction._table import BASE, CHOICE, PLAIN, WIDE, Table
from guided_store.reproduction._targets import encoder_name, shown
from guided_store.store import replacing


def can_plot() -> bool:
    """Whether matplotlib (extra `report`) is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def plot_gains(tables: Sequence[Table], path: Path) -> bool:
    """Write an SVG of refined's relative gains in NDCG@10 to `path`, whole or not at all.

    The same figures give the same bytes.

    Returns:
        Whether there was a gain with an interval to show; if not, nothing is written.
    """
    rows = _rows(tables)
    if not rows:
        return False
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # A fixed salt and no date: otherwise every run would change the file.
    with mpl.rc_context({"svg.hashsalt": "guided-store", "font.size": 8}), replacing(path) as temporary:
        figure = Figure(figsize=(7, 0.8 + 0.24 * len(rows)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for place, (_, one) in enumerate(rows):
            assert one.relative is not None
            assert one.relative_interval is not None
            low, high = one.relative_interval
            sure = low > 0 or high < 0
            axes.plot([100 * low, 100 * high], [place, place], color="#444444" if sure else "#aaaaaa")
            axes.plot([100 * one.relative], [place], "o", color="#1f5fa8" if sure else "#aaaaaa", ms=4)
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set_yticks(range(len(rows)), [label for label, _ in rows])
        axes.invert_yaxis()
        axes.set_xlabel("gain of refined in NDCG@10, %, with 95 % interval over users (grey: includes 0)")
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    return True


def _rows(tables: Sequence[Table]) -> list[tuple[str, Paired]]:
    found = []
    for table in tables:
        control = table.control.system if table.control else None
        references = dict.fromkeys([PLAIN, BASE, control, WIDE, table.text])
        for reference in references:
            gains = table.refined_over(reference)
            if gains is not None and gains[CHOICE].relative_interval is not None:
                where = f"{shown(table.dataset)}, {encoder_name(table.encoder)}"
                found.append((f"{where}: over {reference}", gains[CHOICE]))
    return found
