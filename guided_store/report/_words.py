"""Sentences from the words that other rooms give."""

from __future__ import annotations

from collections.abc import Sequence


def sentence(text: str, names: Sequence[str] = ()) -> str:
    """`text` with a capital and a full stop; what begins with one of `names` keeps its first letter."""
    text = text.strip()
    if not text:
        return text
    begin = text if any(text.startswith(name) for name in names) else f"{text[0].upper()}{text[1:]}"
    return begin if begin.endswith((".", "!", "?")) else f"{begin}."


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
