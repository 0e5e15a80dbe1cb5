"""Sequential encoders: torch models, their training, and the artifacts they become."""

from guided_store.encoders._config import EncoderConfig, TrainingConfig
from guided_store.encoders._encoder import Encoder, EncoderManifest, load_encoder, read_manifest
from guided_store.encoders._lineage import ancestry, training_warnings
from guided_store.encoders._sasrec import SASRec
from guided_store.encoders._scorer import load_scorer
from guided_store.encoders._train import TrainResult, train
from guided_store.encoders._training import Outcome

__all__ = [
    "Encoder",
    "EncoderConfig",
    "EncoderManifest",
    "Outcome",
    "SASRec",
    "TrainResult",
    "TrainingConfig",
    "ancestry",
    "load_encoder",
    "load_scorer",
    "read_manifest",
    "train",
    "training_warnings",
]
