"""Lists for every user at once, for those who serve lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from guided_store.errors import UsageError
from guided_store.progress import SILENT, Progress
from guided_store.retrieval._preferences import Preferences
from guided_store.retrieval._recommender import Recommender

SCHEMA = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
    ]
)

USERS_AT_ONCE = 1024


def _batches(
    recommender: Recommender, k: int, preferences: Preferences, progress: Progress
) -> Iterator[pa.RecordBatch]:
    embedding, index = recommender.embedding, recommender.index
    allow = preferences.allowed(embedding)
    factors = preferences.factors(embedding)
    events = recommender.sequences.restrict(embedding.item_ids)
    ids = np.array(embedding.item_ids, object)
    exclude_history = recommender.repeats == "exclude"
    with progress.task("recommending", events.n_users) as task:
        for start in range(0, events.n_users, USERS_AT_ONCE):
            users = np.arange(start, min(start + USERS_AT_ONCE, events.n_users))
            histories = [events.row(int(user)) for user in users]
            readable = [place for place, history in enumerate(histories) if len(history)]
            found = np.full((len(users), min(k, index.n)), -1, np.int64)
            scores = np.full(found.shape, -np.inf, np.float32)
            if readable:
                known = [histories[place] for place in readable]
                queries = recommender.encoder.encode(known)
                if factors is not None:
                    queries[:, : len(factors)] *= factors
                exclude = [np.unique(history).astype(np.int64) for history in known]
                scores[readable], found[readable] = index.search(
                    queries, k, exclude=exclude if exclude_history else None, allow=allow
                )
            source = np.full(len(users), "model", object)
            for place in set(range(len(users))) - set(readable):
                popular = recommender.popularity
                best = popular.best(k, np.empty(0, np.int64), allow)
                found[place, : len(best)] = best
                scores[place, : len(best)] = popular.counts[best]
                source[place] = popular.source
            row, rank = np.nonzero(found >= 0)
            names = np.array([recommender.sequences.user_ids[user] for user in users], object)
            yield pa.record_batch(
                [
                    pa.array(names[row], pa.string()),
                    pa.array(rank + 1, pa.int32()),
                    pa.array(ids[found[row, rank]], pa.string()),
                    pa.array(scores[row, rank], pa.float32()),
                    pa.array(source[row], pa.string()),
                ],
                schema=SCHEMA,
            )
            task.advance(len(users))


def _checked(
    recommender: Recommender,
    k: int,
    weights: Mapping[str, float] | None,
    minimum: Mapping[str, float] | None,
    maximum: Mapping[str, float] | None,
) -> Preferences:
    if k < 1:
        raise UsageError(f"k must be at least 1, got {k}")
    preferences = Preferences(weights or {}, minimum or {}, maximum or {})
    preferences.check(recommender.embedding)
    return preferences


def recommend_all(
    recommender: Recommender,
    *,
    k: int = 10,
    weights: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    progress: Progress = SILENT,
) -> pa.Table:
    """The k best items of every user of the store.

    Returns:
        Arrow table user_id, rank (1-based), item_id, score (float32), source ("model", or the fallback's).

    Raises:
        UsageError: k below 1, unknown attributes.
    """
    preferences = _checked(recommender, k, weights, minimum, maximum)
    return pa.Table.from_batches(_batches(recommender, k, preferences, progress), schema=SCHEMA)


def write_recommendations(
    recommender: Recommender,
    path: str | Path,
    *,
    k: int = 10,
    weights: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    progress: Progress = SILENT,
) -> int:
    """Write what `recommend_all` gives to a Parquet file, batch by batch; returns the number of rows.

    The file appears under its name only when it is complete.

    Raises:
        UsageError: k below 1, unknown attributes, a folder that does not exist.
    """
    preferences = _checked(recommender, k, weights, minimum, maximum)
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist")
    temporary = target.with_name(f".tmp-{target.name}")
    rows = 0
    try:
        with pq.ParquetWriter(temporary, SCHEMA) as writer:
            for batch in _batches(recommender, k, preferences, progress):
                writer.write_batch(batch)
                rows += batch.num_rows
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return rows
