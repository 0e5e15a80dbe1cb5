"""How far versions can be read as attributes, on the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cli._tables import show_tables

if TYPE_CHECKING:
    from guided_store.evaluation import Table
    from guided_store.interpretation import Interpretation, Interpretations

ATTRIBUTES = 6
"""Attributes shown of each version, those that carry most."""


def show_interpretation(section: Interpretations | Interpretation) -> None:
    """What scores are made of, and how sparse, faithful and stable their explanations are.

    The attributes that carry little are in the JSON, CSV, Markdown and HTML forms.
    """
    from guided_store.interpretation import tables

    show_tables(_short(table) for table in tables(section))


def _short(table: Table) -> Table:
    if "attribute" not in table.columns[:2] or table.columns[0] != "version":
        return table
    shown: dict[object, int] = {}
    rows = []
    for row in table.rows:
        shown[row[0]] = shown.get(row[0], 0) + 1
        if shown[row[0]] <= ATTRIBUTES:
            rows.append(row)
    if len(rows) == len(table.rows):
        return table
    more = f"The {ATTRIBUTES} of each version that carry most; all are in --json and --csv."
    return replace(table, rows=tuple(rows), note=f"{table.note} {more}")
