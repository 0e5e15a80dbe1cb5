"""Ranking metrics, baselines, and evaluation of models and of lists from other systems."""

from guided_store.evaluation._cases import Cases
from guided_store.evaluation._ease import EASE
from guided_store.evaluation._estimates import Estimate, bootstrap_means, bootstrap_ratios
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
from guided_store.evaluation._intervals import (
    LEVEL,
    REPLICATES,
    Interval,
    bootstrap_intervals,
    resampled_sums,
    user_totals,
)
from guided_store.evaluation._item_knn import ItemKNN, NeighbourParameters
from guided_store.evaluation._judge import LIST, Judgement, judge
from guided_store.evaluation._metrics import (
    KS,
    metric_name,
    mrr,
    mrr_at,
    ndcg_at,
    per_case,
    recall_at,
    summarise,
)
from guided_store.evaluation._paired import (
    Paired,
    average_seeds,
    compare,
    compare_many,
    holm,
    randomisation_p,
    sign_test,
    wilcoxon_p,
)
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
from guided_store.evaluation._scorer import EncodedScorer, HistoryEncoder, Priors, Scorer
from guided_store.evaluation._seeds import mixed_quantile
from guided_store.evaluation._strata import (
    Stratum,
    length_strata,
    per_stratum,
    popularity_bounds,
    popularity_strata,
)
from guided_store.evaluation._tables import Cell, Table, cell_text, tables_to_csv

__all__ = [
    "BASELINES",
    "EASE",
    "KS",
    "LEVEL",
    "LIST",
    "REPLICATES",
    "Cases",
    "Cell",
    "EncodedScorer",
    "Estimate",
    "Evaluation",
    "HistoryEncoder",
    "Interval",
    "ItemKNN",
    "Judgement",
    "NeighbourParameters",
    "Paired",
    "Part",
    "Popularity",
    "Priors",
    "RecentPopularity",
    "Repeats",
    "Row",
    "Rows",
    "Scorer",
    "Stratum",
    "Table",
    "average_seeds",
    "bootstrap_intervals",
    "bootstrap_means",
    "bootstrap_ratios",
    "cell_text",
    "check_repeats",
    "compare",
    "compare_many",
    "default_baselines",
    "evaluate",
    "evaluate_recs",
    "fit_baselines",
    "holm",
    "judge",
    "length_strata",
    "make_row",
    "metric_name",
    "mixed_quantile",
    "mrr",
    "mrr_at",
    "ndcg_at",
    "per_case",
    "per_stratum",
    "popularity_bounds",
    "popularity_strata",
    "randomisation_p",
    "recall_at",
    "record",
    "recorded",
    "repeated_targets",
    "resampled_sums",
    "sign_test",
    "summarise",
    "tables_to_csv",
    "target_ranks",
    "top_k",
    "user_totals",
    "wilcoxon_p",
]
