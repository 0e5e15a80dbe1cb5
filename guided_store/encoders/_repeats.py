"""Whether items of the history may come again, where nobody says so."""

from __future__ import annotations

from collections.abc import Iterable

from guided_store.encoders._encoder import read_manifest
from guided_store.errors import UsageError
from guided_store.evaluation import Repeats
from guided_store.store import Store
from guided_store.versions import Ref


def trained_repeats(store: Store, refs: Iterable[Ref]) -> Repeats:
    """What all the versions were trained for.

    Raises:
        UsageError: they differ, or one has no encoder.
        EncoderError: a damaged encoder.
    """
    asked = {str(ref): read_manifest(store, ref)[0].training.get("repeats", "exclude") for ref in refs}
    if len(set(asked.values())) > 1:
        told = ", ".join(f"{ref} {value}" for ref, value in asked.items())
        raise UsageError(f"the versions were trained for different --repeats ({told}); give one for all")
    return "allow" if "allow" in asked.values() else "exclude"
