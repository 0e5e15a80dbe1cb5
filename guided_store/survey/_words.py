"""One plain sentence of explanation, of the same form whichever version it speaks for."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

LONGEST = 60
"""Characters of a title within a sentence; the history and the lists show it whole."""


def sentence(more: Sequence[str], less: Sequence[str], because: Sequence[str], item: str = "item") -> str:
    """`More humor and less darkness than the average film; because of “Heat” and “Se7en”.`

    Args:
        more, less: attributes by which the item lies above and below the average item and gains by it, as
            they are named (underscores become spaces).
        because: titles of the history's items that raise it.
        item: what one item is called.
    """
    parts = []
    if more or less:
        than = [f"{how} {listed(names)}" for how, names in (("more", more), ("less", less)) if names]
        parts.append(f"{' and '.join(than)} than the average {item}".replace("_", " "))
    if because:
        # Quoted, since titles have commas and full stops of their own.
        titles = [f"“{shorten(title, LONGEST, placeholder=' …')}”" for title in because]
        parts.append(f"because of {listed(titles)}")
    text = "; ".join(parts) or "the history as a whole"
    return f"{text[0].upper()}{text[1:]}."


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
