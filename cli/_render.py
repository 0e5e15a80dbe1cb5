"""Recommendations, explanations and profiles as tables: every score with the terms it is the sum of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from cli._bars import bar, rounded_parts, signed
from cli._output import listing, one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from guided_store.retrieval import Profile, Recommendation

NAME_WIDTH = 22
"""Longest attribute name shown whole beside a bar."""


def recommendation_table(
    rows: Sequence[Recommendation], *, parts: int = 3, width: int = 80, blocks: bool = True
) -> RenderableType:
    """One row a recommendation: rank, title, score, its strongest attributes as bars, latent part, bias.

    In each row, the shown attributes, the line of the others, the latent part and the bias add up to the
    shown score.

    Args:
        rows: in rank order.
        parts: how many attributes to show a row; the rest is one line.
        width: of the terminal; bars take what is left of it.
        blocks: whether block characters can be shown.
    """
    from rich.table import Table
    from rich.text import Text

    explained = any(row.terms for row in rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", expand=False)
    table.add_column("#", justify="right")
    table.add_column("title", overflow="fold", min_width=12)
    table.add_column("score", justify="right", no_wrap=True)
    if explained:
        table.add_column("= attributes", no_wrap=True)
    table.add_column("+ latent" if explained else "= latent", justify="right", no_wrap=True)
    table.add_column("+ bias", justify="right", no_wrap=True)

    shown = [_strongest(row, parts) for row in rows]
    full = max((abs(value) for lines in shown for _, value in lines), default=0.0)
    longest = max((len(name) for lines in shown for name, _ in lines), default=0)
    name_width = min(longest, NAME_WIDTH)
    bar_width = max(4, min(24, width - 56 - name_width))
    for row, lines in zip(rows, shown, strict=True):
        rounded, total = rounded_parts([*(value for _, value in lines), row.latent, row.bias])
        *values, latent, bias = rounded
        cells: list[str | Text] = [
            str(row.rank),
            one_line(row.title or row.item_id),
            Text(signed(total, blocks=blocks), style="bold"),
        ]
        if explained:
            names = [name for name, _ in lines]
            cells.append(_bars(zip(names, values, strict=True), full, name_width, bar_width, blocks))
        cells += [signed(latent, blocks=blocks), signed(bias, blocks=blocks)]
        table.add_row(*cells)
    return table


def popular_table(rows: Sequence[Recommendation]) -> RenderableType:
    """A fallback list: its score is a count of events, and there is nothing to add up."""
    lines = [(row.rank, row.title or row.item_id, f"{row.score:,.0f}") for row in rows]
    return listing(("#", "title", "events"), lines, right=("#", "events"))


def term_table(row: Recommendation, *, width: int = 80, blocks: bool = True) -> RenderableType:
    """One recommendation in full: every attribute's term, the latent part, the bias, and their sum.

    Args:
        row: the recommendation.
        width: of the terminal.
        blocks: whether block characters can be shown.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("term", overflow="fold")
    table.add_column("item", justify="right", no_wrap=True)
    table.add_column("adds", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    terms = sorted(row.terms, key=lambda term: -abs(term.contribution))
    lines = [(term.name, _raw(term.raw, term.imputed)) for term in terms]
    lines += [("latent part", ""), ("item bias", "")]
    exact = [*(term.contribution for term in terms), row.latent, row.bias]
    rounded, total = rounded_parts(exact, 3)
    full = max(abs(value) for value in exact)
    bar_width = max(8, min(36, width - 44))
    for (name, raw), adds in zip(lines, rounded, strict=True):
        text = Text(bar(adds, full, bar_width, blocks=blocks), style=_colour(adds))
        table.add_row(name, raw, signed(adds, 3, blocks=blocks), text)
    table.add_row(Text("score", style="bold"), "", Text(signed(total, 3, blocks=blocks), style="bold"), "")
    return table


def profile_table(profile: Profile, *, width: int = 80, blocks: bool = True) -> RenderableType:
    """A user in attributes, what sets the user apart most first.

    Args:
        profile: the profile.
        width: of the terminal.
        blocks: whether block characters can be shown.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("attribute", overflow="fold")
    for name in ("history", "all", "lift", "asks"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    tastes = sorted(profile.tastes, key=lambda taste: -abs(taste.lift))
    full = max((abs(taste.lift) for taste in tastes), default=0.0)
    bar_width = max(8, min(30, width - 58))
    for taste in tastes:
        table.add_row(
            taste.name,
            "" if taste.history_mean is None else f"{taste.history_mean:.1f}",
            f"{taste.catalogue_mean:.1f}",
            signed(taste.lift, blocks=blocks),
            signed(taste.query_weight, blocks=blocks),
            Text(bar(taste.lift, full, bar_width, blocks=blocks), style=_colour(taste.lift)),
        )
    return table


def metric_table(systems: Mapping[str, Mapping[str, float]], *, width: int = 80) -> RenderableType:
    """Metrics of several systems, the best of each marked by a star; a row a system where that fits.

    Args:
        systems: name of a system -> name of a metric -> value; the same metrics for all, at least one.
        width: of the terminal.
    """
    from rich.table import Table

    names = list(next(iter(systems.values())))
    best = {name: max(metrics[name] for metrics in systems.values()) for name in names}

    def cell(value: float, name: str) -> str:
        return f"{'*' if value == best[name] else ' '}{value:.4f}"

    longest = max(len(system) for system in systems)
    if longest + 7 * len(names) > width:
        lines = [(name, *(cell(metrics[name], name) for metrics in systems.values())) for name in names]
        return listing(("", *systems), lines, right=tuple(systems))
    # The star stands where the space between two columns would be.
    table = Table(box=None, pad_edge=False, padding=0, header_style="bold")
    table.add_column("", no_wrap=True)
    for name in names:
        metric, at, k = name.partition("@")
        table.add_column(f"{metric}\n{at}{k}", justify="right", no_wrap=True)
    for system, metrics in systems.items():
        table.add_row(system, *(cell(metrics[name], name) for name in names))
    return table


def _strongest(row: Recommendation, parts: int) -> list[tuple[str, float]]:
    """The `parts` largest terms by magnitude, then the sum of the others as one line."""
    terms = [(term.name, term.contribution) for term in row.top_terms(len(row.terms))]
    kept, rest = terms[:parts], terms[parts:]
    if len(rest) == 1:
        return terms
    return kept + ([(f"{len(rest)} others", sum(value for _, value in rest))] if rest else [])


def _bars(
    lines: Iterable[tuple[str, float]], full: float, name_width: int, bar_width: int, blocks: bool
) -> Text:
    """Names, signed numbers and bars, one a line, columns aligned."""
    from rich.text import Text

    text = Text(no_wrap=True)
    for number, (name, value) in enumerate(lines):
        if number:
            text.append("\n")
        label = name if len(name) <= name_width else name[: name_width - 1] + ("…" if blocks else ".")
        text.append(f"{label:<{name_width}} {signed(value, blocks=blocks)} ")
        text.append(bar(value, full, bar_width, blocks=blocks), style=_colour(value))
    return text


def _raw(raw: float | None, imputed: bool) -> str:
    if raw is None:
        return "(mean)"
    return f"({raw:g})" if imputed else f"{raw:g}"


def _colour(value: float) -> str:
    return "green" if value >= 0 else "red"
