"""Keeping a table that grows by small appends quick: its many small fragments become few larger ones.

Every append is a fragment, and every version lists all fragments there are: without this, time and disk grow
with the square of the number of appends.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

SMALL_FRAGMENTS = 64
"""How many small fragments a table may have before they are merged."""

_ROWS = 65_536  # of a fragment that is merged no further, so that no row is written again and again
_KEPT = timedelta(hours=1)  # for readers that are at an older version
_BATCH = 1024  # rows in memory at once; a row may hold a whole answer
_BYTES = 256 << 20  # of a file


def compact(dataset: Any) -> bool:
    """Merge the small fragments of a table where there are too many; returns whether that was done.

    Rows keep their order. Versions older than an hour are removed with their files, but for those with a tag.

    Args:
        dataset: the newest version, of a table whose writer's lock is held.
    """
    if dataset.stats.dataset_stats(_ROWS)["num_small_files"] < SMALL_FRAGMENTS:
        return False
    dataset.optimize.compact_files(
        target_rows_per_fragment=_ROWS, max_bytes_per_file=_BYTES, batch_size=_BATCH, num_threads=1
    )
    dataset.cleanup_old_versions(older_than=_KEPT, error_if_tagged_old_versions=False)
    return True
