"""What the options before the command say, and how commands reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from guided_store.progress import Progress
    from guided_store.store import Store

DEFAULT_STORE = "store"


@dataclass(frozen=True)
class Settings:
    """The global options.

    Attributes:
        uri: folder of the store.
        named: whether the user named it (or the default is meant).
        quiet: no progress and no remarks; results only.
        wait: seconds to wait while another process writes to the store.
    """

    uri: str
    named: bool
    quiet: bool
    wait: float

    def open(self, *, write: bool = False) -> Store:
        """The store, which has to exist."""
        from guided_store import store

        return self._told(store.open(self.uri, write=write, wait=self.wait))

    def open_or_create(self) -> Store:
        """The store for writing, made where there is none yet."""
        from guided_store import store

        return self._told(store.open_or_create(self.uri, wait=self.wait))

    def _told(self, store: Store) -> Store:
        for note in store.notes:
            self.say(note)
        return store

    def progress(self) -> Progress:
        """Where work shows how far it is."""
        from cli._progress import make_progress

        return make_progress(quiet=self.quiet)

    def say(self, text: str) -> None:
        """One remark on stderr, unless told to be quiet."""
        if not self.quiet:
            typer.echo(text, err=True)


def settings(ctx: typer.Context) -> Settings:
    """The global options of a running command."""
    found = ctx.obj
    assert isinstance(found, Settings)
    return found
