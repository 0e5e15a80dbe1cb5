"""The fairness section of `compare` on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli._output import show
from cli._tables import show_tables

if TYPE_CHECKING:
    from guided_store.fairness import Counterfactual, Fairness


def show_fairness(section: Fairness) -> None:
    """What stands out in sentences, then the tables, long ones cut to what changes most."""
    from guided_store.fairness import findings, tables

    show("", *(f"- {sentence}" for sentence in findings(section)))
    show_tables(tables(section, brief=True))
    if len(set(section.seeds)) > 1 or section.seeds[0] > 1:
        runs = ", ".join(f"{v} {n}" for v, n in zip(section.versions, section.seeds, strict=True))
        show("", f"seeds averaged: {runs}; the intervals are over users, for the seeds at hand")


def show_counterfactual(section: Counterfactual) -> None:
    """What taking out each attribute does, the one that changes lists most first."""
    from guided_store.fairness import counterfactual_tables

    show_tables(counterfactual_tables(section)[:1])
