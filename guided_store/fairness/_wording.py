"""The fairness section in sentences: what stands out, and what cannot be told."""

from __future__ import annotations

from collections.abc import Sequence

from guided_store.errors import UsageError
from guided_store.evaluation import Interval, holm, metric_name
from guided_store.fairness._accuracy import Gap
from guided_store.fairness._audit import Fairness
from guided_store.fairness._exposure import GroupExposure

_SHOWN = 5
"""Groups of items that are put in words for each version."""

_DOUBTED = 0.05


def findings(section: Fairness) -> list[str]:
    """What the section says, the most important first: gaps, their change, exposure, and groups too small."""
    return [*_gaps(section), *_changes(section), *_exposure(section), *_small(section)]


def favours(section: Fairness, grouping: str, group: str, version: str | None = None) -> str:
    """One sentence on whether a version favours a group of items: `favours(section, "world_cinema", "0")`.

    Args:
        section: of an audit.
        grouping: "popularity", a column of the items, or an attribute.
        group: a label of it.
        version: label; by default the last one.

    Raises:
        UsageError: there is no such group or version.
    """
    rows = [row for row in section.exposure if row.version == (version or section.versions[-1])]
    for row in rows:
        if (row.grouping, row.group) == (grouping, group):
            return exposure_sentence(row, section.reference)
    there = [row.group for row in rows if row.grouping == grouping]
    hint = f"of {grouping!r} there are {', '.join(map(repr, there))}"
    if not there:
        known = ", ".join(dict.fromkeys(row.grouping for row in rows)) or "none of this version"
        hint = f"groups are by {known}"
    raise UsageError(f"no group of items {grouping}: {group} was looked at; {hint}")


def exposure_sentence(row: GroupExposure, reference: str) -> str:
    """What one version does with one group of items."""
    share = f"{row.exposure:.1%} of the exposure for {row.target:.1%} of the targets"
    if row.change is None:
        due = (
            "" if row.to_target is None else f", {row.to_target:.2f} times{_span(row.target_interval, '.2f')}"
        )
        return f"{row.version} gives {_named(row)} {share}{due}"
    way = {1: "more", -1: "less", 0: "neither clearly more nor clearly less"}[row.favoured]
    over = [_ends(row.change_interval, ".2f", " over users"), _ends(row.items_interval, ".2f", " over items")]
    spans = ", ".join(span for span in over if span)
    return (
        f"{row.version} shows {_named(row)} {way} than {reference}: {row.change:.2f} times the exposure"
        f"{f' ({spans})' if spans else ''}, {share}"
    )


def _gaps(section: Fairness) -> list[str]:
    leading = section.metrics[0]
    gaps = [gap for gap in section.user_gaps if gap.metric == leading]
    found = []
    for version in section.versions:
        own = [gap for gap in gaps if gap.version == version]
        sure = [gap for gap, p in zip(own, holm([gap.p for gap in own]), strict=True) if p <= _DOUBTED]
        found += [_gap(gap) for gap in sorted(sure, key=lambda one: -one.gap)]
        if own and not sure:
            by = _listed([gap.grouping for gap in own])
            found.append(f"{version}: gaps in {metric_name(leading)} between users by {by} may all be chance")
    return found


def _gap(gap: Gap) -> str:
    return (
        f"{gap.version} serves users by {gap.grouping} unequally: {metric_name(gap.metric)} is "
        f"{gap.gap:.4f} lower for {gap.worst!r} than for {gap.best!r}{_span(gap.interval, '.4f')}; "
        f"chance alone makes {gap.chance:.4f}"
    )


def _changes(section: Fairness) -> list[str]:
    leading = section.metrics[0]
    found = []
    for version in section.versions[1:]:
        gaps = [gap for gap in section.user_gaps if gap.metric == leading and gap.version == version]
        if not gaps:
            continue
        moved = [gap for gap in gaps if _changed(gap)]
        found += [_change(gap, section.reference) for gap in moved]
        if not moved:
            found.append(
                f"{version} makes no gap between groups of users wider or narrower than {section.reference}, "
                f"beyond chance ({_listed([gap.grouping for gap in gaps])})"
            )
    return found


def _changed(gap: Gap) -> bool:
    ends = gap.change_interval
    return ends is not None and (ends[0] > 0 or ends[1] < 0)


def _change(gap: Gap, reference: str) -> str:
    high, low = gap.change_between or ("", "")
    change = gap.change or 0.0
    way = "wider" if change > 0 else "narrower"
    return (
        f"{gap.version} makes the gap in {metric_name(gap.metric)} between {high!r} and {low!r} "
        f"({gap.grouping}) {abs(change):.4f} {way} than {reference}, change {change:+.4f}"
        f"{_span(gap.change_interval, '+.4f')}"
    )


def _exposure(section: Fairness) -> list[str]:
    found = []
    for version in section.versions[1:]:
        rows = [row for row in section.exposure if row.version == version]
        moved = sorted((row for row in rows if row.favoured), key=strength, reverse=True)
        found += [exposure_sentence(row, section.reference) for row in moved[:_SHOWN]]
        of = f"of {len(rows)} groups of items"
        if not moved:
            found.append(f"{version} shows none {of} clearly more or less than {section.reference}")
        elif len(moved) > _SHOWN:
            found.append(
                f"{version}: {len(moved)} {of} gain or lose exposure beyond chance, {_SHOWN} are named; "
                "with so many groups a few do so by chance"
            )
    return found


def strength(row: GroupExposure) -> tuple[float, float]:
    """To sort by how much a group gains or loses: the surest first, then the largest.

    Returns:
        The least factor of change that both intervals allow (1 where unsure) and the factor itself; twice and
        half count alike.
    """
    factor = 1.0 if row.change is None else max(row.change, 1 / max(row.change, 1e-9))
    if row.change_interval is None or row.items_interval is None or not row.favoured:
        return 1.0, factor
    if row.favoured > 0:
        return min(row.change_interval[0], row.items_interval[0]), factor
    return 1 / max(row.change_interval[1], row.items_interval[1], 1e-9), factor


def _small(section: Fairness) -> list[str]:
    first = [row for row in section.users if row.version == section.reference and row.small]
    names = [f"{row.grouping} {row.group} ({row.users})" for row in first if row.metric == section.metrics[0]]
    if not names:
        return []
    return [f"too few users to claim anything of (fewer than {section.least}): {', '.join(names)}"]


def _named(row: GroupExposure) -> str:
    return f"items of {row.grouping} {row.group!r}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _ends(ends: Interval | None, spec: str, after: str = "") -> str:
    return "" if ends is None else f"{ends[0]:{spec}} to {ends[1]:{spec}}{after}"


def _span(ends: Interval | None, spec: str) -> str:
    return "" if ends is None else f" ({_ends(ends, spec)})"
