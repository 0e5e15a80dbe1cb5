"""From a configuration to a model."""

from __future__ import annotations

from guided_store.encoders._bert4rec import BERT4Rec
from guided_store.encoders._config import EncoderConfig
from guided_store.encoders._gru4rec import GRU4Rec
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._sasrec import SASRec

MODELS: dict[str, type[SequenceModel]] = {"sasrec": SASRec, "gru4rec": GRU4Rec, "bert4rec": BERT4Rec}
"""Models by `EncoderConfig.architecture`."""


def make_model(config: EncoderConfig) -> SequenceModel:
    """The model that a configuration describes; its weights are torch's own start until `reset`."""
    return MODELS[config.architecture](config)
