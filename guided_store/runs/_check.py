"""Whether asking about several items at once changes the answers: measured with the user's own model."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import UsageError
from guided_store.ledger import RunRecord, default_name, iter_shown, read_answers
from guided_store.progress import SILENT, Progress
from guided_store.runs._options import ScoringOptions
from guided_store.runs._plan import draft_record
from guided_store.runs._report import RunReport, ScoringError
from guided_store.runs._run import run_scoring
from guided_store.store import Store

_RESAMPLES = 2000
_SHOWN = 5


@dataclass(frozen=True)
class AttributeShift:
    """How one attribute fares, in points of the scale, over the items with all three answers.

    Attributes:
        name: the attribute.
        alone: mean absolute difference between an item's two answers when asked about alone.
        batch: mean absolute difference between its answers alone and the one in a batch.
        shift: mean of batch minus alone, with its sign.
        items: how many were compared.
    """

    name: str
    alone: float
    batch: float
    shift: float
    items: int


@dataclass(frozen=True)
class BatchingCheck:
    """The outcome of `check_batching`.

    Attributes:
        model, items_per_request: who was asked, and how large the batches were.
        items: items with all three answers.
        attributes: one entry for each, in the schema's order.
        alone, batch: means over attributes and items, as in `AttributeShift`.
        excess: batch minus alone: how much more batches differ from single answers than these among
            themselves.
        interval: of the excess, 95 %, by resampling items.
        runs: what the two runs did: items alone, then in batches.
        spent: US dollars of both in this call; None without prices.
    """

    model: str
    items_per_request: int
    items: int
    attributes: tuple[AttributeShift, ...]
    alone: float
    batch: float
    excess: float
    interval: tuple[float, float]
    runs: tuple[RunReport, RunReport]
    spent: float | None

    @property
    def differs(self) -> bool:
        """Whether batches differ by more than single answers do, beyond chance."""
        return self.interval[0] > 0

    def lines(self) -> list[str]:
        """The outcome as plain lines."""
        low, high = self.interval
        lines = [
            f"{self.items:,} items put to {self.model} alone, alone again, and by {self.items_per_request}",
            f"single answers differ from each other by {self.alone:.2f} points on average, from those in "
            f"batches by {self.batch:.2f}: {self.excess:+.2f} (95 % interval {low:+.2f} to {high:+.2f})",
            "asking in batches changes the answers beyond their own spread"
            if self.differs
            else "no change by batches beyond the answers' own spread was found",
        ]
        worst = sorted(self.attributes, key=lambda entry: entry.alone - entry.batch)[:_SHOWN]
        lines += [
            f"  {entry.name}: {entry.alone:.2f} alone, {entry.batch:.2f} in batches, shift {entry.shift:+.2f}"
            for entry in worst
        ]
        names = " and ".join(report.run for report in self.runs)
        lines.append(
            f"answers kept in runs {names}" + ("" if self.spent is None else f"; spent ${self.spent:,.4f}")
        )
        return lines

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "model": self.model,
            "items_per_request": self.items_per_request,
            "items": self.items,
            "attributes": [
                {
                    "name": entry.name,
                    "alone": entry.alone,
                    "batch": entry.batch,
                    "shift": entry.shift,
                    "items": entry.items,
                }
                for entry in self.attributes
            ],
            "alone": self.alone,
            "batch": self.batch,
            "excess": self.excess,
            "interval": list(self.interval),
            "differs": self.differs,
            "runs": [report.to_dict() for report in self.runs],
            "spent": self.spent,
        }


def check_batching(
    store: Store,
    schema: AttributeSchema,
    options: ScoringOptions,
    *,
    sample: int = 20,
    progress: Progress = SILENT,
    wait: float = 0.0,
) -> BatchingCheck:
    """Ask about the same items alone, alone again, and in batches of `options.items_per_request`.

    The items are chosen by a hash of their ids: the same each time, whatever their order. The answers
    are kept under runs of purpose "check", so that asking again costs nothing; no guided version uses them
    unless it names the run.

    Args:
        store, schema, options, wait: as for `score_items`; `repeats`, `limit`, `run` and `again` do not
            matter, and `max_cost` holds for both runs together.
        sample: items to ask about, at most.
        progress: shows both runs.

    Raises:
        UsageError: batches of one, fewer than two items with a text, or no item got all three answers.
        ScoringError: as `score_items`, and where it was stopped before the end.
    """
    size = options.items_per_request
    if size < 2:
        raise UsageError("batches of one item are no batches; give --items-per-request 2 or more")
    if sample < 2:
        raise UsageError(f"a sample of {sample} items says nothing; take at least 2")
    draft = draft_record(store, schema, options, "check")
    chosen = _choose(store, draft, sample)
    if len(chosen) < 2:
        raise UsageError("fewer than two items have a text to send; there is nothing to compare")
    name = default_name(draft)
    plain = replace(options, run=None, again=False, limit=None)
    single = replace(plain, items_per_request=1, repeats=2)
    first = run_scoring(
        store, replace(draft, run=f"{name}-alone"), single, only=chosen, progress=progress, wait=wait
    )
    together = replace(plain, repeats=1)
    if options.max_cost is not None:
        together = replace(together, max_cost=max(0.0, options.max_cost - (first.run_spent or 0.0)))
    _need_whole(first)
    second = run_scoring(
        store, replace(draft, run=f"{name}-by{size}"), together, only=chosen, progress=progress, wait=wait
    )
    _need_whole(second)
    ids = sorted(chosen)
    alone = _values(store, first.run, schema, ids, 2)
    batch = _values(store, second.run, schema, ids, 1)[0]
    return _compare(options, schema, alone, batch, (first, second))


def _need_whole(report: RunReport) -> None:
    if report.stopped is not None:
        raise ScoringError(
            f"the check was stopped ({report.stopped}) before its end; the same command goes on with it",
            report,
        )


def _choose(store: Store, record: RunRecord, sample: int) -> frozenset[str]:
    """The ids of the items with a text whose hashes are the smallest."""
    texts = iter_shown(store, record)
    listed = (text.item_id for text in texts if text.data)
    keyed = ((hashlib.sha256(f"check\0{item}".encode()).digest(), item) for item in listed)
    return frozenset(item for _, item in heapq.nsmallest(sample, keyed))


def _values(
    store: Store, run: str, schema: AttributeSchema, ids: Sequence[str], samples: int
) -> NDArray[np.float64]:
    """The answers in force of each item in each sample, float64 (samples, n, A), NaN where there is none."""
    found = np.full((samples, len(ids), len(schema)), np.nan)
    answers = read_answers(store, run, schema, ids)
    for sample, values in zip(answers.samples, answers.values, strict=True):
        if sample < samples:
            found[sample] = values
    return found


def _compare(
    options: ScoringOptions,
    schema: AttributeSchema,
    alone: NDArray[np.float64],
    batch: NDArray[np.float64],
    runs: tuple[RunReport, RunReport],
) -> BatchingCheck:
    known = ~np.isnan(alone).any(axis=0) & ~np.isnan(batch)  # (n, A)
    items = int(known.any(axis=1).sum())
    if not items:
        raise UsageError("no item got all three answers; `score status` says why")
    between = np.where(known, np.abs(alone[0] - alone[1]), np.nan)
    across = np.where(known, np.abs(alone - batch).mean(axis=0), np.nan)
    shift = np.where(known, batch - alone.mean(axis=0), np.nan)
    excess = across - between
    counts = known.sum(axis=0)
    attributes = tuple(
        AttributeShift(
            attribute,
            _mean(between[:, column]),
            _mean(across[:, column]),
            _mean(shift[:, column]),
            int(counts[column]),
        )
        for column, attribute in enumerate(schema.names)
    )
    # Items are independent, the attributes of one answer are not: items are resampled whole.
    sums, numbers = np.where(known, excess, 0).sum(axis=1), known.sum(axis=1)
    drawn = np.random.default_rng(0).integers(0, len(sums), (_RESAMPLES, len(sums)))
    totals = numbers[drawn].sum(axis=1)
    means = sums[drawn].sum(axis=1)[totals > 0] / totals[totals > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    spent = [report.spent for report in runs if report.spent is not None]
    return BatchingCheck(
        model=options.model,
        items_per_request=options.items_per_request,
        items=items,
        attributes=attributes,
        alone=_mean(between),
        batch=_mean(across),
        excess=_mean(excess),
        interval=(float(low), float(high)),
        runs=runs,
        spent=sum(spent) if spent else None,
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
