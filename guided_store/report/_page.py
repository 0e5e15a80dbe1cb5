"""The whole page: what a browser needs around the sections."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from guided_store.comparison import Comparison, heading, notes
from guided_store.fairness import findings
from guided_store.report._answers import legend_html, verdict_html
from guided_store.report._colours import style_variables
from guided_store.report._html import Child, Markup, element, joined
from guided_store.report._lineage import lineage_svg
from guided_store.report._recipes import fields, pairs_html, recipes_html
from guided_store.report._sections import Placed, anchor, section_html, shown_tables
from guided_store.report._words import sentence

METHOD = (
    "Every version ranked the whole catalogue for every case; the ranks are those of the items that came "
    "next. All sections read the same ranks and lists.",
    "Intervals resample users, each with all their cases, and for recipes seeds as well. A difference is "
    "called sure when its p, corrected over the metrics by Holm, is below 0.05 and its interval lacks 0.",
    "Intervals of parts, groups and single measures are not corrected for their number: of twenty, one may "
    "leave out 0 by chance. Extremes (users and items that changed most) are chosen for being extreme.",
    "Tables hold the figures of the command's CSV, rounded; colours and dots name the versions throughout.",
)
"""How the figures were made, for those who did not."""


LINEAGE = "From left to right: each version and what was made from it. The compared ones are outlined."


def page(comparison: Comparison, plots: Mapping[str, list[Placed]]) -> str:
    """The report as one HTML document that asks for nothing outside itself."""
    accuracy = comparison.accuracy
    places = {label: place for place, label in enumerate(accuracy.labels)}
    seeds = {label: len(runs) for label, runs in comparison.judged.items()}
    sections: list[tuple[str, Markup]] = []
    for title, tables in shown_tables(comparison).items():
        more = _lineage(comparison, places) if title == "Versions" else None
        told = _findings(comparison) if title == "Fairness" else ()
        made = section_html(title, tables, plots.get(title, ()), places, more, findings=told)
        sections.append((title, made))
    sections.append(("Method", _method(comparison)))
    verdict = element("section", verdict_html(comparison), id="verdict", aria_label="Verdict")
    body = element(
        "div",
        element("header", _title(comparison), legend_html(places, seeds)),
        _contents(["Verdict", *(title for title, _ in sections)]),
        element("main", verdict, (section for _, section in sections)),
        element("footer", _made(comparison)),
        class_="page",
    )
    return _document(_name(comparison), body)


def _document(title: str, body: Markup) -> str:
    # Markup that was written for this room and holds nothing of the catalogue: set as it is.
    style = Markup(style_variables() + _resource("page.css"))
    script = Markup(_resource("page.js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    document = element("html", head, element("body", body, element("script", script)), lang="en")
    return f"<!DOCTYPE html>\n{document}\n"


def _name(comparison: Comparison) -> str:
    labels = comparison.accuracy.labels
    return " and ".join(labels[1:]) + f" against {labels[0]}"


def _title(comparison: Comparison) -> Markup:
    labels = comparison.accuracy.labels
    others = Markup(", ").join(element("span", label) for label in labels[1:])
    return joined(
        element("p", "Comparison of embedding versions", class_="eyebrow"),
        element("h1", Markup(others), " ", element("span", f"against {labels[0]}", class_="against")),
        element("p", sentence(heading(comparison)), class_="meta"),
    )


def _contents(headings: list[str]) -> Markup:
    links = (element("li", element("a", name, href=f"#{anchor(name)}")) for name in headings)
    button = element("button", "Dark page", type="button", class_="theme", hidden=True)
    return element("nav", element("ol", links), button, aria_label="Sections")


def _lineage(comparison: Comparison, places: Mapping[str, int]) -> Markup:
    chosen = {str(one.info.ref): places[one.label] for one in comparison.versions}
    return joined(
        element(
            "figure",
            element("figcaption", "Lineage"),
            element("div", lineage_svg(comparison.lineage, chosen), class_="lineage scroll"),
            element(
                "p",
                LINEAGE,
                class_="note",
            ),
        ),
        element("h3", "Recipes"),
        recipes_html(comparison.lineage, chosen),
    )


def _method(comparison: Comparison) -> Markup:
    split = {name: value for name, value in fields(comparison.split) if name != "notes"}
    said = notes(comparison)
    warnings: Child = None
    if comparison.warnings or said:
        lines = (
            element("li", sentence(line, comparison.accuracy.labels))
            for line in (*comparison.warnings, *said)
        )
        warnings = [element("h3", "Warnings and notes"), element("ul", lines, class_="warnings")]
    seconds = {f"{step}": f"{value:.1f} s" for step, value in comparison.seconds.items()}
    return element(
        "section",
        element("h2", "Method"),
        element("p", "How the figures were made, on what, and by which programs.", class_="lead"),
        (element("p", line) for line in METHOD),
        warnings,
        element("h3", "Split"),
        pairs_html(split),
        element("h3", "Machine"),
        pairs_html(comparison.machine),
        [element("h3", "Time"), pairs_html(seconds)] if seconds else None,
        id="method",
    )


def _findings(comparison: Comparison) -> list[str]:
    if comparison.fairness is None:
        return []
    return [sentence(one, comparison.accuracy.labels) for one in findings(comparison.fairness)]


def _made(comparison: Comparison) -> str:
    version = comparison.machine.get("guided-store", "")
    return f"Made by guided-store {version} on {comparison.created:%d %B %Y, %H:%M} UTC.".replace("  ", " ")


def _resource(name: str) -> str:
    return resources.files("guided_store.report").joinpath(name).read_text(encoding="utf-8")
