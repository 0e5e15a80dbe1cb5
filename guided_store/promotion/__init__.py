"""Promotion: gates that a version must pass before an alias moves to it, and the evidence that is kept."""

from guided_store.promotion._check import Verdict, check_gates
from guided_store.promotion._gates import CUT, OTHER, Gate, parse_gate
from guided_store.promotion._promote import Promotion, promote, split_of_training
from guided_store.promotion._table import tables

__all__ = [
    "CUT",
    "OTHER",
    "Gate",
    "Promotion",
    "Verdict",
    "check_gates",
    "parse_gate",
    "promote",
    "split_of_training",
    "tables",
]
