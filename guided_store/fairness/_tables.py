"""The fairness section as tables, for a terminal, a file and a page alike."""

from __future__ import annotations

from collections.abc import Sequence

from guided_store.evaluation import Table, metric_name
from guided_store.fairness._accuracy import GroupAccuracy
from guided_store.fairness._audit import Fairness
from guided_store.fairness._counterfactual import Counterfactual
from guided_store.fairness._exposure import GroupExposure
from guided_store.fairness._wording import strength

_BRIEF = 12
"""Rows of a long table that a terminal shows."""


def tables(section: Fairness, *, brief: bool = False) -> list[Table]:
    """Every table of the section.

    Args:
        section: of an audit.
        brief: what a terminal shows: the leading metric, the groups of items that change most, and no table
            that only repeats the reference.

    Returns:
        gaps, groups of users, groups of items, attributes.
    """
    metrics = section.metrics[:1] if brief else section.metrics
    found = []
    for metric in metrics:
        found += _gap_tables(section, metric)
        found += _accuracy_tables(section, section.users, metric, "users", brief)
    for version in section.versions if not brief or len(section.versions) == 1 else ():
        found.append(_exposure_table(section, version))
    found += [_change_table(section, version, brief) for version in section.versions[1:]]
    if not brief:
        found += _accuracy_tables(section, section.targets, section.metrics[0], "targets", brief)
    found += _lean_tables(section, brief)
    return [table for table in found if table.rows]


def counterfactual_tables(section: Counterfactual) -> list[Table]:
    """The attributes of a version, each taken out: what stays of the lists, and what it does to whom."""
    span = _level(section.level)
    first = Table(
        f"Lists of {section.version} without one attribute",
        ("attribute", "stays", "rank", "NDCG", span, "with", "without"),
        tuple(
            (
                row.attribute,
                row.overlap,
                row.target_rank,
                row.ndcg,
                row.ndcg_interval,
                row.raw_with,
                row.raw_without,
            )
            for row in section.rows
        ),
        f"stays: share of the {section.k} places whose item stays when the attribute's weight is 0, over "
        f"{section.cases:,} of {section.all_cases:,} cases. rank: times the target's rank. NDCG: change of "
        f"NDCG@{section.k} "
        f"({section.ndcg:.4f} with all). with, without: mean raw score of the listed items on the attribute.",
        {
            "stays": ".1%",
            "rank": ".2f",
            "NDCG": "+.4f",
            span: "+.4f",
            "with": ".2f",
            "without": ".2f",
        },
    )
    second = Table(
        f"Exposure by {section.version} without one attribute",
        ("attribute", "group", "times", span),
        tuple(
            (row.attribute, f"{one.grouping}: {one.group}", one.ratio, one.interval)
            for row in section.rows
            for one in row.exposure
        ),
        "times: exposure of the group without the attribute over that with it.",
        {"times": ".3f", span: ".3f"},
    )
    return [first, second]


def _gap_tables(section: Fairness, metric: str) -> list[Table]:
    span = _level(section.level)
    gaps = [gap for gap in section.user_gaps if gap.metric == metric]
    name = metric_name(metric)
    several = len(section.versions) > 1
    found = [
        Table(
            f"Gaps in {name} between groups of users: {version}",
            ("by", "worst", "best", "gap", span, "ratio", "chance", "p"),
            tuple(
                (gap.grouping, gap.worst, gap.best, gap.gap, gap.interval, gap.ratio, gap.chance, gap.p)
                for gap in gaps
                if gap.version == version
            ),
            "chance: the mean gap if groups were dealt at random; p: how often that is as large.",
            {"ratio": ".2f", "p": ".3f"},
        )
        for version in section.versions
    ]
    if several:
        found += [
            Table(
                f"Change of the gaps in {name}: {version} against {section.reference}",
                ("by", "from", "to", "wider by", span),
                tuple(
                    (gap.grouping, *(gap.change_between or ("", ""))[::-1], gap.change, gap.change_interval)
                    for gap in gaps
                    if gap.version == version
                ),
                "The two groups furthest apart in the mean of both versions.",
                {"wider by": "+.4f", span: "+.4f"},
            )
            for version in section.versions[1:]
        ]
    return found


