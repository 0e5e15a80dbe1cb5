"""Signed numbers and bars in text, and roundings whose sum is the rounded sum."""

from __future__ import annotations

import math
from collections.abc import Sequence

EIGHTHS = "▏▎▍▌▋▊▉█"


def signed(value: float, decimals: int = 2, *, blocks: bool = True) -> str:
    """`+0.82`, `−0.31`: the sign is always there, so that no colour is needed to read it."""
    text = f"{value:+.{decimals}f}"
    return text.replace("-", "−") if blocks else text


def bar(value: float, full: float, width: int, *, blocks: bool = True) -> str:
    """A bar as long as |value|, `width` characters where it is `full`; eighths of a character with `blocks`.

    What is not zero always shows: at least an eighth (or one `#`, or `-` for a negative value).
    """
    if width <= 0 or full <= 0 or value == 0 or not math.isfinite(value):
        return ""
    share = min(abs(value) / full, 1.0)
    if not blocks:
        return ("+" if value > 0 else "-") * max(1, round(share * width))
    eighths = max(1, round(share * width * 8))
    whole, rest = divmod(eighths, 8)
    return EIGHTHS[-1] * whole + (EIGHTHS[rest - 1] if rest else "")


def rounded_parts(parts: Sequence[float], decimals: int = 2) -> tuple[list[float], float]:
    """Parts and their sum, rounded so that the rounded parts add up to the rounded sum.

    Largest remainders: every part becomes one of its two neighbours on the grid, so it is off by less than
    one unit of the last place; the exact values are in `--json`.

    Returns:
        the rounded parts in order, and the rounded sum.
    """
    unit = 10**decimals
    total = round(math.fsum(parts) * unit)
    floors = [math.floor(part * unit) for part in parts]
    missing = total - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda i: floors[i] - parts[i] * unit)
    for index in by_remainder[:missing]:
        floors[index] += 1
    return [value / unit for value in floors], total / unit
