"""Versions held against each other: what got better, for whom, and how sure that is."""

from guided_store.comparison._accuracy import SURE, Accuracy, Level, compare_accuracy
from guided_store.comparison._candidates import Candidate, Question, parse_candidates, question_of
from guided_store.comparison._compare import SECTIONS, compare_versions, split_facts
from guided_store.comparison._comparison import Compared, Comparison
from guided_store.comparison._document import (
    heading,
    notes,
    section_tables,
    to_csv,
    to_markdown,
    versions_table,
)
from guided_store.comparison._judged import Judged, judge_versions
from guided_store.comparison._machine import machine
from guided_store.comparison._movers import ItemMove, Outcome, UserMove
from guided_store.comparison._recipes import first_difference, settings_of
from guided_store.comparison._strata import StratumChange
from guided_store.comparison._tables import tables
from guided_store.comparison._verdict import question, verdicts
from guided_store.comparison._words import main_metric

__all__ = [
    "SECTIONS",
    "SURE",
    "Accuracy",
    "Candidate",
    "Compared",
    "Comparison",
    "ItemMove",
    "Judged",
    "Level",
    "Outcome",
    "Question",
    "StratumChange",
    "UserMove",
    "compare_accuracy",
    "compare_versions",
    "first_difference",
    "heading",
    "judge_versions",
    "machine",
    "main_metric",
    "notes",
    "parse_candidates",
    "question",
    "question_of",
    "section_tables",
    "settings_of",
    "split_facts",
    "tables",
    "to_csv",
    "to_markdown",
    "verdicts",
    "versions_table",
]
