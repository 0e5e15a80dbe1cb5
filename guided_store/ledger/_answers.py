"""A run's answers in force, sample by sample: what averaging, uncertainty and agreement start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import DataError
from guided_store.ledger._rows import TABLE, quoted
from guided_store.ledger._runs import find_run
from guided_store.ledger._shown import iter_shown
from guided_store.store import Store

_COLUMNS = ["row_id", "item_id", "sample", "attempt", "values", "source_digest", "text_hash"]


@dataclass(frozen=True)
class Answers:
    """What a run says of n items in each of its S samples.

    Attributes:
        item_ids: n ids.
        samples: numbers of the samples, ascending, length S.
        values: float64 (S, n, A) in the schema's order; NaN where a sample gives no score.
        source_digests: files that imported rows came from, sorted.
        stale: items whose answers in force are about an older text than the catalogue's current one.
    """

    item_ids: tuple[str, ...]
    samples: tuple[int, ...]
    values: NDArray[np.float64]
    source_digests: tuple[str, ...]
    stale: int

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the samples that give a score, float64 (n, A); NaN where none does."""
        return mean_known(self.values)

    @property
    def spread(self) -> NDArray[np.float64] | None:
        """Population standard deviation over samples; see `spread_known`."""
        return spread_known(self.values)


def read_answers(
    store: Store,
    run: str,
    schema: AttributeSchema,
    item_ids: Sequence[str] | None = None,
    *,
    current_only: bool = False,
) -> Answers:
    """Read the answers of a run that are in force.

    Of each (item, sample) one good answer counts: of those about the item's current text the last attempt, or
    where there is none the last attempt about an older text (with `current_only` none).

    Args:
        store: with a ledger of scores.
        run: whose answers.
        schema: what was scored.
        item_ids: rows of the result; None takes the items that the run answered, as they were first answered.
            A run that scored users has their keys here (`user_key`).
        current_only: leave out answers about an older text.

    Raises:
        DataError: a row does not have as many values as the schema has attributes.
    """
    width = len(schema)
    where = f"run = {quoted(run)} AND schema_digest = '{schema.digest}' AND status = 'ok'"
    held = store.read(TABLE, _COLUMNS, where=where).combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(held.column("values")), 0).to_numpy()
    if (lengths != width).any():
        row = held.column("row_id")[int(np.argmax(lengths != width))].as_py()
        raise DataError(f"row {row} of run {run!r} in the ledger does not have {width} values")
    ids = pc.unique(held.column("item_id")) if item_ids is None else pa.array(item_ids, pa.string())
    codes = pc.fill_null(pc.index_in(held.column("item_id"), value_set=ids), -1).to_numpy().astype(np.int64)
    current = _current(held.column("text_hash"), codes, ids, _current_hashes(store, run))
    kept = _in_force(codes, held.column("sample").to_numpy(), held.column("attempt").to_numpy(), current)
    if current_only:
        kept = kept[current[kept]]
    samples, layer = np.unique(held.column("sample").to_numpy()[kept], return_inverse=True)
    values = np.full((len(samples), len(ids), width), np.nan)
    flat = held.column("values").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    values[layer, codes[kept]] = np.asarray(flat, np.float64).reshape(-1, width)[kept]
    digests = (digest for digest in pc.unique(held.column("source_digest")).to_pylist() if digest)
    return Answers(
        tuple(ids.to_pylist()),
        tuple(samples.tolist()),
        values,
        tuple(sorted(digests)),
        len(np.unique(codes[kept[~current[kept]]])),
    )


def mean_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of (k, n, A) of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0)
    return np.asarray(np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0))


def spread_known(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Population standard deviation over the first axis of (k, n, A) of what is not NaN.

    NaN where fewer than two values are known: one answer says nothing of its own uncertainty. None where
    that is so everywhere.
    """
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    if counts.max(initial=0) < 2:
        return None
    squares = (np.where(known, values - mean_known(values), 0) ** 2).sum(axis=0)
    variance = np.divide(squares, counts, out=np.full(squares.shape, np.nan), where=counts > 1)
    return np.asarray(np.sqrt(variance))


def _current_hashes(store: Store, run: str) -> Mapping[str, str] | None:
    """Hash of each item's current text as this run is shown it; None for imports, which name no text."""
    record = find_run(store, run)
    if record is None:
        return None
    if not store.has_table("items"):
        return {}
    return {text.item_id: text.hash for text in iter_shown(store, record)}


def _current(
    hashes: pa.ChunkedArray, codes: NDArray[np.int64], ids: pa.Array, now: Mapping[str, str] | None
) -> NDArray[np.bool_]:
    """Whether each row answers the current text of its item; True where texts are not compared."""
    if now is None:
        return np.ones(len(codes), bool)
    expected = pa.array([*(now.get(item) for item in ids.to_pylist()), None], pa.string())
    same = pc.equal(hashes, expected.take(pa.array(np.where(codes >= 0, codes, len(ids)))))
    # A row without a hash was given for no text in particular.
    return np.asarray(pc.or_(pc.fill_null(same, False), pc.is_null(hashes)).to_numpy(), bool)


def _in_force(
    codes: NDArray[np.int64],
    sample: NDArray[np.int32],
    attempt: NDArray[np.int32],
    current: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """The row in force of each (item, sample): sort it last within its group, keep the last."""
    order = np.lexsort((np.arange(len(codes)), attempt, current, sample, codes))
    order = order[codes[order] >= 0]
    last = np.ones(len(order), bool)
    last[:-1] = (np.diff(codes[order]) != 0) | (np.diff(sample[order]) != 0)
    return order[last]
