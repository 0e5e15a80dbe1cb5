"""How much is added to the bias of cold items, so that they are recommended among all.

A cold item's score lacks what events would have taught, and stands below that of warm items. One number on
the bias of all cold rows raises it. Recall of cold targets rises with it and NDCG of warm targets falls, both
step by step; so the best offset is the largest that the warm side can bear, and it is found exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.coldstart._cases import Cases
from guided_store.coldstart._ranking import score_batches
from guided_store.errors import UsageError
from guided_store.evaluation import Scorer
from guided_store.progress import SILENT, Progress

WARM_LOSS = 0.02
"""Share of the warm NDCG@10 that recommending cold items may cost."""

RECALL_AT = 20
NDCG_AT = 10

_UNBOUNDED = 1e-3
"""Room above the last step where nothing bounds the offset."""


@dataclass(frozen=True)
class Calibration:
    """An offset and what it does on the cases it was chosen on.

    Attributes:
        offset: added to the bias of every cold row.
        warm_loss: share of the warm NDCG@10 that it may cost.
        cold_recall: Recall@20 of cold targets among all items, before and after.
        warm_ndcg: NDCG@10 of warm targets: without cold items, with them before, and after.
        cold_cases, warm_cases: how many were looked at.
    """

    offset: float
    warm_loss: float
    cold_recall: tuple[float, float]
    warm_ndcg: tuple[float, float, float]
    cold_cases: int
    warm_cases: int

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable."""
        return {
            "offset": self.offset,
            "warm_loss_allowed": self.warm_loss,
            "cold_recall@20": dict(zip(("before", "after"), self.cold_recall, strict=True)),
            "warm_ndcg@10": dict(zip(("without_cold", "before", "after"), self.warm_ndcg, strict=True)),
            "cold_cases": self.cold_cases,
            "warm_cases": self.warm_cases,
        }


def calibrate_cold(
    scorer: Scorer,
    cold_cases: Cases,
    warm_cases: Cases,
    trained: NDArray[np.bool_],
    catalogue: NDArray[np.bool_],
    *,
    warm_loss: float = WARM_LOSS,
    progress: Progress = SILENT,
) -> Calibration:
    """The offset of the largest Recall@20 on cold targets that costs the warm ones at most `warm_loss`.

    Recall@20 is that of cold targets among the whole catalogue; the cost is the share of the NDCG@10 of warm
    targets that is lost against a catalogue without cold items. Of all offsets of equal recall it takes the
    middle between the least and the largest that the warm side bears.

    Args:
        scorer: of all items, cold ones with the bias to be raised.
        cold_cases, warm_cases: for choosing, never the ones that are reported.
        trained: bool (V,), items with training events; catalogue: bool (V,), items that can be recommended.
            What is in the catalogue and not trained is cold, and is raised.
        warm_loss: in [0, 1).

    Raises:
        UsageError: a share outside [0, 1), no cold item, or a warm side that ranks nothing.
    """
    if not 0 <= warm_loss < 1:
        raise UsageError(f"the warm loss is a share from 0 to below 1, not {warm_loss:g}")
    warm_items, cold_items = np.flatnonzero(catalogue & trained), np.flatnonzero(catalogue & ~trained)
    if not len(cold_items):
        raise UsageError("there is no cold item to calibrate: every item here has training events")
    needed = _needed(scorer, cold_cases, warm_items, cold_items, progress)
    ranks, intruders = _intruders(scorer, warm_cases, warm_items, cold_items, progress)

    def recall(offset: float) -> float:
        return float((needed <= offset).mean())

    def ndcg(offset: float) -> float:
        after = ranks + (intruders < offset).sum(axis=1)
        return float(np.where(after <= NDCG_AT, 1 / np.log2(1 + after), 0.0).mean())

    without = ndcg(-np.inf)
    if not without:
        raise UsageError(f"{scorer.name} ranks no warm target among the first {NDCG_AT}: nothing to keep")
    least = (1 - warm_loss) * without
    steps = np.unique(intruders[np.isfinite(intruders)])
    low, high = 0, len(steps)  # the first step at which crossing it costs too much
    while low < high:
        middle = (low + high) // 2
        if ndcg(np.nextafter(steps[middle], np.inf)) < least:
            high = middle
        else:
            low = middle + 1
    reached = needed[np.isfinite(needed)]
    if low < len(steps):
        largest = float(steps[low])
    else:  # no offset costs too much: all that recall can gain
        largest = float(max(reached.max(initial=0.0), steps.max(initial=0.0))) + _UNBOUNDED
    gained = reached[reached <= largest]
    offset = (float(gained.max()) + largest) / 2 if len(gained) else largest
    return Calibration(
        offset=offset,
        warm_loss=warm_loss,
        cold_recall=(recall(0.0), recall(offset)),
        warm_ndcg=(without, ndcg(0.0), ndcg(offset)),
        cold_cases=len(cold_cases),
        warm_cases=len(warm_cases),
    )


def _needed(
    scorer: Scorer,
    cases: Cases,
    warm_items: NDArray[np.int64],
    cold_items: NDArray[np.int64],
    progress: Progress,
) -> NDArray[np.float64]:
    """The offset from which each cold target is among the first 20 of all, float64 (C,); inf for never."""
    needed = np.full(len(cases), np.inf)
    for rows, scores, own in score_batches(scorer, cases, progress):
        ahead = (scores[:, cold_items] > own).sum(axis=1)  # an offset moves all cold items alike
        warm = scores[:, warm_items]
        width = min(RECALL_AT, warm.shape[1])
        best = -np.sort(-np.partition(warm, -width, axis=1)[:, -width:], axis=1)
        # With `ahead` cold items above it, at most 19 - ahead warm items may stay above the target.
        room = RECALL_AT - 1 - ahead
        possible = (room >= 0) & ~np.isneginf(own[:, 0])
        rival = np.take_along_axis(best, np.clip(room, 0, width - 1)[:, None], axis=1)
        found = (rival.astype(np.float64) - own)[:, 0]
        found[room >= width] = -np.inf
        needed[rows] = np.where(possible, found, np.inf)
    return needed


def _intruders(
    scorer: Scorer,
    cases: Cases,
    warm_items: NDArray[np.int64],
    cold_items: NDArray[np.int64],
    progress: Progress,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rank of each warm target among warm items, and the offsets above which a cold item passes it.

    Only targets among the first 10 can lose, and only by their first 10 intruders: ranks float64 (C,),
    offsets float64 (C, 10), inf where there is none.
    """
    ranks = np.full(len(cases), np.inf)
    width = min(NDCG_AT, len(cold_items))
    offsets = np.full((len(cases), width), np.inf)
    targets = cases.targets
    for rows, scores, own in score_batches(scorer, cases, progress):
        warm = scores[:, warm_items]
        place = 1.0 + (warm > own).sum(axis=1)
        place += ((warm == own) & (warm_items < targets[rows, None])).sum(axis=1)
        place[np.isneginf(own[:, 0])] = np.inf
        ranks[rows] = place
        cold = scores[:, cold_items]
        best = np.partition(cold, -width, axis=1)[:, -width:]
        with np.errstate(invalid="ignore"):
            apart = own.astype(np.float64) - best
        offsets[rows] = np.where((place <= NDCG_AT)[:, None], apart, np.inf)
    return ranks, offsets
