"""A stored version with its encoder, ready to be judged."""

from __future__ import annotations

from guided_store.catalogue import Split
from guided_store.encoders._encoder import load_encoder
from guided_store.encoders._lineage import training_warnings
from guided_store.encoders._prior import priors_of
from guided_store.evaluation import EncodedScorer
from guided_store.store import Store
from guided_store.versions import Ref, load_embedding


def load_scorer(store: Store, ref: str | Ref, split: Split) -> tuple[EncodedScorer, list[str]]:
    """A version with its encoder as a scorer, and warnings where it may have seen the answers.

    Trained with priors of users, the encoder reads them here too.

    Raises:
        UsageError, VersionError, EncoderError: as `load_embedding` and `load_encoder`.
    """
    embedding = load_embedding(store, ref)
    encoder = load_encoder(store, embedding)
    scorer = EncodedScorer(
        str(ref),
        encoder,
        embedding.item_ids,
        embedding.vectors,
        embedding.bias,
        priors=priors_of(store, encoder, embedding),
    )
    return scorer, training_warnings(store, ref, split)
