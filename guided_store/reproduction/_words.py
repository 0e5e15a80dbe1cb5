"""How figures of the headline are written: levels, gains, p values, times, and Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence

from guided_store.evaluation import Paired
from guided_store.reproduction._table import Level
from guided_store.reproduction._targets import Measured

NOTHING = "-"
"""Stands where there is no figure to give; a cell that could have one says "not run"."""

LABELS = {"mrr": "MRR", "recall@10": "Recall@10", "ndcg@10": "NDCG@10"}


def level(of: Level | None) -> str:
    """`0.0732 ± 0.0011`, without the spread where there is one seed."""
    if of is None:
        return NOTHING
    return f"{of.mean:.4f}" + ("" if of.sd is None else f" ± {of.sd:.4f}")


def plain(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def gain(of: Paired | None, *, p: bool = True) -> str:
    """`+12.3 [+8.1, +16.9], p 0.003`: per cent, 95 % interval, Holm-adjusted p."""
    if of is None or of.relative is None:
        return NOTHING
    return f"{per_cent(of.relative)} {_interval(of.relative_interval)}" + (
        f", p {p_value(of.adjusted)}" if p else ""
    )


def per_cent(share: float) -> str:
    # A tiny loss must not read as "-0.0".
    return f"{round(100 * share, 1) + 0.0:+.1f}"


def p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def measured(figure: Measured) -> str:
    """`MRR +12.3 % [+8.1, +16.9]` or `test 0.0732 [0.0690, 0.0771]` or `domains 2`."""
    if figure.relative:
        return f"{figure.label} {per_cent(figure.value)} % {_interval(figure.interval)}"
    value = f"{figure.value:.0f}" if figure.interval is None and figure.value >= 1 else f"{figure.value:.4f}"
    if figure.value == 0:
        value = "0"
    around = "" if figure.interval is None else f" [{figure.interval[0]:.4f}, {figure.interval[1]:.4f}]"
    return f"{figure.label} {value}{around}"


def duration(seconds: float | None) -> str:
    """`45 s`, `12 min`, `1.5 h`."""
    if seconds is None:
        return NOTHING
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], text: int = 1) -> list[str]:
    """Lines of a Markdown table whose source is aligned too; columns after the first `text` go right."""
    widths = [max(3, *(len(row[i]) for row in (header, *rows))) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i < text else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if i < text else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return [line(header), line(rule), *(line(row) for row in rows), ""]


def _interval(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "[unknown]"
    return f"[{per_cent(interval[0])}, {per_cent(interval[1])}]"
