"""HTML from parts: whatever is not markup already is escaped, so that a title can never become a tag."""

from __future__ import annotations

import html
from collections.abc import Iterable

VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})
"""Elements without content and without a closing tag."""


class Markup(str):
    """Text that is HTML already. Only this room makes it, and only from escaped parts."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
"""What an element may hold: markup as it is, other text escaped, nothing for None, or several of these."""


def escaped(text: str) -> Markup:
    """`text` as the text of an element or an attribute; what no HTML may hold becomes a replacement mark."""
    # Lone surrogates cannot be written, and control characters are no part of HTML.
    clean = "".join("�" if _forbidden(letter) else letter for letter in text)
    return Markup(html.escape(clean, quote=True))


def joined(*children: Child) -> Markup:
    """Several parts as one."""
    return Markup("".join(_parts(children)))


def element(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """One element.

    Args:
        name: of the element.
        children: its content.
        attributes: `class_` is class, `data_value` is data-value; None and False leave one out, True writes
            it bare.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(*children)}</{name}>")


def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escaped(str(value))}"'


def _parts(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str | int):
            yield escaped(str(child))
        else:
            yield from _parts(child)


def _forbidden(letter: str) -> bool:
    code = ord(letter)
    return (code < 32 and letter not in "\t\n\r") or 127 <= code < 160 or 0xD800 <= code < 0xE000
