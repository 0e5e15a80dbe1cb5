"""Metrics of next-item prediction, from the rank of the one target per case.

Every function takes `ranks`: float64 (C,), 1-based, `inf` where the target was not ranked at all (outside the
catalogue, beyond the end of a list, masked). With one relevant item per case Recall@K is the hit rate, and
the ideal DCG is 1, so that NDCG@K is the DCG itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from guided_store.errors import UsageError

KS = (5, 10, 20)
"""Cut-offs reported by default."""

MRR_CUT = 10
"""The cut-off of the truncated MRR that stands beside the full-list one."""


_NAMES = {"mrr": "MRR", "ndcg": "NDCG", "recall": "Recall"}


def metric_name(metric: str) -> str:
    """`ndcg@10` as people know it: "NDCG@10"; what is no metric of ranks stays as it is."""
    name, at, cut = metric.partition("@")
    return f"{_NAMES.get(name, name)}{at}{cut}"


def check_ranks(ranks: ArrayLike) -> NDArray[np.float64]:
    """Return `ranks` as float64 (C,); raises UsageError unless each is 1 or more (`inf` included)."""
    checked = np.asarray(ranks, np.float64)
    if checked.ndim != 1:
        raise UsageError(f"ranks must be one number per case, not an array of shape {checked.shape}")
    if not (checked >= 1).all():
        case = int(np.argmin(checked >= 1))
        raise UsageError(f"the rank of case {case} is {checked[case]:g}: ranks count from 1, inf is unranked")
    return checked


def _check_cut(k: int) -> int:
    if k < 1:
        raise UsageError(f"a metric's cut-off K must be 1 or more, not {k}")
    return k


def mrr(ranks: ArrayLike) -> NDArray[np.float64]:
    """Reciprocal rank of each case over the full list, float64 (C,): `1 / rank`, 0 where unranked.

    Source: Voorhees, "The TREC-8 Question Answering Track Report" (1999). The mean over cases is the MRR.
    """
    return 1.0 / check_ranks(ranks)


def mrr_at(ranks: ArrayLike, k: int) -> NDArray[np.float64]:
    """Reciprocal rank of each case, float64 (C,), 0 where the rank is beyond `k`."""
    checked = check_ranks(ranks)
    return np.where(checked <= _check_cut(k), 1.0 / checked, 0.0)


def recall_at(ranks: ArrayLike, k: int) -> NDArray[np.float64]:
    """Recall@k of each case, float64 (C,): 1 where the target is among the first `k`, else 0.

    `|relevant in the first k| / |relevant|`; with one relevant item the same as the hit rate HR@k.
    """
    return (check_ranks(ranks) <= _check_cut(k)).astype(np.float64)


def ndcg_at(ranks: ArrayLike, k: int) -> NDArray[np.float64]:
    """NDCG@k of each case, float64 (C,): `1 / log2(1 + rank)` where the rank is within `k`, else 0.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20 (2002),
    with the discount `log2(1 + rank)`; the ideal DCG of a single relevant item is 1.
    """
    checked = check_ranks(ranks)
    return np.where(checked <= _check_cut(k), 1.0 / np.log2(1.0 + checked), 0.0)


def per_case(ranks: ArrayLike, ks: Sequence[int] = KS) -> dict[str, NDArray[np.float64]]:
    """Every metric of every case: name -> float64 (C,).

    Names in order: `mrr` (full list), `mrr@10`, then `recall@K` and `ndcg@K` for each K of `ks`.
    """
    checked = check_ranks(ranks)
    if not ks:
        raise UsageError("at least one cut-off K is needed, for example 10")
    values = {"mrr": mrr(checked), f"mrr@{MRR_CUT}": mrr_at(checked, MRR_CUT)}
    values |= {f"recall@{k}": recall_at(checked, k) for k in ks}
    values |= {f"ndcg@{k}": ndcg_at(checked, k) for k in ks}
    return values


def summarise(ranks: ArrayLike, ks: Sequence[int] = KS) -> dict[str, float]:
    """Mean of every metric over the cases, keyed as in `per_case`; UsageError where there is no case."""
    checked = check_ranks(ranks)
    if not len(checked):
        raise UsageError("there is no case to average: the split has no target in this part")
    return {name: float(values.mean()) for name, values in per_case(checked, ks).items()}
