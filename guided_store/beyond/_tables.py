"""The section as tables, for a terminal, a file and a page alike."""

from __future__ import annotations

from collections.abc import Sequence

from guided_store.beyond._sections import BeyondAccuracy, Measured
from guided_store.evaluation import Cell, Table
from guided_store.wording import counted

_TAKEN = {"measure", "attribute", "difference", "reads"}


def tables(section: BeyondAccuracy) -> list[Table]:
    """Each label against the reference and its attributes; every version's own figures; how to read them."""
    found: list[Table] = []
    for label in section.labels[1:]:
        found.append(_against(section, label))
        if section.profile:
            found.append(_profile(section, label))
    return [*found, _levels(section), _reading(section)]


def _against(section: BeyondAccuracy, label: str) -> Table:
    if max(section.seeds.values()) > 1:
        over = "over users and seeds"
    else:
        over = "over users; another seed of the same recipe may differ as much"
    notes = [
        f"Intervals of one measure at a time, {over}.",
        "'not sure': the interval holds 0; 'higher' and 'lower': neither is good in itself.",
        *(f"{note[0].upper()}{note[1:]}." for note in section.notes),
    ]
    title = f"Beyond accuracy, lists of {section.k}: {label} against {section.labels[0]}"
    return _pair(section, label, title, "measure", list(section.measures.values()), " ".join(notes))


def _profile(section: BeyondAccuracy, label: str) -> Table:
    """What the label moved most comes first."""
    rows = sorted(section.profile.values(), key=lambda one: -abs(one.differences[label].value))
    note = (
        "Mean score of a list less that of the user's history, in deviations over the catalogue "
        f"({section.attributes}). Above 0: more of it than users chose so far; 'closer' and 'further' are "
        "meant from 0."
    )
    title = f"Attributes of lists less histories: {label} against {section.labels[0]}"
    return _pair(section, label, title, "attribute", rows, note)


def _pair(
    section: BeyondAccuracy, label: str, title: str, what: str, measured: Sequence[Measured], note: str
) -> Table:
    reference = section.labels[0]
    level = _level(section)
    rows: list[tuple[Cell, ...]] = []
    for one in measured:
        change = one.differences[label]
        levels = (one.values[reference].value, one.values[label].value)
        rows.append((one.measure.title, *levels, change.value, change.interval, one.verdict(label)))
    # An alias may be called what a column is.
    versions = (f"version {name}" if name in {*_TAKEN, level} else name for name in (reference, label))
    columns = (what, *versions, "difference", level, "reads")
    return Table(title, columns, tuple(rows), note, {"difference": "+.4f", level: "+.4f"})


def _levels(section: BeyondAccuracy) -> Table:
    several = max(section.seeds.values()) > 1
    rows: list[tuple[Cell, ...]] = []
    for label in section.labels:
        for one in section.measures.values():
            found = one.values[label]
            row: tuple[Cell, ...] = (label, one.measure.title, found.value, found.interval)
            rows.append((*row, len(found.seeds), (min(found.seeds), max(found.seeds))) if several else row)
    columns = ("version", "measure", "value", _level(section))
    counts = (
        f"{counted(section.cases, 'case')} of {counted(section.users, 'user')}, "
        f"{counted(section.catalogue, 'item')}."
    )
    fewer = [
        f"{one.measure.title}: {one.cases:,}"
        for one in section.measures.values()
        if one.cases < section.cases
    ]
    if fewer:
        counts += f" Cases where a measure is not defined are left out of it ({', '.join(fewer)})."
    return Table(
        "Beyond accuracy: levels",
        (*columns, "seeds", "lowest and highest seed") if several else columns,
        tuple(rows),
        f"{counts} Coverage, Gini and personalisation with intervals by the jackknife over users, the others "
        "by the bootstrap.",
    )


def _reading(section: BeyondAccuracy) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.measure.title, one.measure.good, one.measure.reads) for one in section.measures.values()
    ]
    note = f"Categories are of the items' column {section.categories}." if section.categories else ""
    return Table("Beyond accuracy: how to read it", ("measure", "good", "what it is"), tuple(rows), note)


def _level(section: BeyondAccuracy) -> str:
    return f"{section.level * 100:g} % interval"
