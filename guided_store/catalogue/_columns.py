"""Which column of a file is what: named by the caller, or guessed among common names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guided_store.errors import UsageError

# In the order of preference; compared without case, "_" and blanks.
COMMON = {
    "user": ("userid", "user", "reviewerid", "uid"),
    "item": ("itemid", "item", "movieid", "parentasin", "asin", "productid", "iid"),
    "time": ("timestamp", "time", "ts", "unixreviewtime", "datetime", "date"),
    "order": ("position", "order", "sequence", "seq"),
    "weight": ("rating", "weight", "overall", "score"),
    "item_id": ("itemid", "item", "movieid", "parentasin", "asin", "productid", "iid", "id"),
    "title": ("title", "name"),
}
# Columns that describe an item, in the order in which they are composed into its text.
COMMON_TEXT = (
    *(
        "genres",
        "genre",
        "categories",
        "category",
        "brand",
        "store",
        "director",
        "actors",
        "author",
        "authors",
    ),
    *("description", "plot", "overview", "synopsis", "summary", "features"),
)


@dataclass(frozen=True)
class Columns:
    """What was settled: the file's column of each role, and which roles were guessed."""

    names: dict[str, str]
    guessed: tuple[str, ...]

    def get(self, role: str) -> str | None:
        """The column of a role, or None."""
        return self.names.get(role)

    @property
    def sentence(self) -> str | None:
        """What was guessed, in words."""
        if not self.guessed:
            return None
        return "columns guessed: " + ", ".join(f"{role} = {self.names[role]!r}" for role in self.guessed)


def settle(
    path: Path, names: Sequence[str], named: dict[str, str | None], guess: Sequence[str], need: Sequence[str]
) -> Columns:
    """Find the column of every role.

    Args:
        path: the file, for the error.
        names: its columns.
        named: the roles and what the caller named for each (None: nothing).
        guess: roles to guess where nothing was named.
        need: roles that must be found.

    Raises:
        UsageError: a named column is not in the file, or a needed one was not found; lists the columns.
    """
    settled: dict[str, str] = {}
    guessed: list[str] = []
    for role, name in named.items():
        if name is not None:
            if name not in names:
                raise UsageError(f"{path} has no column {name!r} for {option(role)}; {listing(names)}")
            settled[role] = name
    for role in guess:
        if role not in settled:
            found = _guess(names, role, taken=set(settled.values()))
            if found is not None:
                settled[role] = found
                guessed.append(role)
    for role in need:
        if role not in settled:
            raise UsageError(
                f"{path}: say which column is the {_words(role)} with {option(role)}; {listing(names)}"
            )
    return Columns(settled, tuple(guessed))


def listing(names: Sequence[str]) -> str:
    """The columns of a file, for an error message."""
    shown = ", ".join(repr(name) for name in names[:30]) + (", ..." if len(names) > 30 else "")
    if names and all(_numeric(name) for name in names):
        return (
            f"its columns are {shown} (if that is a row of data, say --no-header and name columns 1, 2, ...)"
        )
    return f"its columns are {shown}"


def option(role: str) -> str:
    """The command-line option of a role."""
    return "--item" if role == "item_id" else f"--{role}"


def plain(name: str) -> str:
    """A column name as `COMMON` has it."""
    return name.casefold().replace("_", "").replace(" ", "").replace("-", "")


def _guess(names: Sequence[str], role: str, taken: set[str]) -> str | None:
    for common in COMMON[role]:
        for name in names:
            if plain(name) == common and name not in taken:
                return name
    return None


def _words(role: str) -> str:
    return {"user": "user id", "item": "item id", "item_id": "item id"}.get(role, role)


def _numeric(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
