"""A user's attribute vector as text: its parts, and the items that moved each attribute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli._bars import bar, rounded_parts, signed
from cli._output import one_line, show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from guided_store.retrieval import Mover, UserAttribute, UserVector

TITLE_WIDTH = 30
"""Longest title of a mover shown whole."""


def say_vector(vector: UserVector, prior: str | None, *, width: int = 80, blocks: bool = True) -> None:
    """Print a user's vector: what it is, its attributes, what moved them.

    Args:
        vector: the vector.
        prior: the prior that was asked for, which may not know the user.
        width: of the terminal.
        blocks: whether block characters can be shown.
    """
    events = f"the newest {vector.events:,} events" if vector.events > 1 else "the newest event"
    if vector.read:
        show("", f"The user's vector, which this encoder reads at each event: {events}")
    else:
        show("", f"The user's vector: a description only, this encoder reads none; the mean of {events}")
    if vector.prior:
        show(f"it starts from {vector.prior}")
    elif prior is not None:
        show(f"note: {prior} does not know this user; the vector starts from the average")
    show(
        "",
        vector_table(vector, width=width, blocks=blocks),
        "",
        "value = history + prior, in standard deviations from the average item, shown as bars; prior %: its",
        "weight; memory: events that count (all alike where blank); asks: as above",
        "",
        "What moved each attribute most, up or down:",
        mover_table(vector, blocks=blocks),
    )


def vector_table(vector: UserVector, *, width: int = 80, blocks: bool = True) -> RenderableType:
    """One row an attribute, what sets the user apart most first; history and prior add up to the value."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("attribute", overflow="fold")
    for name in ("value", "history", "prior", "prior %", "memory", "asks"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    attributes = _ordered(vector)
    full = max((abs(attribute.value) for attribute in attributes), default=0.0)
    bar_width = max(4, min(20, width - 78))
    for attribute in attributes:
        (history, prior), value = rounded_parts([attribute.history, attribute.prior])
        table.add_row(
            attribute.name,
            signed(value, blocks=blocks),
            signed(history, blocks=blocks),
            signed(prior, blocks=blocks),
            f"{attribute.prior_share:.0%}",
            "" if attribute.memory is None else f"{attribute.memory:,.1f}",
            signed(attribute.query_weight, blocks=blocks),
            Text(
                bar(attribute.value, full, bar_width, blocks=blocks),
                style="green" if attribute.value >= 0 else "red",
            ),
        )
    return table


def mover_table(vector: UserVector, *, blocks: bool = True) -> RenderableType:
    """One row an attribute: the items of the history that moved it most, each with what it adds."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column("attribute", overflow="fold")
    table.add_column("items", overflow="fold")
    for attribute in _ordered(vector):
        table.add_row(attribute.name, "; ".join(_mover(mover, blocks) for mover in attribute.movers))
    return table


def _ordered(vector: UserVector) -> list[UserAttribute]:
    return sorted(vector.attributes, key=lambda attribute: -abs(attribute.value))


def _mover(mover: Mover, blocks: bool) -> str:
    title = one_line(mover.title or mover.item_id)
    if len(title) > TITLE_WIDTH:
        title = title[: TITLE_WIDTH - 1] + ("…" if blocks else ".")
    return f"{title} {signed(mover.adds, blocks=blocks)}"
