"""Joining a file of scores to the catalogue: by item id, or by title and year."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.scoring._titles import Title, normalise_title, titles_agree


@dataclass(frozen=True)
class Match:
    """Which source row each catalogue item takes its scores from.

    Attributes:
        rows: int64 (n,), source row of each catalogue item, -1 where there is none.
        ambiguous: sentences, one for each item that several source rows fit; such an item has row -1.
        near_years: items matched with a year that is off by one.
        shared: items that take a row which another item takes too (one film listed twice).
    """

    rows: NDArray[np.int64]
    ambiguous: tuple[str, ...] = ()
    near_years: int = 0
    shared: int = 0


def match_ids(items: Sequence[str], source: Sequence[str]) -> Match:
    """Join by equal ids; source ids are unique."""
    row_of = {item: row for row, item in enumerate(source)}
    return Match(np.array([row_of.get(item, -1) for item in items], np.int64))


def read_titles(titles: Sequence[str | None], years: Sequence[int | None] | None) -> list[Title]:
    """Titles in joining form; a year given in `years` comes before one in the title's brackets."""
    read = [normalise_title(title or "") for title in titles]
    if years is None:
        return read
    return [
        title if year is None else Title(title.key, title.others, int(year))
        for title, year in zip(read, years, strict=True)
    ]


def match_titles(items: Sequence[Title], source: Sequence[Title], *, use_year: bool) -> Match:
    """Join by normalised title, and by year where `use_year`.

    Passes, the stricter first; an item leaves at its first pass with a fitting row:

    1. same main title, same year;
    2. any title in common (bracketed alternatives, leading article left off), same year;
    3. and 4. the same with a year that is off by one, among the source rows that passes 1 and 2 left over.

    Several fitting rows at that pass, or several items at passes 3 and 4 that want one row, are ambiguous:
    they are reported and not guessed. Items without a year do not take part where `use_year`.
    """
    by_main: dict[str, list[int]] = defaultdict(list)
    by_any: dict[str, list[int]] = defaultdict(list)
    for row, title in enumerate(source):
        if title.key:
            by_main[title.key].append(row)
        for key in title.keys:
            by_any[key].append(row)

    rows = np.full(len(items), -1, np.int64)
    ambiguous: dict[int, str] = {}
    taken: set[int] = set()
    near = 0
    for tolerance in (0, 1) if use_year else (0,):
        free = None if tolerance == 0 else taken.copy()
        for index in (by_main, by_any):
            found = {}
            for item, title in enumerate(items):
                if rows[item] >= 0 or item in ambiguous or (use_year and title.year is None):
                    continue
                keys = (title.key,) if index is by_main else title.keys
                fits = {row for key in keys for row in index.get(key, ())}
                if use_year:
                    fits = {row for row in fits if _years_fit(source[row], title, tolerance)}
                if free is not None:
                    fits -= free
                if len(fits) == 1:
                    found[item] = next(iter(fits))
                elif fits:
                    ambiguous[item] = f"{_shown(title)} fits {_listed(source, fits)}"
            if tolerance:
                wanted = Counter(found.values())
                for item, row in list(found.items()):
                    if wanted[row] > 1:
                        ambiguous[item] = (
                            f"{_shown(items[item])} is one of {wanted[row]} items near {_shown(source[row])}"
                        )
                        del found[item]
                near += len(found)
            for item, row in found.items():
                rows[item] = row
            taken.update(found.values())
    uses = Counter(rows[rows >= 0].tolist())
    shared = sum(count for count in uses.values() if count > 1)
    return Match(rows, tuple(ambiguous[item] for item in sorted(ambiguous)), near, shared)


def disagreeing(
    match: Match, items: Sequence[Title], source: Sequence[Title]
) -> tuple[int, list[tuple[int, int]]]:
    """Joined pairs that carry titles on both sides, and those (item, row) of them whose titles disagree."""
    joined = [
        (item, int(row))
        for item, row in enumerate(match.rows)
        if row >= 0 and items[item].key and source[row].key
    ]
    return len(joined), [(i, r) for i, r in joined if not titles_agree(items[i], source[r])]


def _years_fit(row: Title, item: Title, tolerance: int) -> bool:
    return row.year is not None and item.year is not None and abs(row.year - item.year) <= tolerance


def _shown(title: Title) -> str:
    return f"{title.key!r}" + (f" ({title.year})" if title.year else "")


def _listed(source: Sequence[Title], rows: Iterable[int]) -> str:
    shown = sorted(rows)
    text = ", ".join(f"{_shown(source[row])}" for row in shown[:3])
    return f"{len(shown)} rows: {text}" + (", ..." if len(shown) > 3 else "")
