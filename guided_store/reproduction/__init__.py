"""The headline experiments: which runs there are, making them, and what they found."""

from guided_store.reproduction._board import Board, Unit
from guided_store.reproduction._cold_tables import cold_targets, write_cold
from guided_store.reproduction._coldstart import COLD_PLANS, ColdPlan, gather_cold, run_cold
from guided_store.reproduction._datasets import Prepared, prepare
from guided_store.reproduction._estimate import estimate
from guided_store.reproduction._gather import gather
from guided_store.reproduction._headline import PLAN
from guided_store.reproduction._overview import State, describe_next, open_board, overview
from guided_store.reproduction._plan import (
    SYSTEMS,
    Block,
    Cell,
    DatasetPlan,
    Plan,
    Recipe,
    Schedule,
    System,
)
from guided_store.reproduction._report import Headline, make_headline, write_headline
from guided_store.reproduction._results import CellResult, DatasetFacts, Results
from guided_store.reproduction._run import Summary, run_plan
from guided_store.reproduction._table import Table
from guided_store.reproduction._targets import Measured, Target, judge

__all__ = [
    "COLD_PLANS",
    "PLAN",
    "SYSTEMS",
    "Block",
    "Board",
    "Cell",
    "CellResult",
    "ColdPlan",
    "DatasetFacts",
    "DatasetPlan",
    "Headline",
    "Measured",
    "Plan",
    "Prepared",
    "Recipe",
    "Results",
    "Schedule",
    "State",
    "Summary",
    "System",
    "Table",
    "Target",
    "Unit",
    "cold_targets",
    "describe_next",
    "estimate",
    "gather",
    "gather_cold",
    "judge",
    "make_headline",
    "open_board",
    "overview",
    "prepare",
    "run_cold",
    "run_plan",
    "write_cold",
    "write_headline",
]
