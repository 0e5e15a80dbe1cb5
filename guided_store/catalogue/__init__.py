"""Items, interactions, sequences and splits."""

from guided_store.catalogue._sequences import Sequences, Split, Targets

__all__ = ["Sequences", "Split", "Targets"]
