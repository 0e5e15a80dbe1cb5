"""Scores without an API: by how near texts are to an attribute's ends in a sentence-transformers model."""

from guided_store.local._embedder import Embedder
from guided_store.local._report import LocalReport
from guided_store.local._scale import MINIMUM_TEXTS
from guided_store.local._score import score_locally

__all__ = ["MINIMUM_TEXTS", "Embedder", "LocalReport", "score_locally"]
