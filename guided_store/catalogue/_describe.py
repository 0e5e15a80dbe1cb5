"""What a set of sequences looks like."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from guided_store.catalogue._sequences import Sequences
from guided_store.catalogue._times import utc


@dataclass(frozen=True)
class Description:
    """Figures of a set of sequences.

    Attributes:
        users, items, events: how many.
        density: share of (user, item) pairs that occur, repeats counted once.
        lengths: events of a user: the quantiles "min", "25%", "50%", "75%", "95%", "max", and "mean".
        first, last: times of the first and the last event, seconds since 1970; None without times.
    """

    users: int
    items: int
    events: int
    density: float
    lengths: dict[str, float]
    first: int | None
    last: int | None

    def to_dict(self) -> dict[str, object]:
        """All of it, JSON-serialisable."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Sentences for a terminal."""
        lengths = self.lengths
        if self.first is None or self.last is None:
            when = "no times, an order only"
        else:
            when = f"from {utc(self.first)} to {utc(self.last)}"
        return [
            f"{self.events:,} events of {self.users:,} users with {self.items:,} items "
            f"(density {self.density:.3%}), {when}",
            f"events a user: {lengths['mean']:.1f} on average, median {lengths['50%']:g}, "
            f"from {lengths['min']:g} to {lengths['max']:g}, 95% have at most {lengths['95%']:g}",
        ]


def describe(sequences: Sequences) -> Description:
    """Count users, items and events, and measure how they are spread."""
    rows = np.repeat(np.arange(sequences.n_users), sequences.lengths)
    pairs = np.sort(rows * np.int64(max(sequences.n_items, 1)) + sequences.items)
    different = int((pairs[1:] != pairs[:-1]).sum()) + bool(len(pairs))
    cells = sequences.n_users * sequences.n_items
    quantiles = {"min": 0.0, "25%": 0.25, "50%": 0.5, "75%": 0.75, "95%": 0.95, "max": 1.0}
    lengths = sequences.lengths if sequences.n_users else np.zeros(1, np.int64)
    values = np.quantile(lengths, list(quantiles.values()), method="inverted_cdf")
    times = sequences.times if sequences.n_events else None
    return Description(
        users=sequences.n_users,
        items=sequences.n_items,
        events=sequences.n_events,
        density=different / cells if cells else 0.0,
        lengths={
            **{name: float(value) for name, value in zip(quantiles, values, strict=True)},
            "mean": float(lengths.mean()),
        },
        first=None if times is None else int(times.min()),
        last=None if times is None else int(times.max()),
    )
