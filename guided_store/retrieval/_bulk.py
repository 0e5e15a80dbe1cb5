"""Lists for every user at once, for those who serve lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from guided_store.catalogue import Sequences, Split
from guided_store.errors import UsageError
from guided_store.progress import SILENT, Progress
from guided_store.retrieval._fallback import Popularity, popularity
from guided_store.retrieval._preferences import Preferences, check_length
from guided_store.retrieval._recommender import Recommender
from guided_store.store import replacing

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


@dataclass(frozen=True)
class BulkReport:
    """What was written.

    Attributes:
        rows: entries of all lists.
        users: how many users were asked for.
        users_without_list: how many of them got none: the limits, or a history of all items, left nothing.
    """

    rows: int
    users: int
    users_without_list: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-serialisable form."""
        return {"rows": self.rows, "users": self.users, "users_without_list": self.users_without_list}


def _readers(
    recommender: Recommender, split: Split | None
) -> tuple[NDArray[np.int64], Sequences, Popularity]:
    """Rows of the users to write lists for, what of each one's events is read, and the fallback's counts."""
    if split is None:
        events = recommender.sequences
        return np.arange(events.n_users), events, recommender.popularity
    if not len(split.test):
        raise UsageError(f"the {split.kind} split has no test cases to recommend for")
    ends = np.zeros(split.sequences.n_users, np.int64)
    ends[split.test.users] = split.test.ends
    # Popularity of the training events alone: the whole would tell what the targets are.
    return split.test.users, split.sequences.head(ends), popularity(split.train, recommender.embedding)


def _batches(
    recommender: Recommender, k: int, preferences: Preferences, split: Split | None, progress: Progress
) -> Iterator[tuple[pa.RecordBatch, int, int]]:
    """Lists of some users at a time; how many users those are, and how many of them got none."""
    embedding, index = recommender.embedding, recommender.index
    allow = preferences.allowed(embedding)
    everyone, histories_of, popular = _readers(recommender, split)
    events = histories_of.restrict(embedding.item_ids)
    ids = np.array(embedding.item_ids, object)
    with progress.task("recommending", len(everyone)) as task:
        for start in range(0, len(everyone), USERS_AT_ONCE):
            users = everyone[start : start + USERS_AT_ONCE]
            histories = [events.row(int(user)) for user in users]
            readable = [place for place, history in enumerate(histories) if len(history)]
            found = np.full((len(users), min(k, index.n)), -1, np.int64)
            scores = np.full(found.shape, -np.inf, np.float32)
            if readable:
                known = [histories[place] for place in readable]
                whose = [events.user_ids[users[place]] for place in readable]
                exclude = [recommender.excluded(history) for history in known]
                scores[readable], found[readable] = index.search(
                    recommender.queries(known, preferences, whose), k, exclude=exclude, allow=allow
                )
            source = np.full(len(users), "model", object)
            for place in set(range(len(users))) - set(readable):
                best = popular.best(k, np.empty(0, np.int64), allow)
                found[place, : len(best)] = best
                scores[place, : len(best)] = popular.counts[best]
                source[place] = popular.source
            row, rank = np.nonzero(found >= 0)
            names = np.array([events.user_ids[user] for user in users], object)
            batch = pa.record_batch(
                [
                    pa.array(names[row], pa.string()),
                    pa.array(rank + 1, pa.int32()),
                    pa.array(ids[found[row, rank]], pa.string()),
                    pa.array(scores[row, rank], pa.float32()),
                    pa.array(source[row], pa.string()),
                ],
                schema=SCHEMA,
            )
            yield batch, len(users), int((found < 0).all(axis=1).sum())
            task.advance(len(users))


def _checked(
    recommender: Recommender,
    k: int,
    weights: Mapping[str, float] | None,
    minimum: Mapping[str, float] | None,
    maximum: Mapping[str, float] | None,
) -> Preferences:
    check_length(k)
    return Preferences.checked(recommender.embedding, weights, minimum, maximum)


def recommend_all(
    recommender: Recommender,
    *,
    k: int = 10,
    weights: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    split: Split | None = None,
    progress: Progress = SILENT,
) -> pa.Table:
    """The k best items of every user of the store.

    Args:
        k, weights, minimum, maximum: as in `Recommender.recommend`.
        split: None reads and (unless repeats are allowed) leaves out the whole history of every user, as one
            serves. With a split it is the history of each test case, and users without one get no list:
            `evaluation.evaluate_recs` then judges the lists on the same cases as the version itself.

    Returns:
        Arrow table user_id, rank (1-based), item_id, score (float32), source ("model", or the fallback's).

    Raises:
        UsageError: k below 1, unknown attributes, a split without test cases.
    """
    preferences = _checked(recommender, k, weights, minimum, maximum)
    batches = _batches(recommender, k, preferences, split, progress)
    return pa.Table.from_batches((batch for batch, _, _ in batches), schema=SCHEMA)


def write_recommendations(
    recommender: Recommender,
    path: str | Path,
    *,
    k: int = 10,
    weights: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    split: Split | None = None,
    progress: Progress = SILENT,
) -> BulkReport:
    """Write what `recommend_all` gives to a Parquet file, batch by batch.

    The file appears under its name only when it is complete.

    Raises:
        UsageError: as `recommend_all`; a name that does not end in .parquet, a folder that does not exist.
    """
    preferences = _checked(recommender, k, weights, minimum, maximum)
    target = Path(path)
    if target.suffix.lower() != ".parquet":
        raise UsageError(
            f"lists are written as Parquet: name a file that ends in .parquet, not {target.name}"
        )
    if not target.parent.is_dir():
        raise UsageError(f"the folder {target.parent} does not exist")
    rows = users = empty = 0
    with replacing(target) as temporary, pq.ParquetWriter(temporary, SCHEMA) as writer:
        for batch, asked, without in _batches(recommender, k, preferences, split, progress):
            writer.write_batch(batch)
            rows, users, empty = rows + batch.num_rows, users + asked, empty + without
    return BulkReport(rows, users, empty)
