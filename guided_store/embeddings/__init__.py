"""The maths of base, guided and refined embeddings, and the versions made by it."""

from guided_store.embeddings._base import build_base_from_file, import_base
from guided_store.embeddings._pca import Reduction, pca
from guided_store.embeddings._refined import GUIDED_SCALE, LATENT_RMS, build_refined
from guided_store.embeddings._standardise import Standardised, standardise

__all__ = [
    "GUIDED_SCALE",
    "LATENT_RMS",
    "Reduction",
    "Standardised",
    "build_base_from_file",
    "build_refined",
    "import_base",
    "pca",
    "standardise",
]
