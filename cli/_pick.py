"""Which version a command means when none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from guided_store.store import Store

PRODUCTION = "production"

Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="VERSION",
        help=f"refined/NAME, base/NAME or an alias; by default the alias {PRODUCTION}, "
        "else the newest refined version with an encoder, else the newest base version with one.",
    ),
]


AnyVersion = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="VERSION",
        help=f"kind/NAME or an alias, with an encoder or without; by default the alias {PRODUCTION}, "
        "else the newest with an encoder, else the newest refined, base or guided version.",
    ),
]


def pick_version(store: Store, named: str | None) -> str:
    """The version to serve from: what was named, or the best guess.

    Raises:
        UsageError: nothing was named, and no version has an encoder.
    """
    from guided_store.errors import UsageError

    found = named or _served(store)
    if found is None:
        raise UsageError("no version of this store has an encoder yet; `guided-store train` makes one")
    return found


def pick_embedding(store: Store, named: str | None) -> str:
    """The version to compare items in: as `pick_version`, else the newest refined, base or guided one.

    Raises:
        UsageError: nothing was named, and the store has no version.
    """
    from guided_store.errors import UsageError
    from guided_store.versions import list_versions

    found = named or _served(store)
    for kind in () if found else ("refined", "base", "guided"):
        if versions := list_versions(store, kind):
            return str(versions[-1].ref)
    if found is None:
        raise UsageError("no versions yet; `guided-store train` or `guided-store build` makes the first")
    return found


def _served(store: Store) -> str | None:
    from guided_store.versions import list_aliases, list_versions

    if any(alias.name == PRODUCTION for alias in list_aliases(store)):
        return PRODUCTION
    encoders = set(store.artifacts("encoders"))
    for kind in ("refined", "base"):
        trained = [str(info.ref) for info in list_versions(store, kind) if str(info.ref) in encoders]
        if trained:
            return trained[-1]
    return None
