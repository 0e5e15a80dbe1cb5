"""What a version was made from, and what was made from it, drawn as trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli._output import console, one_line, unicode_output

if TYPE_CHECKING:
    from rich.tree import Tree

    from guided_store.versions import Kin


def show_tree(root: Kin) -> None:
    """Draw a tree; with + and | where lines cannot be shown."""
    from rich.tree import Tree

    tree = Tree(_label(root))
    _grow(tree, root)
    printer = console()
    if unicode_output():
        printer.print(tree)
        return
    from rich.console import ConsoleOptions

    options: ConsoleOptions = printer.options.update()
    options.encoding = "ascii"  # rich then draws its guides of + and |
    for line in printer.render_lines(tree, options, pad=False):
        printer.print("".join(segment.text for segment in line))


def _grow(tree: Tree, kin: Kin) -> None:
    for one in kin.kin:
        _grow(tree.add(_label(one)), one)


def _label(one: Kin) -> str:
    """One line: name, date, start of the digest, method; and what is odd about it."""
    if one.info is None:
        return f"{one.ref}  gone"
    info = one.info
    method = str(info.recipe.get("method") or info.recipe.get("form") or "")
    parts = [one.ref, f"{info.created:%Y-%m-%d}", info.digest[:12], one_line(method)]
    if one.made_from is not None:
        parts.append(f"not what it was made from: that was {one.made_from[:12]}")
    if one.shown:
        parts.append("(see above)")
    return "  ".join(part for part in parts if part)
