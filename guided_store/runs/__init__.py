"""Runs of scoring with a language model: plan, limits, budget, the loop that asks, and how far it is."""

from guided_store.runs._budget import budget_of
from guided_store.runs._check import AttributeShift, BatchingCheck, check_batching
from guided_store.runs._compose import LARGEST_ROOM, Composer
from guided_store.runs._estimate import Estimate, estimate_run
from guided_store.runs._options import ScoringOptions
from guided_store.runs._plan import plan_run
from guided_store.runs._recall import make_options
from guided_store.runs._report import RunReport, ScoringError
from guided_store.runs._run import score_items
from guided_store.runs._select import select
from guided_store.runs._status import RunStatus, run_status
from guided_store.runs._suspicious import Suspicion, find_suspicious
from guided_store.runs._work import Unit

__all__ = [
    "LARGEST_ROOM",
    "AttributeShift",
    "BatchingCheck",
    "Composer",
    "Estimate",
    "RunReport",
    "RunStatus",
    "ScoringError",
    "ScoringOptions",
    "Suspicion",
    "Unit",
    "budget_of",
    "check_batching",
    "estimate_run",
    "find_suspicious",
    "make_options",
    "plan_run",
    "run_status",
    "score_items",
    "select",
]
