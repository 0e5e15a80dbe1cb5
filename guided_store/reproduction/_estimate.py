"""How long what is left will take, from what the finished runs took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from guided_store.reproduction._board import Board
from guided_store.reproduction._plan import Cell, Plan
from guided_store.reproduction._records import Kind

Seconds = Mapping[tuple[str, str, Kind], Sequence[float]]


def estimate(board: Board, workers: int = 1) -> tuple[float, int]:
    """Seconds of wall time that are left, and how many runs are left of which nothing can be said.

    A run takes what those of its dataset, encoder and kind took on average; where there is none, what those
    of the other kind took, by the ratio of their epochs.
    """
    seconds = board.seconds()
    total, unknown = 0.0, 0
    for (cell, kind), number in Counter(board.left()).items():
        each = _mean(board.plan, seconds, cell, kind)
        if each is None:
            unknown += number
        else:
            total += number * each
    return total / workers, unknown


def _mean(plan: Plan, seconds: Seconds, cell: Cell, kind: Kind) -> float | None:
    known = seconds.get((cell.dataset, cell.encoder, kind))
    if known:
        return fmean(known)
    other: Kind = "run" if kind == "trial" else "trial"
    known = seconds.get((cell.dataset, cell.encoder, other))
    if not known:
        return None
    schedule = plan.datasets[cell.dataset].schedules[cell.encoder]
    ratio = schedule.epochs / (schedule.trial_epochs or schedule.epochs)
    return fmean(known) * (ratio if kind == "run" else 1 / ratio)


def clock(seconds: float) -> str:
    """`40 s`, `12 min` or `3 h 5 min`."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
