"""Rows that cannot be read: counted, located, and never dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from guided_store.errors import DataError

EXAMPLES = 10


@dataclass(frozen=True)
class BadRow:
    """One row that cannot be read.

    Attributes:
        file: its file's name.
        unit: "line" of a text file or "row" of a Parquet file, from 1.
        number: which one.
        reason: what is wrong with it.
    """

    file: str
    unit: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file} {self.unit} {self.number}: {self.reason}"


class BadRows:
    """Collects the bad rows of an ingest.

    Attributes:
        count: all of them.
        kinds: how many of each kind.
        examples: the first `EXAMPLES` of them, located, in the order of files and lines.
    """

    def __init__(self, on_error: Literal["fail", "skip"]) -> None:
        self.on_error = on_error
        self.count = 0
        self.kinds: Counter[str] = Counter()
        self.examples: list[BadRow] = []
        self._pending: list[tuple[int, str]] = []

    def add(self, kind: str, records: Sequence[int], reason: Callable[[int], str]) -> None:
        """Count bad records of the file being read; `reason(n)` words the n-th of them."""
        self.count += len(records)
        self.kinds[kind] += len(records)
        for place in range(min(len(records), EXAMPLES)):
            self._pending.append((int(records[place]), reason(place)))

    def settle(self, file: str, unit: str, locate: Callable[[list[int]], list[int]], *, last: bool) -> None:
        """After a chunk of a file (`last`: after the file), turn record numbers into line numbers.

        Raises:
            DataError: there are bad rows, and `on_error` is "fail".
        """
        self._pending = sorted(self._pending)[:EXAMPLES]
        failed = bool(self.count) and self.on_error == "fail"
        if failed or last:
            numbers = locate([record for record, _ in self._pending])
            found = [
                BadRow(file, unit, number, text)
                for number, (_, text) in zip(numbers, self._pending, strict=True)
            ]
            self.examples = [*self.examples, *found][:EXAMPLES]
            self._pending = []
        if failed:
            self._raise()

    def _raise(self) -> None:
        more = [f"{row.unit} {row.number}" for row in self.examples[1:4]]
        others = f" (so far {self.count:,} such rows, also {', '.join(more)})" if more else ""
        raise DataError(
            f"{self.examples[0]}{others}; nothing was written: correct the file, or leave such rows out with "
            "--on-error skip"
        )
