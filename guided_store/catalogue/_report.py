"""What an ingest did, in numbers and in sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from guided_store.catalogue._badrows import BadRow
from guided_store.catalogue._order import Ties


@dataclass(frozen=True)
class IngestReport:
    """The account of one ingest; every row read is in exactly one of `added`, `updated` and `left_out`.

    Attributes:
        table: "interactions", "items" or "users".
        files: names of the files read.
        rows: rows read, bad ones included.
        added: rows that are new in the table.
        updated: items or users that were there and got the new values.
        left_out: rows that were not taken, by reason.
        removed: rows that were in the table and are not any more, by reason.
        columns: the file's column of each role.
        understood: sentences on what was guessed and how values were read.
        total: rows now in the table; `users` and `items`: how many different ones (interactions only).
        new_columns: columns that the table did not have before.
        ties: events and users whose order the times, or positions where there are only those, leave open
            (interactions only).
        ties_in: what is tied, "time" or "order"; ties_by: what then settles it.
        times_filled: events whose time was blank and was taken from a neighbour.
        unknown_items: items in the interactions that the `items` table does not have, None without one.
        bad_rows: the first rows that could not be read.
    """

    table: str
    files: tuple[str, ...]
    rows: int
    added: int
    updated: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    understood: tuple[str, ...] = ()
    total: int = 0
    users: int | None = None
    items: int | None = None
    new_columns: tuple[str, ...] = ()
    ties: Ties | None = None
    ties_in: str = "time"
    ties_by: str = "the rows read"
    times_filled: int = 0
    unknown_items: int | None = None
    bad_rows: tuple[BadRow, ...] = ()

    @property
    def skipped(self) -> int:
        """Rows that could not be read and were left out."""
        return sum(count for reason, count in self.left_out.items() if reason.startswith("unreadable"))

    def to_dict(self) -> dict[str, object]:
        """All of it, JSON-serialisable."""
        content: dict[str, object] = asdict(self)
        content["bad_rows"] = [str(row) for row in self.bad_rows]
        return content

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        files = self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"
        changed = f", {self.updated:,} updated" if self.updated else ""
        found = [f"{self.table}: {_count(self.rows, 'row')} read from {files}, {self.added:,} added{changed}"]
        found += [f"  {sentence}" for sentence in self.understood]
        found += [f"  {_count(count, 'row')} left out: {reason}" for reason, count in self.left_out.items()]
        found += [f"    {row}" for row in self.bad_rows]
        if self.skipped > len(self.bad_rows):
            found.append(f"    and {self.skipped - len(self.bad_rows):,} more")
        found += [
            f"  {_count(count, 'stored row')} removed: {reason}" for reason, count in self.removed.items()
        ]
        if self.times_filled:
            times = _count(self.times_filled, "blank time")
            found.append(f"  {times} filled with the time of the user's event before, or else after")
        if self.new_columns:
            found.append(f"  new columns: {', '.join(self.new_columns)}")
        if self.users is not None and self.items is not None:
            found.append(
                f"  now {_count(self.total, 'event')} of {_count(self.users, 'user')} with "
                f"{_count(self.items, 'item')}"
            )
        else:
            found.append(f"  now {_count(self.total, self.table.removesuffix('s'))}")
        if self.ties is not None and self.ties.of_events:
            found.append(f"  {self._tied(self.ties)}")
        if self.unknown_items:
            found.append(f"  {_count(self.unknown_items, 'item')} of the events not in the items table")
        return found

    def _tied(self, ties: Ties) -> str:
        if not ties.events:
            return f"no event is tied in {self.ties_in} with a neighbour"
        events, users = ties.events / ties.of_events, ties.users / ties.of_users
        return (
            f"{events:.1%} of events are tied in {self.ties_in} with a neighbour, the last event of "
            f"{users:.1%} of users is; ties stand in the order of {self.ties_by}"
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
