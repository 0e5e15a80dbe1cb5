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


def main_metric(metrics: Sequence[str]) -> str:
    """What strata, wins and movers are told in: ndcg@10, else the last NDCG, else the first."""
    if "ndcg@10" in metrics:
        return "ndcg@10"
    return next((name for name in reversed(metrics) if name.startswith("ndcg@")), metrics[0])
