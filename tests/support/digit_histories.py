"""Histories written as digits, for tests of what is shown of users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from guided_store.catalogue import InteractionLayout, ingest_interactions
from guided_store.store import Store


def put_events(store: Store, folder: Path, histories: Mapping[str, str]) -> None:
    """Ingest histories of film numbers, oldest first: "012" is i0, then i1, then i2."""
    rows = [
        f"{user},i{film},{1000 + place}\n"
        for user, history in histories.items()
        for place, film in enumerate(history)
    ]
    (folder / "events.csv").write_text("user,item,time\n" + "".join(rows))
    layout = InteractionLayout(user="user", item="item", time="time")
    ingest_interactions(store, folder / "events.csv", layout)
