"""Sequential encoders: torch models, their training, and the artifacts they become."""

from guided_store.encoders._bert4rec import BERT4Rec
from guided_store.encoders._calibration import apply_calibration
from guided_store.encoders._config import EncoderConfig, TrainingConfig
from guided_store.encoders._distributed import first_of_all
from guided_store.encoders._encoder import (
    Encoder,
    EncoderManifest,
    copy_encoder,
    load_encoder,
    read_manifest,
)
from guided_store.encoders._extend import extend_refined
from guided_store.encoders._gru4rec import GRU4Rec
from guided_store.encoders._lineage import training_warnings
from guided_store.encoders._model import SequenceModel
from guided_store.encoders._models import make_model
from guided_store.encoders._prior import UserPriors, load_priors, priors_of
from guided_store.encoders._repeats import trained_repeats
from guided_store.encoders._sasrec import SASRec
from guided_store.encoders._scorer import load_scorer
from guided_store.encoders._train import TrainResult, train
from guided_store.encoders._training import Outcome

__all__ = [
    "BERT4Rec",
    "Encoder",
    "EncoderConfig",
    "EncoderManifest",
    "GRU4Rec",
    "Outcome",
    "SASRec",
    "SequenceModel",
    "TrainResult",
    "TrainingConfig",
    "UserPriors",
    "apply_calibration",
    "copy_encoder",
    "extend_refined",
    "first_of_all",
    "load_encoder",
    "load_priors",
    "load_scorer",
    "make_model",
    "priors_of",
    "read_manifest",
    "train",
    "trained_repeats",
    "training_warnings",
]
