"""The maths of base, guided and refined embeddings, and the versions made by it."""

from guided_store.embeddings._base import build_base_from_file, import_base
from guided_store.embeddings._lsa import Directions, lsa, tfidf
from guided_store.embeddings._parts import LATENT_RMS
from guided_store.embeddings._pca import Reduction, pca
from guided_store.embeddings._refined import GUIDED_SCALE, build_refined
from guided_store.embeddings._standardise import Standardised, standardise
from guided_store.embeddings._text import build_text_base

__all__ = [
    "GUIDED_SCALE",
    "LATENT_RMS",
    "Directions",
    "Reduction",
    "Standardised",
    "build_base_from_file",
    "build_refined",
    "build_text_base",
    "import_base",
    "lsa",
    "pca",
    "standardise",
    "tfidf",
]
