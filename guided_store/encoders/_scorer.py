"""A stored version with its encoder, ready to be judged."""

from __future__ import annotations

from guided_store.catalogue import Split
from guided_store.encoders._encoder import load_encoder
from guided_store.evaluation import EncodedScorer
from guided_store.store import Store
from guided_store.versions import Ref, load_embedding


def load_scorer(store: Store, ref: str | Ref, split: Split) -> tuple[EncodedScorer, str]:
    """A version with its encoder as a scorer, and a warning ("" for none).

    The warning says when the encoder was trained on another split than the one it is to be judged on, since
    it may then have seen the answers.

    Raises:
        UsageError, VersionError, EncoderError: as `load_embedding` and `load_encoder`.
    """
    embedding = load_embedding(store, ref)
    encoder = load_encoder(store, embedding)
    trained_on = encoder.manifest.training
    warning = ""
    if trained_on.get("split") != split.digest:
        warning = (
            f"{ref} was trained on another split ({trained_on.get('split_kind', 'unknown')}, "
            f"{str(trained_on.get('split', '?'))[:12]}): it may have seen the events it is judged on here"
        )
    scorer = EncodedScorer(str(ref), encoder, embedding.item_ids, embedding.vectors, embedding.bias)
    return scorer, warning
