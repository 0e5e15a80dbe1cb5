"""Scoring a catalogue by a local model: read, embed, put on the frozen scale, append to the ledger."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.errors import StoreError, UsageError
from guided_store.ledger import (
    MAX_CHARS,
    SCHEMA,
    Holdings,
    ItemText,
    RunRecord,
    append_rows,
    choose_fields,
    iter_texts,
    record_run,
)
from guided_store.local._directions import find_directions
from guided_store.local._embedder import Embedder, LoadedModel, embed, load_model
from guided_store.local._plan import plan_run
from guided_store.local._report import SHOWN_IDS, LocalReport
from guided_store.local._scale import FrozenScale, sample_texts
from guided_store.progress import SILENT, Progress, Task
from guided_store.store import Store

CHUNK = 2048
"""Items per append to the ledger: what a kill loses, and one fragment of its table."""

_SLICE = 256


def score_locally(
    store: Store,
    schema: AttributeSchema,
    *,
    model: str,
    run: str | None = None,
    fields: Sequence[str] | None = None,
    max_chars: int = MAX_CHARS,
    batch_size: int = 64,
    device: str | None = None,
    again: bool = False,
    progress: Progress = SILENT,
) -> LocalReport:
    """Score every item with text by a sentence-transformers model, at no cost; rows go to the ledger.

    An item's score on an attribute says how much nearer its text is to the high end than to the low one,
    against the other items (`_directions`, `_scale`). The first call fits the scale and freezes it in the
    run's record; later calls with the same model, schema and fields embed new and changed texts only, and put
    them on that scale, so that new items move no score of old ones. Items without text get no score.

    Args:
        store: open for writing, with items.
        schema: the attributes.
        model: a folder, or a name on the Hugging Face hub.
        run: the run's name; by default it is found by what is asked.
        fields: columns of the items table to embed; by default those of title and text that hold something.
            Fewer and more telling ones are better: every field counts the same.
        max_chars: at which length a field is cut. The model itself reads its first few hundred tokens.
        batch_size: texts per forward pass.
        device: "cpu", "cuda", ...; None leaves it to the library.
        again: begin another run, with a scale fitted on the items of today.
        progress: told of items scored.

    Raises:
        UsageError: the extra `local` is not installed, no such model, no items, unknown fields, fewer than
            `MINIMUM_TEXTS` different texts to fit a scale on, or another run has the same scores.
        DataError: the model gives values that are not finite.
        StoreError: the store is open for reading only.
    """
    if batch_size < 1 or max_chars < 1:
        raise UsageError("batch size and text length must be at least 1")
    if not store.writable:
        raise StoreError(f"the store at {store.root} is open for reading only; open it with write=True")
    began = time.perf_counter()
    chosen = choose_fields(store, fields)
    progress.log(f"loading {model}")
    loaded = load_model(model, batch_size=batch_size, device=device)
    return score_with(
        store,
        schema,
        loaded,
        run=run,
        fields=chosen,
        max_chars=max_chars,
        again=again,
        progress=progress,
        began=began,
    )


def score_with(
    store: Store,
    schema: AttributeSchema,
    model: LoadedModel,
    *,
    run: str | None,
    fields: tuple[str, ...],
    max_chars: int,
    again: bool,
    progress: Progress,
    began: float,
) -> LocalReport:
    """`score_locally` with a model at hand; `began` is a `time.perf_counter()`."""
    record, held = plan_run(
        store,
        schema,
        model=model.name,
        identity=model.identity,
        run=run,
        fields=fields,
        max_chars=max_chars,
        again=again,
    )
    scorer = _Scorer(model.embedder, find_directions(model.embedder, schema))
    known: dict[str, NDArray[np.float32]] = {}
    if held:
        scale = FrozenScale.from_dict(record.settings.get("scale"), len(schema), record.run)
    else:
        sample = sample_texts(iter_texts(store, fields, max_chars=max_chars))
        with progress.task("fitting the scale", len(sample)) as task:
            raw = scorer.raw(sample, task)
        scale = FrozenScale.fit(raw)
        if scale.blind.all():
            raise UsageError(f"the model {model.name} tells no item from another by any attribute")
        record = record_run(store, replace(record, settings={**record.settings, "scale": scale.to_dict()}))
        known = {text.hash: row for text, row in zip(sample, raw, strict=True)}

    todo = _Todo(store, record, Holdings.load(store, record.run))
    scored = beyond = 0
    with progress.task(f"scoring by {model.name}", store.count("items")) as task:
        for chunk in todo.chunks(task):
            new = [text for text in chunk if text.hash not in known]
            fresh = dict(zip((text.hash for text in new), scorer.raw(new, task), strict=True))
            raw = np.stack([fresh[text.hash] if text.hash in fresh else known[text.hash] for text in chunk])
            task.advance(len(chunk) - len(new))
            append_rows(
                store, _rows(record, chunk, scale.apply(raw, schema.scale), todo.held), known_new=True
            )
            scored += len(chunk)
            beyond += scale.beyond(raw)
    values = scored * int(np.count_nonzero(~scale.blind))
    return LocalReport(
        run=record.run,
        model=model.name,
        identity=model.identity,
        fields=fields,
        attributes=len(schema),
        items=todo.items,
        without_text=todo.without_text,
        scored=scored,
        held=todo.items - todo.without_text - scored,
        changed=todo.changed,
        new_scale=not held,
        scale_texts=scale.texts,
        beyond=beyond / values if values else 0.0,
        blind=tuple(schema.names[column] for column in np.flatnonzero(scale.blind)),
        empty_ids=tuple(todo.empty_ids),
        seconds=time.perf_counter() - began,
    )


@dataclass(frozen=True)
class _Scorer:
    """Raw scores of items: their fields' mean embedding along each attribute's direction."""

    embedder: Embedder
    directions: NDArray[np.float32]

    def raw(self, items: Sequence[ItemText], task: Task) -> NDArray[np.float32]:
        """Raw scores (n, A) of items with text; each different field text is embedded once."""
        # Texts of like length go together: a batch is as long as its longest.
        texts = sorted(
            {text for item in items for text in item.data.values()}, key=lambda text: (len(text), text)
        )
        leaning: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(texts), _SLICE):
            part = texts[start : start + _SLICE]
            leaning.update(zip(part, embed(self.embedder, part) @ self.directions.T, strict=True))
            task.advance(len(items) * len(part) / len(texts))
        raw = np.empty((len(items), len(self.directions)), np.float32)
        for row, item in enumerate(items):
            raw[row] = np.mean([leaning[text] for text in item.data.values()], axis=0)
        return raw


class _Todo:
    """The items that a run has no score for yet, and what was met on the way."""

    def __init__(self, store: Store, record: RunRecord, held: Holdings) -> None:
        self.held = held
        self.items = self.without_text = self.changed = 0
        self.empty_ids: list[str] = []
        self._texts = iter_texts(store, record.fields, max_chars=record.max_chars)

    def chunks(self, task: Task) -> Iterator[list[ItemText]]:
        """Items to score, up to `CHUNK` at a time; the task advances over the others."""
        chunk: list[ItemText] = []
        for text in self._texts:
            self.items += 1
            if not text.data:
                self.without_text += 1
                if len(self.empty_ids) < SHOWN_IDS:
                    self.empty_ids.append(text.item_id)
                task.advance()
            elif self.held.is_done(text.item_id, text.hash, 0):
                task.advance()
            else:
                self.changed += self.held.attempts(text.item_id, 0) > 0
                chunk.append(text)
                if len(chunk) == CHUNK:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk


def _rows(
    record: RunRecord, items: Sequence[ItemText], scores: NDArray[np.float32], held: Holdings
) -> pa.Table:
    """Ledger rows of scored items; the same item, text and run always have the same row id."""
    now = datetime.now(UTC)
    requests = [
        hashlib.sha256(f"{record.run}\0{item.item_id}\0{item.hash}".encode()).hexdigest()[:32]
        for item in items
    ]
    count = len(items)
    values = pa.array(scores.ravel(), pa.float32(), mask=np.isnan(scores).ravel())
    offsets = np.arange(0, scores.size + 1, scores.shape[1], dtype=np.int32)
    columns = {
        "row_id": [f"{request}-0" for request in requests],
        "request_id": requests,
        "run": [record.run] * count,
        "item_id": [item.item_id for item in items],
        "sample": [0] * count,
        "attempt": [held.attempts(item.item_id, 0) + 1 for item in items],
        "status": ["ok"] * count,
        "provider": [record.provider] * count,
        "model": [record.model] * count,
        "values": pa.ListArray.from_arrays(pa.array(offsets), values),
        "schema_digest": [record.schema.digest] * count,
        "prompt_hash": [record.prompt_hash] * count,
        "text_hash": [item.hash for item in items],
        "cost": [0.0] * count,
        "created": [now] * count,
    }
    arrays = {
        name: column if isinstance(column, pa.Array) else pa.array(column, SCHEMA.field(name).type)
        for name, column in columns.items()
    }
    return pa.table(arrays)
