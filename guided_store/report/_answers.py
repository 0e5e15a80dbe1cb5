"""The first thing on the page: each question with the answer that the figures give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from guided_store.comparison import Accuracy, Comparison, question, verdicts
from guided_store.evaluation import metric_name
from guided_store.report._html import Child, Markup, element
from guided_store.report._more_answers import Answer, section_answers
from guided_store.report._tables import dot, labelled
from guided_store.report._words import listed, sentence


def verdict_html(comparison: Comparison) -> Markup:
    """The verdicts in large, then the answers beside their questions."""
    labels = comparison.accuracy.labels
    large = (
        element("p", _weighted(said, labels), class_="verdict") for said in verdicts(comparison.accuracy)
    )
    rows = (
        [element("dt", asked), element("dd", (element("div", _dotted(one, labels)) for one in said))]
        for asked, said in answers(comparison)
    )
    return element("div", large, element("dl", rows, class_="answers"))


def answers(comparison: Comparison) -> Iterator[Answer]:
    """What was asked, how sure it is, for whom it holds, and what else changed."""
    accuracy = comparison.accuracy
    others = accuracy.labels[1:]
    yield "Asked", [sentence(question(accuracy))]
    yield "By metric", [_by_metric(accuracy, label) for label in others]
    if accuracy.strata:
        yield f"Where, in {metric_name(accuracy.main)}", [_by_stratum(accuracy, label) for label in others]
    yield "For whom", [_by_user(accuracy, label) for label in others]
    yield from section_answers(comparison)
    if comparison.warnings:
        yield "Beware", [sentence(warning, accuracy.labels) for warning in comparison.warnings]


def legend_html(places: Mapping[str, int], seeds: Mapping[str, int]) -> Markup:
    """Every version with its colour, and what role it plays."""
    return element(
        "ul",
        (
            element("li", labelled(label, places), element("span", _role(place, seeds[label]), class_="soft"))
            for label, place in places.items()
        ),
        class_="chips",
    )


def _by_metric(accuracy: Accuracy, label: str) -> str:
    sides: dict[str | None, list[str]] = {}
    for metric in accuracy.metrics:
        sides.setdefault(accuracy.winner(label, metric), []).append(metric_name(metric))
    words = {label: "surely better", accuracy.reference: "surely worse", None: "not sure"}
    told = "; ".join(f"{word} in {listed(sides[side])}" for side, word in words.items() if side in sides)
    return f"{label}: {told}."


def _by_stratum(accuracy: Accuracy, label: str) -> str:
    sides: dict[str, list[str]] = {"gains": [], "loses": [], "no sure difference": []}
    for stratum in accuracy.strata:
        difference, (low, high) = stratum.differences[label]
        side = "no sure difference" if low <= 0 <= high else "gains" if difference > 0 else "loses"
        sides[side].append(f"{stratum.name} ({difference:+.4f})")
    return f"{label}: {'; '.join(f'{side} in {listed(names)}' for side, names in sides.items() if names)}."


def _by_user(accuracy: Accuracy, label: str) -> str:
    one = accuracy.outcomes[label][0]
    users = max(one.wins + one.ties + one.losses, 1)
    return (
        f"{label}: {one.wins:,} of {users:,} users better off ({one.wins / users:.1%}), {one.losses:,} worse "
        f"({one.losses / users:.1%}), {one.ties:,} equal, by {metric_name(one.metric)}."
    )


def _weighted(said: str, labels: Sequence[str]) -> list[Markup | str]:
    """The claim in bold, the figures behind it not."""
    claim, bracket, rest = sentence(said, labels).partition(" (")
    return [element("strong", claim), f"{bracket}{rest}"]


def _dotted(said: str, labels: Sequence[str]) -> Child:
    """A sentence that begins with the name of a version, behind its mark."""
    own = [label for label in labels if said.startswith(label)]
    return [dot(labels.index(max(own, key=len))), said] if own else said


def _role(place: int, seeds: int) -> str:
    parts = (["reference"] if not place else []) + ([f"{seeds} seeds"] if seeds > 1 else [])
    return f" {', '.join(parts)}" if parts else ""
