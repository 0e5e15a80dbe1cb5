"""Taking interactions into the store: read, join with what is there, filter, order, write as one commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.catalogue._arrays import MISSING
from guided_store.catalogue._badrows import BadRows
from guided_store.catalogue._events import Events, EventsBuilder, event_batches, read_events
from guided_store.catalogue._filters import exact_repeats, k_core, pair_repeats
from guided_store.catalogue._ids import Vocabulary, id_order, inverse
from guided_store.catalogue._options import IngestOptions, InteractionLayout
from guided_store.catalogue._order import count_ties, event_order, fill_times
from guided_store.catalogue._read import Reading, read_interactions
from guided_store.catalogue._report import IngestReport
from guided_store.catalogue._schemas import INTERACTIONS, ITEMS
from guided_store.catalogue._sources import list_sources
from guided_store.catalogue._times import utc
from guided_store.errors import DataError, StoreError, UsageError
from guided_store.progress import SILENT, Progress
from guided_store.store import Store

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """An ingest that has read and checked everything and written nothing yet; `commit` writes."""

    commit: Callable[[], IngestReport]


def ingest_interactions(
    store: Store,
    source: Path | str | Sequence[Path | str],
    layout: InteractionLayout | None = None,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
) -> IngestReport:
    """Add interactions from CSV, Parquet or JSON lines files to the store.

    Everything is read and checked first and then written as one commit: after an error or a kill the table is
    as before. Memory holds integers only, about 60 bytes an event at the peak besides the ids themselves.

    Adding to a table gives the same sequences as reading all files at once: events that are there already
    (same user, item, time and order) are recognised, `duplicates` and `fill_time` work over old and new
    events together. A k-core cannot be added to (see `IngestOptions`); give all files at once instead.

    Args:
        store: open for writing.
        source: a file, a folder of files, or several, read in the order given.
        layout: which columns are what; guessed by default.
        options: filters and policies.
        progress: shows the reading.

    Raises:
        UsageError: files or columns that do not exist, or an impossible request.
        DataError: files that cannot be read, or rows in them.
    """
    return prepare_interactions(store, source, layout, options, progress).commit()


def prepare_interactions(
    store: Store,
    source: Path | str | Sequence[Path | str],
    layout: InteractionLayout | None = None,
    options: IngestOptions | None = None,
    progress: Progress = SILENT,
) -> Prepared:
    """The first half of `ingest_interactions`: all but the writing."""
    layout, options = layout or InteractionLayout(), options or IngestOptions()
    need_writable(store)
    files = list_sources(source)
    users, items = Vocabulary(), Vocabulary()
    stored = EventsBuilder().finish() if options.replace else read_events(store, users, items)
    if len(stored) and options.has_core:
        raise UsageError(
            f"the store has {len(stored):,} interactions already, and a k-core cannot be applied to an "
            "addition: give all files in one ingest with --replace, or leave the k-core out"
        )
    bad = BadRows(options.on_error)
    first_number = int(stored.numbers.max()) + 1 if len(stored) else 0
    reading = read_interactions(files, layout, users, items, bad, first_number, progress)
    if not reading.rows:
        raise DataError(f"{files[0]} has no rows")
    _check_blank_times(reading, options)
    if len(stored) and stored.has_times != ("time" in reading.columns.names):
        old, new = ("times", "an order only") if stored.has_times else ("an order only", "times")
        raise UsageError(
            f"the stored interactions have {old}, the new ones {new}; name the columns alike, or start anew "
            "with --replace"
        )
    merged = _Merge(stored, reading, bad, options)
    return Prepared(lambda: _commit(store, files, merged, users, items, options, progress))


def need_writable(store: Store) -> None:
    """Raises StoreError before any reading where the store is open for reading only."""
    if not store.writable:
        raise StoreError(f"the store at {store.root} is open for reading only; open it with write=True")


class _Merge:
    """Stored and new events together, filtered.

    Attributes:
        events: what the table will hold, stored events first.
        new: which of `events` are new.
        rewrite: whether a stored event was removed or changed, so that appending is not enough.
        left_out, removed: counts by reason, for the report.
    """

    def __init__(self, stored: Events, reading: Reading, bad: BadRows, options: IngestOptions) -> None:
        self.reading = reading
        self.bad = bad
        self.left_out = {f"unreadable, {kind}": count for kind, count in sorted(bad.kinds.items())}
        self.removed: dict[str, int] = {}
        self.rewrite = False
        builder = EventsBuilder()
        n_stored = len(stored)
        for part in (stored, reading.events):
            builder.add(part)
        del stored, reading.events  # the builder empties them column by column
        self.events = builder.finish()
        self.new = np.arange(len(self.events)) >= n_stored
        if options.min_weight is not None:
            self._weights(options.min_weight)
        self._repeats()
        if (self.events.times[self.events.filled] != MISSING).any() or reading.blank_times:
            self._fill()
        if options.duplicates != "keep-all":
            events = self.events
            again = pair_repeats(
                events.users, events.items, events.times, events.positions, events.numbers, options.duplicates
            )
            self._drop(again, f"a user's repeated item, the {options.duplicates} one is kept")
        if options.has_core:
            events = self.events
            core = k_core(events.users, events.items, options.min_user_events, options.min_item_events)
            least = f"{options.min_user_events} events a user, {options.min_item_events} an item"
            self._drop(~core, f"outside the k-core ({least})")
        if not len(self.events):
            reasons = ", ".join(f"{reason} ({count:,})" for reason, count in self.left_out.items())
            raise DataError(f"no interaction is left to store: {reasons}")

    def _drop(self, which: Mask, reason: str) -> None:
        for counts, mask in ((self.left_out, which & self.new), (self.removed, which & ~self.new)):
            if mask.any():
                counts[reason] = counts.get(reason, 0) + int(mask.sum())
        self.rewrite |= bool((which & ~self.new).any())
        if which.any():
            self.events, self.new = self.events.take(~which), self.new[~which]

    def _weights(self, least: float) -> None:
        if "weight" not in self.reading.columns.names:
            raise UsageError("a least weight needs a weight column; name it with --weight")
        blank = self.new & np.isnan(self.events.weights)
        self._drop(blank, "no weight")
        self._drop(self.new & (self.events.weights < least), f"weight below {least:g}")

    def _repeats(self) -> None:
        events = self.events
        # A filled time is not the event's own: events are told apart by what was read.
        times = np.where(events.filled, MISSING, events.times)
        again = exact_repeats(events.users, events.items, times, events.positions) & self.new
        if not again.any():
            return
        new = np.flatnonzero(self.new)
        among_new = np.zeros(len(events), bool)
        among_new[new] = exact_repeats(
            events.users[new], events.items[new], times[new], events.positions[new]
        )
        among_new &= again
        reasons = [
            (again & ~among_new, "in the table already"),
            (among_new, "same user, item and time as an earlier row"),
        ]
        for mask, reason in reasons:
            if mask.any():
                self.left_out[reason] = int(mask.sum())
        self.events, self.new = events.take(~again), self.new[~again]

    def _fill(self) -> None:
        events = self.events
        times = np.where(events.filled, MISSING, events.times)
        blank = times == MISSING
        # Fill in the order that does not rest on times: the order column where there is one, else the files'.
        complete = not (events.positions == MISSING).any()
        nothing = np.zeros(len(events), np.int64)
        order = event_order(events.users, nothing, events.positions if complete else nothing, events.numbers)
        filled = np.empty_like(times)
        filled[order] = fill_times(events.users[order], times[order])
        filled = np.where((filled == MISSING) & events.filled, events.times, filled)
        changed = filled != events.times
        self.rewrite |= bool((changed & ~self.new).any())
        self.events = replace(events, times=filled, filled=blank)
        hopeless = filled == MISSING
        if hopeless.any() and self.bad.on_error == "fail":
            raise DataError(
                f"{int(hopeless.sum()):,} events have no time, and neither has any other event of their "
                f"{len(np.unique(events.users[hopeless])):,} users to fill it from; nothing was written: "
                "use --order alone, or leave such events out with --on-error skip"
            )
        self._drop(hopeless, "unreadable, no event of the user has a time")


def _check_blank_times(reading: Reading, options: IngestOptions) -> None:
    if reading.blank_times and options.fill_time is None:
        raise UsageError(
            f"{reading.blank_times:,} of {reading.rows:,} rows have no time (the first is "
            f"{reading.first_blank}): take it from the user's nearest event with --fill-time neighbours, or "
            "name an order column with --order and no --time"
        )


def _commit(
    store: Store,
    files: list[Path],
    merged: _Merge,
    users: Vocabulary,
    items: Vocabulary,
    options: IngestOptions,
    progress: Progress,
) -> IngestReport:
    events = merged.events
    ranks = inverse(id_order(users.ids))[events.users]
    order = event_order(ranks, events.times, events.positions, events.numbers)
    added = int(merged.new.sum())
    rewrite = merged.rewrite or options.replace or not store.has_table(INTERACTIONS)
    if rewrite or added:
        rows = order if rewrite else order[merged.new[order]]
        with progress.task(f"writing {len(rows):,} interactions", None):
            write = store.replace if rewrite else store.append
            write(INTERACTIONS, event_batches(events, rows, users, items))
    reading = merged.reading
    by_column = events.has_times and "order" in reading.columns.names
    keys = [events.times[order]] if events.has_times else []
    if not by_column:  # then positions are fractions of seconds, or all there is
        keys.append(events.positions[order])
    understood = list(reading.understood)
    if events.has_times:
        understood.append(f"times from {utc(events.times.min())} to {utc(events.times.max())}")
    seen_items = np.unique(events.items)
    return IngestReport(
        table=INTERACTIONS,
        files=tuple(path.name for path in files),
        rows=reading.rows,
        added=added,
        left_out=merged.left_out,
        removed=merged.removed,
        columns=dict(reading.columns.names),
        understood=tuple(understood),
        total=len(events),
        users=len(np.unique(events.users)),
        items=len(seen_items),
        ties=count_ties(ranks[order], *keys),
        ties_in="time" if events.has_times else "order",
        ties_by="the order column" if by_column else "the rows read",
        times_filled=int((events.filled & merged.new).sum()),
        unknown_items=_unknown_items(store, items, seen_items),
        bad_rows=tuple(merged.bad.examples),
    )


def _unknown_items(store: Store, items: Vocabulary, seen: NDArray[np.int32]) -> int | None:
    if not store.has_table(ITEMS):
        return None
    names = pa.array(items.ids, pa.string()).take(pa.array(seen))
    known = store.read(ITEMS, ["item_id"]).column("item_id").combine_chunks()
    return int(pc.sum(pc.invert(pc.is_in(names, value_set=known))).as_py() or 0)
