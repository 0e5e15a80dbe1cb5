"""Names of versions: `kind/name`, as in `refined/films-v1`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from guided_store.errors import UsageError

KINDS = ("base", "guided", "refined")
"""The three kinds of item embeddings; each is one table."""

USERS = "users"
"""Attribute vectors of users: a table and versions like the others, whose rows are no items.

Only what asks for users finds them: `parse_ref` takes no text of this kind, so that they cannot be trained
on, indexed or served in an item version's place.
"""

TABLES = (*KINDS, USERS)
"""Every kind, each of them one table."""


def table_of(kind: str) -> str:
    """The table that holds a kind's vectors: of its name, but for users.

    The table `users` is the catalogue's, with what `ingest users` knows of them.
    """
    return "user_vectors" if kind == USERS else kind


_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, order=True)
class Ref:
    """Names one embedding version: its kind (the table) and its name (the Lance tag)."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def check_name(name: str) -> str:
    """Return `name` where it is a legal version or alias name, else raise UsageError.

    Legal: 1 to 64 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit, not ending in a dot or
    ".lock" and without ".." (Lance refuses these as tags).
    """
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise UsageError(
            f"{name!r} is not a legal name; use up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a "
            "letter or digit"
        )
    return name


def parse_ref(text: str | Ref) -> Ref:
    """Parse "kind/name"; raises UsageError that shows the form where `text` does not have it.

    A `Ref` of the kind `USERS` passes; its text does not, see there.
    """
    if isinstance(text, Ref) and text.kind == USERS:
        return Ref(USERS, check_name(text.name))
    kind, slash, name = str(text).partition("/")
    if not slash or kind not in KINDS:
        raise UsageError(
            f"{text!r} does not name an embedding version; write base/NAME, guided/NAME or refined/NAME"
        )
    return Ref(kind, check_name(name))


def users_ref(text: str | Ref) -> Ref:
    """The reference that "users/NAME", or the name alone, stands for; raises UsageError for anything else."""
    kind, slash, name = str(text).rpartition("/")
    if slash and kind != USERS:
        raise UsageError(f"{str(text)!r} does not name vectors of users; write users/NAME")
    return Ref(USERS, check_name(name))
