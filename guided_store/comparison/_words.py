"""Metrics and questions by the names that people know."""

from __future__ import annotations

from collections.abc import Sequence

MODELS = (
    "trained models are compared: the intervals and tests say what other users might change; "
    "another seed of the same recipe may differ as much"
)
RECIPES = (
    "recipes are compared, each by several seeds: the intervals and tests say what other users and other "
    "seeds might change"
)

_NAMES = {"mrr": "MRR", "ndcg": "NDCG", "recall": "Recall"}


def metric_name(metric: str) -> str:
    """`ndcg@10` as "NDCG@10"."""
    name, at, cut = metric.partition("@")
    return f"{_NAMES.get(name, name)}{at}{cut}"


def main_metric(metrics: Sequence[str]) -> str:
    """What strata, wins and movers are told in: ndcg@10, else the last NDCG, else the first."""
    if "ndcg@10" in metrics:
        return "ndcg@10"
    return next((name for name in reversed(metrics) if name.startswith("ndcg@")), metrics[0])
