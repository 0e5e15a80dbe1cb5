"""What the sections beside accuracy answer, a sentence for each version."""

from __future__ import annotations

from collections.abc import Iterator

from guided_store.beyond import BeyondAccuracy
from guided_store.comparison import Comparison
from guided_store.fairness import Fairness, strength
from guided_store.geometry import GeometrySection
from guided_store.interpretation import Interpretations
from guided_store.report._words import listed

Answer = tuple[str, list[str]]
"""A question in a word or two, and a sentence for each version."""


def section_answers(comparison: Comparison) -> Iterator[Answer]:
    """Of every section that was made, what changed against the reference."""
    others = comparison.accuracy.labels[1:]
    if (beyond := comparison.beyond) is not None:
        yield "Beyond accuracy", [_beyond(beyond, label) for label in others]
    if (fair := comparison.fairness) is not None:
        yield "Fairness", [_fairness(fair, label) for label in others]
    if (geometry := comparison.geometry) is not None:
        said = [_moved(geometry, label) for label in others]
        if any(said):
            yield "What moved", [one for one in said if one]
    if (parts := comparison.interpretation) is not None:
        said = [_carried(parts, label) for label in parts.versions]
        if any(said):
            yield "Why", [one for one in said if one]


def _beyond(section: BeyondAccuracy, label: str) -> str:
    found: dict[str, list[str]] = {}
    for one in section.measures.values():
        found.setdefault(one.verdict(label), []).append(one.measure.title.partition(" (")[0])
    # Better and worse first, what is not sure last.
    order = {"better": 0, "worse": 1, "not sure": 3}
    ordered = sorted(found.items(), key=lambda one: order.get(one[0], 2))
    return f"{label}: {'; '.join(f'{word} in {listed(names)}' for word, names in ordered)}."


def _fairness(section: Fairness, label: str) -> str:
    gaps = [gap for gap in section.user_gaps if (gap.version, gap.metric) == (label, section.metrics[0])]
    sides: dict[str, list[str]] = {"wider": [], "narrower": []}
    for gap in gaps:
        if gap.change is not None and gap.change_interval is not None:
            low, high = gap.change_interval
            if low > 0 or high < 0:
                sides["wider" if low > 0 else "narrower"].append(f"{gap.grouping} ({gap.change:+.4f})")
    moved = "; ".join(f"{side} by {listed(names)}" for side, names in sides.items() if names)
    told = [f"gaps between users are {moved}" if moved else "no gap between users surely wider or narrower"]
    rows = [row for row in section.exposure if row.version == label]
    sure = [row for row in rows if row.favoured]
    if sure:
        first = max(sure, key=strength)
        told.append(
            f"{len(sure)} of {len(rows)} groups of items surely shown more or less, most of all "
            f"{first.grouping} {first.group} ({first.change:.2f} times the exposure)"
        )
    elif rows:
        told.append(f"none of {len(rows)} groups of items surely shown more or less")
    return f"{label}: {'; '.join(told)}."


def _moved(section: GeometrySection, label: str) -> str | None:
    told = [
        f"{one.neighbours[0].overlap:.0%} of an item's {one.neighbours[0].k} nearest items stay"
        for one in section.geometries
        if one.label == label and one.neighbours
    ]
    if section.lists is not None:
        told += [
            f"{pair.overlap:.0%} of {section.lists.k} recommended items stay"
            for pair in section.lists.pairs
            if pair.label == label and not pair.own_seeds and pair.overlap is not None
        ]
    return f"{label}: {'; '.join(told)}." if told else None


def _carried(section: Interpretations, label: str) -> str | None:
    shares = [one.variance[-1] for one in section.versions[label] if one.variance]
    if not shares or not shares[0].attributes:
        return None
    carried = sum(one.parts["attributes"].value for one in shares) / len(shares)
    return f"{label}: attributes carry {carried:.0%} of the differences between scores ({shares[0].among})."
