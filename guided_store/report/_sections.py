"""The sections of the page: what each asks, its plots, and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guided_store import fairness
from guided_store.comparison import Comparison, section_tables
from guided_store.evaluation import Table
from guided_store.report._drawing import Picture, Plot, draw, inline_svg
from guided_store.report._html import Child, Markup, element
from guided_store.report._plot_accuracy import metric_plot, rank_plots, strata_plot
from guided_store.report._plot_beyond import measure_plot, profile_plot
from guided_store.report._plot_fairness import fairness_plots
from guided_store.report._plot_interpretation import interpretation_plots
from guided_store.report._plot_map import map_plot
from guided_store.report._tables import table_html
from guided_store.wording import counted

FOLDED = 12
"""A table of more rows opens when it is asked for; print shows all."""

LONG = 4000
"""So does a table of more letters."""

LEADS = {
    "Accuracy": "Whether the next item stands higher in the list, for whom, and for which items.",
    "Beyond accuracy": "What else changed in the lists: breadth, popularity, variety, surprise, taste.",
    "Fairness": "Who is served how well, which items are shown, and what single attributes do to that.",
    "Geometry": "How far item neighbourhoods and recommendation lists differ between the versions.",
    "Interpretation": "How much of a score its explanation carries, and whether the explanation holds.",
    "Versions": "What was compared, what it was made from, and how.",
}
"""Heading of a section -> the question it answers."""


@dataclass(frozen=True)
class Placed:
    """A picture, and the beginning of the title of the table it stands before; "" puts it first."""

    picture: Picture
    before: str = ""


def pictures_of(comparison: Comparison, *, png: bool = False) -> dict[str, list[Placed]]:
    """Every plot that the comparison has figures for, drawn, by the heading of its section."""
    return {
        heading: [Placed(draw(plot, png=png), before) for plot, before in plots if plot is not None]
        for heading, plots in _plots(comparison).items()
    }


def _plots(comparison: Comparison) -> dict[str, list[tuple[Plot | None, str]]]:
    accuracy = comparison.accuracy
    strata = strata_plot(accuracy)
    before = f"{strata.title.partition(' by ')[0]} by popularity" if strata is not None else ""
    ranks = rank_plots(accuracy, comparison.judged, comparison.cases)
    found: dict[str, list[tuple[Plot | None, str]]] = {
        "Accuracy": [
            (metric_plot(accuracy), ""),
            (strata, before),
            *((plot, "Users better and worse off") for plot in ranks),
        ]
    }
    if comparison.beyond is not None:
        profile = profile_plot(comparison.beyond)
        found["Beyond accuracy"] = [(measure_plot(comparison.beyond), ""), (profile, "Attributes of lists")]
    if comparison.fairness is not None:
        found["Fairness"] = [(plot, "") for plot in fairness_plots(comparison.fairness)]
    found["Geometry"] = [(map_plot(comparison), "")]
    if comparison.interpretation is not None:
        found["Interpretation"] = [(plot, "") for plot in interpretation_plots(comparison.interpretation)]
    return found


def section_html(
    heading: str,
    tables: tuple[Sequence[Table], Sequence[Table]],
    plots: Sequence[Placed],
    places: Mapping[str, int],
    *more: Child,
    findings: Sequence[str] = (),
) -> Markup:
    """One section.

    Args:
        heading: of the section.
        tables: those to show, and those to keep behind them, see `shown_tables`.
        plots: each to stand before its table.
        places: label of a version -> its place in the comparison.
        more: what else belongs to it.
        findings: sentences to begin with.
    """
    waiting = list(plots)
    parts: list[Child] = [picture_html(one.picture) for one in waiting if not one.before]
    waiting = [one for one in waiting if one.before]
    for table in tables[0]:
        parts += [picture_html(one.picture) for one in waiting if table.title.startswith(one.before)]
        waiting = [one for one in waiting if not table.title.startswith(one.before)]
        parts.append(_table(table, places))
    # A plot whose table was not made still has its place.
    parts += [picture_html(one.picture) for one in waiting]
    lead = LEADS.get(heading)
    return element(
        "section",
        element("h2", heading),
        element("p", lead, class_="lead") if lead else None,
        element("ul", (element("li", line) for line in findings), class_="findings") if findings else None,
        parts,
        _rest(tables[1], places) if tables[1] else None,
        more,
        id=anchor(heading),
    )


def picture_html(picture: Picture) -> Markup:
    """One plot with its caption and how to read it."""
    plot = picture.plot
    return element(
        "figure",
        element("figcaption", plot.title),
        element("div", inline_svg(picture), class_="plot scroll"),
        element("p", plot.note, class_="note") if plot.note else None,
    )


def anchor(heading: str) -> str:
    """The name of a section within the page."""
    return "-".join(heading.lower().split())


def shown_tables(comparison: Comparison) -> dict[str, tuple[list[Table], list[Table]]]:
    """Heading -> the tables that its section shows, and those that it keeps behind them; in reading order.

    Fairness has tens of tables, one for each metric, version and kind of group: it shows what the terminal
    shows, and what single attributes do.
    """
    found = {}
    for heading, tables in section_tables(comparison).items():
        first = {table.title for table in tables}
        if heading == "Fairness" and comparison.fairness is not None:
            first = {table.title for table in fairness.tables(comparison.fairness, brief=True)}
            for one in comparison.counterfactuals.values():
                first.add(fairness.counterfactual_tables(one)[0].title)
        found[heading] = (
            [table for table in tables if table.title in first],
            [table for table in tables if table.title not in first],
        )
    return found


def _rest(tables: Sequence[Table], places: Mapping[str, int]) -> Markup:
    inside = (table_html(table, places) for table in tables)
    summary = element("summary", counted(len(tables), "more table"))
    return element("details", summary, element("div", inside, class_="inside"), class_="folded rest")


def _table(table: Table, places: Mapping[str, int]) -> Markup:
    whole = table_html(table, places)
    letters = sum(len(cell) for row in table.text() for cell in row)
    if len(table.rows) <= FOLDED and letters <= LONG:
        return whole
    rows = element("span", f" {len(table.rows):,} rows", class_="soft")
    return element("details", element("summary", table.title, rows), whole, class_="folded")
