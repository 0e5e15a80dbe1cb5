"""Plots of what scores are made of: attributes, latent part, bias; and which attributes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from guided_store.evaluation import Estimate
from guided_store.interpretation import Interpretation, Interpretations
from guided_store.report._drawing import Plot
from guided_store.report._marks import Mark, Row, draw_rows, height_of, legend, percent_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SEEDS = " Of a recipe: the mean of its seeds, and the lowest and highest."


def interpretation_plots(section: Interpretations) -> Iterator[Plot]:
    """Shares of the variance by part, and by attribute where a version has some."""
    labels = [label for label, found in section.versions.items() if found and found[0].variance]
    if not labels:
        return
    places = {label: place for place, label in enumerate(section.versions)}
    yield _part_plot(section, labels, places)
    told = [label for label in labels if section.versions[label][0].variance[-1].attributes]
    if told:
        yield _attribute_plot(section, told, places)


def _part_plot(section: Interpretations, labels: Sequence[str], places: dict[str, int]) -> Plot:
    first = section.versions[labels[0]][0]
    rows = []
    for number, shares in enumerate(first.variance):
        for part in shares.parts:
            marks = []
            for label in labels:
                found = [one.variance[number].parts[part] for one in section.versions[label]]
                if part != "attributes" or section.versions[label][0].variance[number].attributes:
                    marks.append(_mark(places[label], found))
            rows.append(Row(f"{part}, {shares.among}", tuple(mark for mark in marks if mark is not None)))
    told = "; ".join(
        f"{row.name}: {', '.join(f'{mark.value:.0%}' for mark in row.marks)}" for row in rows if row.marks
    )
    return Plot(
        "parts",
        "What the differences between scores are made of",
        f"Shares of the variance of scores, {', '.join(labels)} in this order: {told}.",
        "Share of the variance of a user's scores that each part carries; the shares of one version add to "
        "100 % and may be negative where a part pulls against the sum." + _several(section, labels),
        height_of(rows, 0.75),
        lambda figure: _draw(figure, rows, labels, places),
    )


def _attribute_plot(section: Interpretations, labels: Sequence[str], places: dict[str, int]) -> Plot:
    last = section.versions[labels[-1]]
    among = last[0].variance[-1].among
    names = list(last[0].variance[-1].attributes)
    found = {label: {name: _attribute(section.versions[label], name) for name in names} for label in labels}

    def share(name: str) -> float:
        mark = _mark(0, found[labels[-1]][name])
        return 0.0 if mark is None else mark.value

    rows = []
    for name in sorted(names, key=lambda one: -share(one)):
        marks = (_mark(places[label], found[label][name]) for label in labels)
        rows.append(Row(name, tuple(mark for mark in marks if mark is not None)))
    told = ", ".join(f"{name} {share(name):.1%}" for name in sorted(names, key=lambda one: -share(one))[:5])
    return Plot(
        "attributes",
        "Attributes that decide",
        f"Share of each attribute in the variance of the scores of {labels[-1]}: most have {told}.",
        f"Share of the variance of a user's scores, {among}; together they have what the plot above says."
        + _several(section, labels),
        height_of(rows, 0.75),
        lambda figure: _draw(figure, rows, labels, places),
    )


def _draw(figure: Figure, rows: Sequence[Row], labels: Sequence[str], places: dict[str, int]) -> None:
    axes = figure.subplots()
    draw_rows(axes, rows, zero=0.0)
    percent_axis(axes, signed=False)
    axes.set_xlabel("share of the variance of scores")
    legend(axes, labels, [places[label] for label in labels])


def _attribute(versions: Sequence[Interpretation], name: str) -> list[Estimate]:
    shares = (one.variance[-1].attributes.get(name) for one in versions)
    return [one for one in shares if one is not None]


def _mark(place: int, found: Sequence[Estimate]) -> Mark | None:
    """One model: its estimate; several seeds: their mean, lowest and highest; None where nothing is known."""
    known = [one for one in found if one.value == one.value]
    if not known:
        return None
    if len(known) == 1:
        return Mark(place, known[0].value, known[0].interval)
    values = [one.value for one in known]
    return Mark(place, sum(values) / len(values), (min(values), max(values)))


def _several(section: Interpretations, labels: Sequence[str]) -> str:
    return _SEEDS if any(len(section.versions[label]) > 1 for label in labels) else ""
