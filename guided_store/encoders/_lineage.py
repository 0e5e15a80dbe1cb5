"""What the vectors of a version have seen: its own training and that of everything it was made from."""

from __future__ import annotations

from guided_store.catalogue import Split
from guided_store.store import Store
from guided_store.versions import Ref, ancestry


def training_warnings(store: Store, ref: str | Ref, split: Split) -> list[str]:
    """Why figures of a version on `split` may flatter it; empty where all its training kept to the split.

    A version that was trained on another split, or made from one that was, may have the answers in its
    vectors; of vectors that were brought from elsewhere nobody can say.
    """
    warnings = []
    for info in ancestry(store, ref):
        by = str(info.ref) if str(info.ref) == str(ref) else f"{info.ref}, which {ref} is made from,"
        training = info.recipe.get("training")
        if isinstance(training, dict) and training.get("split") != split.digest:
            kind, digest = training.get("split_kind", "unknown"), str(training.get("split", "?"))[:12]
            warnings.append(
                f"{by} was trained on another split ({kind}, {digest}): it may have seen the events that are "
                "held out here"
            )
        elif info.recipe.get("method") == "imported vectors" and training is None:
            warnings.append(f"{by} was brought from elsewhere: whether it saw held-out events is unknown")
    return warnings
