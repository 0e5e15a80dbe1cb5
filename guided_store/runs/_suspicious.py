"""Answers that have the right form and look wrong.

A text that smuggles in an instruction ("answer 10 everywhere"), or a model that gave up reading,
leaves such answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.ledger import run_batches
from guided_store.store import Store

CHANCE = 0.01
"""An answer is called all equal or all extreme where fewer than this share of evenly drawn answers are."""

SHARED_ITEMS, SHARED_PART = 10, 0.02
"""An answer is called shared where at least so many items, and such a part of all, got the very same scores.

Honest scores repeat, too: of 5,794 games known by their titles alone, six accessories have the same 28 scores
(0.1 %), of 20 of these attributes at most 94 items (1.6 %); of 3,883 films with 24 attributes no two."""

SHARED_WIDTH = 8
"""Attributes below which equal answers are no wonder."""

EXAMPLES = 5

_BATCH = 8192
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Suspicion:
    """One way in which answers of a run look wrong.

    Attributes:
        kind: "equal" (the same score on every attribute), "extreme" (every score at an end of the scale), or
            "shared" (one answer for many different items).
        items: how many items got such answers.
        of: how many items got answers at all.
        examples: ids of the first few, in the ledger's order.
        values: the shared answer, in the schema's order; None for the other kinds.
    """

    kind: Literal["equal", "extreme", "shared"]
    items: int
    of: int
    examples: tuple[str, ...]
    values: tuple[float | None, ...] | None = None

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable form."""
        return {
            "kind": self.kind,
            "items": self.items,
            "of": self.of,
            "examples": list(self.examples),
            "values": None if self.values is None else list(self.values),
        }

    def line(self) -> str:
        """One sentence for people."""
        what = {
            "equal": "with the same score on every attribute",
            "extreme": "with every score at an end of the scale",
            "shared": "with the very same answer",
        }[self.kind]
        more = ", ..." if self.items > len(self.examples) else ""
        noun = "item" if self.of == 1 else "items"
        return f"{self.items:,} of {self.of:,} {noun} {what}: {', '.join(self.examples)}{more}"


def find_suspicious(store: Store, run: str, schema: AttributeSchema) -> tuple[Suspicion, ...]:
    """Look through a run's good answers, read in batches, for those that look wrong.

    All answers count, those that a later one has replaced included. An item of several kinds is counted under
    the first of equal, extreme, shared. Whether an answer is wrong is for a person to say: the scores are
    left as they are.

    Args:
        store: with a ledger of scores, or without.
        run: whose answers.
        schema: what was scored; its scale says where the ends are.

    Returns:
        What was found: at most one of "equal" and "extreme", then the shared answers, most items first.
    """
    odd: dict[Literal["equal", "extreme"], dict[str, None]] = {"equal": {}, "extreme": {}}
    everyone: set[str] = set()
    prints = []
    for ids, values in _answers(store, run, schema):
        everyone.update(ids)
        equal, extreme = _equal(values, schema.scale), _extreme(values, schema.scale)
        for row in np.flatnonzero(equal):
            odd["equal"][ids[row]] = None
        for row in np.flatnonzero(extreme & ~equal):
            odd["extreme"][ids[row]] = None
        prints.append(_fingerprints(values[~(equal | extreme)]))
    found = [
        Suspicion(kind, len(items), len(everyone), tuple(list(items)[:EXAMPLES]))
        for kind, items in odd.items()
        if items
    ]
    least = max(SHARED_ITEMS, math.ceil(SHARED_PART * len(everyone)))
    if len(schema) >= SHARED_WIDTH and prints:
        common, counts = np.unique(np.concatenate(prints), return_counts=True)
        found += _shared(store, run, schema, common[counts >= least], least, len(everyone))
    return tuple(found)


def _answers(
    store: Store, run: str, schema: AttributeSchema
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Ids and values (m, A) of the run's good answers, some at a time; NaN where an answer has a gap."""
    where = f"schema_digest = '{schema.digest}' AND status = 'ok'"
    for batch in run_batches(store, run, ["item_id", "values"], where=where, batch_size=_BATCH):
        lengths = pc.equal(pc.list_value_length(batch.column("values")), len(schema))
        whole = pa.Table.from_batches([batch]).filter(lengths)
        flat = whole.column("values").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        values = np.asarray(flat, np.float32).reshape(-1, len(schema))
        if len(values):
            yield whole.column("item_id").to_pylist(), values


def _equal(values: NDArray[np.float32], scale: tuple[float, float]) -> NDArray[np.bool_]:
    known = ~np.isnan(values)
    low = np.min(values, axis=1, initial=np.inf, where=known)
    high = np.max(values, axis=1, initial=-np.inf, where=known)
    chance = _levels(scale) ** (1.0 - known.sum(axis=1))
    return np.asarray((low == high) & (chance < CHANCE), bool)


def _extreme(values: NDArray[np.float32], scale: tuple[float, float]) -> NDArray[np.bool_]:
    known = ~np.isnan(values)
    ends = (values == np.float32(scale[0])) | (values == np.float32(scale[1]))
    chance = (2 / _levels(scale)) ** known.sum(axis=1)
    return np.asarray((ends | ~known).all(axis=1) & (chance < CHANCE), bool)


def _levels(scale: tuple[float, float]) -> float:
    """How many whole scores a scale has, at least its two ends."""
    return max(2.0, math.floor(scale[1] - scale[0]) + 1.0)


def _fingerprints(values: NDArray[np.float32]) -> NDArray[np.uint64]:
    """One number for each answer, the same for equal answers: eight bytes instead of A scores and an id."""
    mixed = np.zeros(len(values), np.uint64)
    for column in _one_pattern(values).view(np.uint32).T:
        mixed = (mixed ^ column) * _ODD
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _one_pattern(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Equal answers with equal bits: adding 0 makes -0 and 0 one, and there is one NaN."""
    return np.where(np.isnan(values), np.float32(np.nan), values + np.float32(0))


def _shared(
    store: Store, run: str, schema: AttributeSchema, common: NDArray[np.uint64], least: int, of: int
) -> list[Suspicion]:
    """Which items share an answer: a second pass, for repeats of one item share one, too."""
    if len(common) == 0:
        return []
    holders: dict[bytes, dict[str, None]] = {}
    for ids, values in _answers(store, run, schema):
        usual = ~(_equal(values, schema.scale) | _extreme(values, schema.scale))
        plain = _one_pattern(values)
        for row in np.flatnonzero(usual & np.isin(_fingerprints(values), common)):
            holders.setdefault(plain[row].tobytes(), {})[ids[row]] = None
    found = []
    for content, items in holders.items():
        if len(items) >= least:
            scores = np.frombuffer(content, np.float32).tolist()
            shown = tuple(None if score != score else score for score in scores)
            found.append(Suspicion("shared", len(items), of, tuple(list(items)[:EXAMPLES]), shown))
    return sorted(found, key=lambda suspicion: -suspicion.items)
