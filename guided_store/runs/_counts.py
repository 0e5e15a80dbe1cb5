"""Counting a run's rows over the catalogue, in arrays of a few octets per row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.llm import reason_kind

COLUMNS = [
    "row_id",
    "item_id",
    "sample",
    "attempt",
    "status",
    "reason",
    "text_hash",
    "tokens_in",
    "tokens_out",
    "cost",
    "created",
]
"""What is read of the ledger."""

_STATUSES = ("ok", "failed", "unknown")
_OK, _FAILED, _UNKNOWN = range(len(_STATUSES))

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """The catalogue as a run sees it.

    Attributes:
        ids, hashes: string arrays, length n, of the items and of what is shown of them.
        present: bool (n,), whether there is anything to show.
    """

    ids: pa.Array
    hashes: pa.Array
    present: Bools


class RowCounts:
    """What the rows of a run come to; filled with `add`, read with `states`.

    Attributes:
        requests: requests, whatever became of them and of the items since.
        spent: US dollars; None where no row has a price.
        tokens_in, tokens_out: in total.
        last: time of the newest row.
    """

    def __init__(self, texts: Texts) -> None:
        self.requests = 0
        self.spent: float | None = None
        self.tokens_in = 0
        self.tokens_out = 0
        self.last: datetime | None = None
        self._texts = texts
        self._reasons: dict[str, int] = {}
        self._parts: list[tuple[NDArray[np.int32], ...]] = []

    def add(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Count rows with `COLUMNS`."""
        if rows.num_rows == 0:
            return
        self.requests += int(pc.sum(pc.ends_with(rows.column("row_id"), "-0")).as_py())
        cost = pc.sum(rows.column("cost")).as_py()
        if cost is not None:
            self.spent = (self.spent or 0.0) + cost
        self.tokens_in += pc.sum(rows.column("tokens_in")).as_py() or 0
        self.tokens_out += pc.sum(rows.column("tokens_out")).as_py() or 0
        newest = pc.max(rows.column("created")).as_py()
        self.last = newest if self.last is None else max(self.last, newest)
        self._keep(rows)

    def states(
        self, repeats: int, attempts: int, in_batches: Collection[tuple[str, str, int]]
    ) -> tuple[int, dict[str, int], dict[str, int]]:
        """Samples, answers by state, and the reasons of the failed ones by kind, most frequent first.

        Args:
            repeats: samples asked for; more if there are rows of more.
            attempts: unusable answers after which an item is given up.
            in_batches: (item, text hash, sample) that batch jobs ask about.
        """
        code, sample, attempt, status, reason = self._rows()
        jobs = self._jobs(in_batches)
        samples = 1 + max([repeats - 1, int(sample.max(initial=0)), int(jobs[1].max(initial=0))])
        size = len(self._texts.present) * samples
        cell = code * samples + sample
        # By attempt, then as written: the last of a cell is the newest.
        order = np.argsort(attempt, kind="stable")
        cell, status, reason = cell[order], status[order], reason[order]

        done, failures = np.zeros(size, bool), np.bincount(cell[status == _FAILED], minlength=size)
        done[cell[status == _OK]] = True
        failed = ~done & (failures >= attempts)
        why = np.full(size, -1, np.int64)
        why[cell[status == _FAILED]] = reason[status == _FAILED]
        waiting = np.zeros(size, bool)
        waiting[jobs[0] * samples + jobs[1]] = True
        waiting &= ~done & ~failed
        newest = np.full(size, -1, np.int64)
        newest[cell] = status
        unknown = (newest == _UNKNOWN) & ~(done | failed | waiting)
        present = np.repeat(self._texts.present, samples)
        left = present & ~(done | failed | waiting | unknown)
        masks = {"done": done, "failed": failed, "unknown": unknown, "in_batches": waiting, "left": left}
        counts = {name: int((mask & present).sum()) for name, mask in masks.items()}
        return samples, counts, self._named(why[failed & present])

    def _keep(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Keep what says something about an item of the catalogue by its text of today."""
        code = pc.fill_null(pc.index_in(rows.column("item_id"), value_set=self._texts.ids), -1)
        status = pc.index_in(rows.column("status"), value_set=pa.array(_STATUSES))
        told = pc.and_(pc.greater_equal(code, 0), pc.is_valid(status))
        kept = rows.filter(told)
        code, status = code.filter(told), status.filter(told)
        same = pc.fill_null(pc.equal(kept.column("text_hash"), self._texts.hashes.take(_whole(code))), False)
        kept = kept.filter(same)
        reason = _whole(kept.column("reason")).dictionary_encode()
        kinds = [-1 if text is None else self._reason(text) for text in reason.dictionary.to_pylist()]
        number = pc.fill_null(reason.indices, len(kinds)).to_numpy()
        self._parts.append(
            (
                _int32(code.filter(same)),
                _int32(kept.column("sample")),
                _int32(kept.column("attempt")),
                _int32(status.filter(same)),
                np.array([*kinds, -1], np.int32)[number],
            )
        )

    def _reason(self, text: str) -> int:
        return self._reasons.setdefault(reason_kind(text), len(self._reasons))

    def _rows(self) -> list[Ints]:
        if not self._parts:
            return [np.zeros(0, np.int64)] * 5
        return [np.concatenate(column).astype(np.int64) for column in zip(*self._parts, strict=True)]

    def _jobs(self, in_batches: Collection[tuple[str, str, int]]) -> tuple[Ints, Ints]:
        """Codes and samples of what batch jobs ask about today's texts."""
        if not in_batches:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        ids, hashes, samples = zip(*in_batches, strict=True)
        code = pc.fill_null(pc.index_in(pa.array(ids, pa.string()), value_set=self._texts.ids), -1)
        shown = self._texts.hashes.take(pc.if_else(pc.less(code, 0), None, code))
        same = pc.fill_null(pc.equal(pa.array(hashes, pa.string()), shown), False).to_numpy(False)
        return code.to_numpy()[same].astype(np.int64), np.array(samples, np.int64)[same]

    def _named(self, numbers: Ints) -> dict[str, int]:
        names = list(self._reasons)
        found = Counter(names[number] if number >= 0 else "no reason given" for number in numbers)
        return dict(found.most_common())


def _whole(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _int32(column: Any) -> NDArray[np.int32]:
    return np.asarray(column.to_numpy(), np.int32)
