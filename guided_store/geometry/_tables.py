"""The figures of a geometry section as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from guided_store.evaluation import Cell, Table
from guided_store.geometry._drift import Drift
from guided_store.geometry._geometry import Geometry
from guided_store.geometry._lists import ChangedUser, ListOverlap
from guided_store.geometry._named import NamedItem
from guided_store.geometry._section import GeometrySection
from guided_store.geometry._shape import Shape
from guided_store.wording import counted, sentence

_SHARE, _POINTS, _R = ".1%", ".2f", ".3f"


def tables(section: GeometrySection, *, changes: bool = True) -> list[Table]:
    """Every figure of a section.

    Args:
        section: of a comparison.
        changes: also the items and users whose neighbours and lists changed most, by name.
    """
    found = [*_neighbours(section.geometries), *_shapes(section.geometries)]
    if section.lists is not None:
        found += _lists(section.lists)
    found += [table for one in section.drifts for table in _drift(one)]
    if changes:
        found += [table for one in section.geometries for table in _changed_items(one)]
        found += _changed_users(section.lists.changed if section.lists is not None else ())
    if found and section.notes:
        last = " ".join([found[-1].note, *map(sentence, section.notes)])
        found[-1] = replace(found[-1], note=last)
    return found


def _which(found: Geometry) -> str:
    """Which items were compared, in one sentence, and what was left out."""
    least = f" with {counted(found.least_events, 'training event')} or more" if found.least_events else ""
    common = "" if found.items == found.common else f" of {found.common:,} in common"
    return " ".join([f"{counted(found.items, 'item')}{common}{least}.", *map(sentence, found.notes)])


def _neighbours(geometries: Sequence[Geometry]) -> list[Table]:
    if not geometries:
        return []
    first, *others = geometries
    seeds = any(row.seeds is not None for found in geometries for row in found.neighbours)
    rows: list[tuple[Cell, ...]] = []
    for found in geometries:
        for row in found.neighbours:
            line: tuple[Cell, ...] = (found.label, row.k, row.overlap, row.interval, row.chance)
            rows.append((*line, row.seeds, row.beyond_interval) if seeds else line)
    columns = ["version", "k", "same", "95 % interval", "chance", *["seeds", "beyond seeds"] * seeds]
    which = [_which(first), *(f"{one.label}: {_which(one)}" for one in others if one.items != first.items)]
    note = (
        "By cosine of the item vectors, biases aside: share of an item's k nearest that are the same in "
        f"{first.reference}, mean over {' '.join(which)} "
    )
    if seeds:
        note += (
            '"seeds": what two seeds of one recipe share; "beyond seeds": interval of "same" less that; '
            "below 0 the versions differ by more than the seed."
        )
    else:
        note += "Another seed of one recipe moves neighbours too: give several to see by how much."
    formats = {**dict.fromkeys(columns[2:], _SHARE), **({"beyond seeds": "+.1%"} if seeds else {})}
    return [Table("Neighbours of items", tuple(columns), tuple(rows), note, formats)]


def _shapes(geometries: Sequence[Geometry]) -> list[Table]:
    if not geometries:
        return []
    seeds = any(found.seeds_cka is not None for found in geometries)

    def line(shape: Shape, cka: float | None, own: float | None) -> tuple[Cell, ...]:
        cells: tuple[Cell, ...] = (
            shape.label,
            shape.dim,
            shape.effective,
            shape.mean_cosine,
            shape.norm_popularity,
            cka,
        )
        return (*cells, own) if seeds else cells

    rows = [line(geometries[0].shapes[0], None, None)]
    rows += [line(found.shapes[1], found.cka, found.seeds_cka) for found in geometries]
    columns = ["version", "dim", "effective", "cosine", "length, events", "CKA"]
    columns += ["seeds CKA"] * seeds
    note = (
        '"effective": how many directions carry the variance (participation ratio). "cosine": mean over '
        'pairs of items; towards 1 all vectors point one way. "length, events": Spearman of the length of a '
        f'vector with its training events. "CKA": likeness to {geometries[0].reference}, 1 the same but for '
        "rotation and scale."
    )
    formats = {"effective": ".1f", **dict.fromkeys(columns[3:], _R)}
    return [Table("Shape of the vectors", tuple(columns), tuple(rows), note, formats)]


def _lists(found: ListOverlap) -> list[Table]:
    seeds = any(pair.own_seeds for pair in found.pairs)
    same = f"same@{found.k}"
    columns = ["lists of", "RBO", "95 % interval", same, "order", *["beyond seeds"] * seeds]
    rows: list[tuple[Cell, ...]] = []
    for pair in found.pairs:
        name = f"seeds of {pair.label}" if pair.own_seeds else pair.label
        line: tuple[Cell, ...] = (name, pair.rbo, pair.rbo_interval, pair.overlap, pair.order)
        rows.append((*line, pair.beyond_interval) if seeds else line)
    cases = "" if found.cases == found.users else f", {counted(found.cases, 'case')}"
    against = next((f"Against {pair.reference}, mean" for pair in found.pairs if not pair.own_seeds), "Mean")
    note = (
        f"{against} over {counted(found.users, 'user')}{cases}. RBO: rank-biased overlap of the first "
        f"{found.depth} (p = {found.persistence:g}; 1 the same list, 0 nothing in common). {same}: share of "
        f"the first {found.k} in common. order: Kendall's tau of the items that both lists have."
    )
    if seeds:
        note += (
            ' "beyond seeds": interval of RBO less that of two seeds of one recipe; below 0 the lists differ '
            "by more than the seed."
        )
    formats = {
        "RBO": _R,
        "95 % interval": _R,
        same: _SHARE,
        "order": _R,
        **dict.fromkeys(columns[5:], "+.3f"),
    }
    return [Table("Likeness of recommendation lists", tuple(columns), tuple(rows), note, formats)]


def _changed_items(found: Geometry) -> list[Table]:
    if not found.changed:
        return []
    rows = [
        (row.item.title, row.events, row.overlap, _titles(row.before), _titles(row.after))
        for row in found.changed
    ]
    return [
        Table(
            f"Items whose neighbourhood changed most, {found.label}",
            ("item", "events", "same", f"nearest in {found.reference}", f"nearest in {found.label}"),
            tuple(rows),
            f"Lowest rank-biased overlap of the neighbours first, of equals the item with the most events. "
            f'"same": of the nearest {found.neighbours[0].k}.',
            {"same": ".0%"},
        )
    ]


def _changed_users(changed: Sequence[ChangedUser]) -> list[Table]:
    made = []
    for label in dict.fromkeys(row.label for row in changed):
        rows = [row for row in changed if row.label == label]
        reference = rows[0].reference
        made.append(
            Table(
                f"Users whose list changed most, {label}",
                ("user", "history", "RBO", f"first in {reference}", f"first in {label}"),
                tuple((r.user_id, r.events, r.rbo, _titles(r.before), _titles(r.after)) for r in rows),
                "Lowest rank-biased overlap first, of equals the longest history.",
                {"RBO": _R},
            )
        )
    return made


def _drift(found: Drift) -> list[Table]:
    moved = f"{found.points:g}+"
    columns = ("attribute", "before", "after", "shift", "apart", "r", "ICC", moved, "distance")
    rows: list[tuple[Cell, ...]] = [
        (
            row.attribute,
            row.before,
            row.after,
            row.shift,
            row.difference,
            row.pearson,
            row.icc,
            row.moved,
            row.distance,
        )
        for row in found.attributes
    ]
    rows.append(("mean", None, None, None, found.difference, found.pearson, None, found.moved, None))
    note = (
        f"From {found.before} to {found.after}, {counted(found.items, 'item')}, on the scale of the scores. "
        '"apart": mean absolute difference; "r": Pearson; "ICC": agreement in absolute terms; '
        f'"{moved}": share of items that moved by {found.points:g} points or more; "distance": Wasserstein, '
        "between the two distributions."
    )
    note = " ".join([note, *map(sentence, found.notes)])
    formats = {
        **dict.fromkeys(("before", "after", "apart", "distance"), _POINTS),
        "shift": "+.2f",
        "r": _POINTS,
        "ICC": _POINTS,
        moved: ".0%",
    }
    made = [Table(f"Drift of attribute scores, {found.after}", columns, tuple(rows), note, formats)]
    if found.changed:
        lines = [(r.item.title, r.difference, r.attribute, r.before, r.after) for r in found.changed]
        names = ("item", "apart", "most in", "before", "after")
        made.append(
            Table(
                f"Items whose scores moved most, {found.after}",
                names,
                tuple(lines),
                '"apart": mean absolute difference over all attributes.',
                {"apart": _POINTS, "before": ".1f", "after": ".1f"},
            )
        )
    return made


def _titles(items: Iterable[NamedItem]) -> str:
    return "; ".join(item.title for item in items)
