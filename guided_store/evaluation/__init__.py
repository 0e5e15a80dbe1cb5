"""Ranking metrics, baselines, and evaluation of models and of lists from other systems."""

from guided_store.evaluation._ease import EASE
from guided_store.evaluation._evaluation import (
    BASELINES,
    Evaluation,
    Row,
    default_baselines,
    evaluate,
    fit_baselines,
    make_row,
)
from guided_store.evaluation._histories import Rows
from guided_store.evaluation._intervals import bootstrap_intervals
from guided_store.evaluation._item_knn import ItemKNN, NeighbourParameters
from guided_store.evaluation._metrics import KS, mrr, mrr_at, ndcg_at, per_case, recall_at, summarise
from guided_store.evaluation._popularity import Popularity, RecentPopularity
from guided_store.evaluation._ranking import (
    Part,
    Repeats,
    check_repeats,
    repeated_targets,
    target_ranks,
    top_k,
)
from guided_store.evaluation._record import record, recorded
from guided_store.evaluation._recs import evaluate_recs
from guided_store.evaluation._scorer import EncodedScorer, HistoryEncoder, Scorer

__all__ = [
    "BASELINES",
    "EASE",
    "KS",
    "EncodedScorer",
    "Evaluation",
    "HistoryEncoder",
    "ItemKNN",
    "NeighbourParameters",
    "Part",
    "Popularity",
    "RecentPopularity",
    "Repeats",
    "Row",
    "Rows",
    "Scorer",
    "bootstrap_intervals",
    "check_repeats",
    "default_baselines",
    "evaluate",
    "evaluate_recs",
    "fit_baselines",
    "make_row",
    "mrr",
    "mrr_at",
    "ndcg_at",
    "per_case",
    "recall_at",
    "record",
    "recorded",
    "repeated_targets",
    "summarise",
    "target_ranks",
    "top_k",
]
