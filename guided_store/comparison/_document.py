"""A whole comparison as a Markdown document, and as one CSV file."""

from __future__ import annotations

from guided_store import beyond, fairness, geometry, interpretation
from guided_store.comparison._comparison import Comparison
from guided_store.comparison._tables import tables
from guided_store.comparison._verdict import question, verdicts
from guided_store.evaluation import Table, tables_to_csv
from guided_store.wording import sentence


def section_tables(comparison: Comparison) -> dict[str, list[Table]]:
    """The tables of every section that was made, by its heading, in reading order."""
    found = {"Accuracy": tables(comparison.accuracy)}
    if comparison.beyond is not None:
        found["Beyond accuracy"] = beyond.tables(comparison.beyond)
    if comparison.fairness is not None:
        found["Fairness"] = fairness.tables(comparison.fairness)
        for one in comparison.counterfactuals.values():
            found["Fairness"] += fairness.counterfactual_tables(one)
    if comparison.geometry is not None:
        found["Geometry"] = geometry.tables(comparison.geometry)
    if comparison.interpretation is not None:
        found["Interpretation"] = interpretation.tables(comparison.interpretation)
    return found | {"Versions": [versions_table(comparison)]}


def versions_table(comparison: Comparison) -> Table:
    """What was compared: label, version, seed, dimensions, parents, date and digests."""
    rows = [
        (
            one.label,
            str(one.info.ref),
            None if one.seed is None else str(one.seed),
            one.info.dim,
            ", ".join(one.info.parents),
            f"{one.info.created:%Y-%m-%d %H:%M}",
            one.info.digest[:12],
        )
        for one in comparison.versions
    ]
    columns = ("candidate", "version", "seed", "dim", "made from", "created (UTC)", "digest")
    return Table("Compared versions", columns, tuple(rows))


def heading(comparison: Comparison) -> str:
    """One line: split, part, cases, repeats, digest."""
    split = comparison.split
    repeats = "excluded" if split["repeats"] == "exclude" else "allowed"
    return (
        f"{split['kind']} {split['part']}, {split['cases']:,} cases of {split['users']:,} users, "
        f"full ranking, repeats {repeats}, split {str(split['digest'])[:12]}"
    )


def to_markdown(comparison: Comparison) -> str:
    """Verdicts first, then the tables of all sections; ends with a newline."""
    lines = [f"# {' against '.join(reversed(comparison.accuracy.labels[:2]))}", ""]
    if len(comparison.accuracy.labels) > 2:
        lines[0] = f"# Comparison of {', '.join(comparison.accuracy.labels)}"
    lines += [*(f"- {sentence}." for sentence in verdicts(comparison.accuracy)), ""]
    lines += [f"{sentence(heading(comparison))} {sentence(question(comparison.accuracy))}", ""]
    lines += [f"- Warning: {warning}." for warning in comparison.warnings]
    lines += [f"- Note: {note}." for note in notes(comparison)]
    for title, found in section_tables(comparison).items():
        lines += ["", f"## {title}", ""]
        lines += [table.to_markdown() for table in found]
    steps = ", ".join(f"{name} {value:.1f} s" for name, value in comparison.seconds.items())
    programs = ", ".join(f"{name} {value}" for name, value in comparison.machine.items())
    when = f"{comparison.created:%Y-%m-%d %H:%M} UTC"
    lines += ["## Made by", "", f"{sentence(programs)} {sentence(steps)} {when}."]
    return "\n".join(lines) + "\n"


def to_csv(comparison: Comparison) -> str:
    """Every figure of every table, unrounded, one a line; see `tables_to_csv`."""
    return tables_to_csv(table for found in section_tables(comparison).values() for table in found)


def notes(comparison: Comparison) -> list[str]:
    """What the split says of its figures."""
    found = comparison.split["notes"]
    assert isinstance(found, list)
    return [str(note) for note in found]
