"""What a sentence-transformers model says of texts: scores without an API, and base vectors."""

from guided_store.local._base import build_sentence_base
from guided_store.local._embedder import Embedder
from guided_store.local._report import LocalReport
from guided_store.local._scale import MINIMUM_TEXTS
from guided_store.local._score import score_locally

__all__ = ["MINIMUM_TEXTS", "Embedder", "LocalReport", "build_sentence_base", "score_locally"]
