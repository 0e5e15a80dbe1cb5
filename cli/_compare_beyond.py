"""Versions beyond accuracy, on the terminal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cli._tables import show_tables

if TYPE_CHECKING:
    from guided_store.beyond import BeyondAccuracy
    from guided_store.evaluation import Table

ATTRIBUTES = 8
"""Attributes shown of each version, those it moved most."""


def show_beyond(section: BeyondAccuracy) -> None:
    """Each version against the reference, the attributes it moved most, and how to read the measures.

    Each version's own intervals and the other attributes are in the other formats.
    """
    from guided_store.beyond import tables

    shown = [table for table in tables(section) if table.columns[0] != "version"]
    show_tables(_strongest(table) for table in shown)


def _strongest(table: Table) -> Table:
    if table.columns[0] != "attribute" or len(table.rows) <= ATTRIBUTES:
        return table
    note = f"{table.note} The {ATTRIBUTES} of {len(table.rows)} that moved most; --json and --csv have all."
    return replace(table, rows=table.rows[:ATTRIBUTES], note=note)