def _accuracy_tables(
    section: Fairness, rows: Sequence[GroupAccuracy], metric: str, what: str, brief: bool
) -> list[Table]:
    """Each group against the rest, and what a version changes for it."""
    span = _level(section.level)
    own = {
        version: [row for row in rows if row.version == version and row.metric == metric]
        for version in section.versions
    }
    name = metric_name(metric)
    kind = "users" if what == "users" else "target items"
    small = f"Groups of fewer than {section.least} users are too small: no interval is claimed."
    before = {(row.grouping, row.group): row.value for row in own[section.reference]}
    changes = [
        Table(
            f"{name} by group of {kind}: {version} against {section.reference}",
            ("group", "users", "reference", name, "change", span),
            tuple(
                (
                    _group(row),
                    row.users,
                    before[row.grouping, row.group],
                    row.value,
                    row.change,
                    "too small" if row.small else row.change_interval,
                )
                for row in own[version]
            ),
            small,
            {"change": "+.4f", span: "+.4f"},
        )
        for version in section.versions[1:]
    ]
    if brief and changes:
        return changes
    rest = [
        Table(
            f"{name} by group of {kind}, each against the rest: {version}",
            ("group", "users", name, "apart", span, "p"),
            tuple(
                (
                    _group(row),
                    row.users,
                    row.value,
                    row.against_rest,
                    "too small" if row.small else row.rest_interval,
                    row.adjusted,
                )
                for row in own[version]
            ),
            f"apart: from the mean of all others of a known group; p: after Holm over all groups. {small}",
            {"apart": "+.4f", span: "+.4f", "p": ".3f"},
        )
        for version in section.versions
    ]
    return [*changes, *rest]


def _exposure_table(section: Fairness, version: str) -> Table:
    span = _level(section.level)
    return Table(
        f"Exposure by group of items: {version}",
        ("group", "items", "history", "targets", "exposure", "times", span),
        tuple(
            (
                _group(row),
                row.catalogue,
                row.history,
                row.target,
                row.exposure,
                row.to_target,
                "few targets" if row.to_target is None else row.target_interval,
            )
            for row in section.exposure
            if row.version == version
        ),
        "Shares of the catalogue, of users' histories, of their targets and of the exposure (a place at rank "
        "r weighs 1/log2(1+r)). times: exposure over the share of targets, 1 where relevance has its due.",
        {**dict.fromkeys(("items", "history", "targets", "exposure"), ".1%"), "times": ".2f", span: ".2f"},
    )


def _change_table(section: Fairness, version: str, brief: bool) -> Table:
    rows = [row for row in section.exposure if row.version == version]
    order = sorted(rows, key=lambda row: (abs(row.favoured), strength(row)), reverse=True)
    note = (
        "times: exposure over that by the reference, with intervals over users and over items. + and - mark "
        "groups that gain or lose beyond both."
    )
    if brief and len(order) > _BRIEF:
        note += f" {_BRIEF} of {len(order)} groups are shown, those that surely change most first."
    return Table(
        f"Change of exposure by group of items: {version} against {section.reference}",
        ("group", "targets", "exposure", "times", "over users", "over items", "sure"),
        tuple(_changed(row) for row in (order[:_BRIEF] if brief else order)),
        note,
        {
            **dict.fromkeys(("targets", "exposure"), ".1%"),
            **dict.fromkeys(("times", "over users", "over items"), ".2f"),
        },
    )


def _changed(row: GroupExposure) -> tuple[str | float | tuple[float, float] | None, ...]:
    return (
        _group(row),
        row.target,
        row.exposure,
        row.change,
        row.change_interval,
        row.items_interval,
        {1: "+", -1: "-", 0: ""}[row.favoured],
    )


def _lean_tables(section: Fairness, brief: bool) -> list[Table]:
    span = _level(section.level)
    note = "Mean raw scores (0 to 10) of the catalogue, of users' histories, and of the lists."
    versions = section.versions[1:] or section.versions
    found = []
    for version in versions:
        rows = [row for row in section.lean if row.version == version]
        shown = rows[:_BRIEF] if brief else rows
        told = f" {len(shown)} of {len(rows)} attributes." if len(shown) < len(rows) else ""
        if version == section.reference:
            found.append(
                Table(
                    f"Lean of the lists by attribute: {version}",
                    ("attribute", "catalogue", "history", "lists", "lean", span),
                    tuple(
                        (r.attribute, r.catalogue, r.history, r.lists, r.to_history, r.history_interval)
                        for r in shown
                    ),
                    f"{note} lean: lists minus history.{told}",
                    {
                        **dict.fromkeys(("catalogue", "history", "lists"), ".2f"),
                        **dict.fromkeys(("lean", span), "+.2f"),
                    },
                )
            )
            continue
        found.append(
            Table(
                f"Lean of the lists by attribute: {version} against {section.reference}",
                ("attribute", "catalogue", "history", "lists", "lean", "change", span),
                tuple(
                    (r.attribute, r.catalogue, r.history, r.lists, r.to_history, r.change, r.change_interval)
                    for r in shown
                ),
                f"{note} lean: lists minus history; change: lists against the reference's.{told}",
                {
                    **dict.fromkeys(("catalogue", "history", "lists"), ".2f"),
                    **dict.fromkeys(("lean", "change", span), "+.2f"),
                },
            )
        )
    return found


def _group(row: GroupAccuracy | GroupExposure) -> str:
    return f"{row.grouping}: {row.group}"


def _level(level: float) -> str:
    return f"{100 * level:g} % interval"
