"""Whether explanations can be believed: what scores are made of, how sparse, faithful and stable they are."""

from guided_store.interpretation._auc import Auc, auc
from guided_store.interpretation._faithfulness import Faithfulness
from guided_store.interpretation._interpret import (
    Interpretation,
    Interpretations,
    interpret,
    interpret_versions,
)
from guided_store.interpretation._moves import Intervention, Moves
from guided_store.interpretation._sparsity import Sparsity
from guided_store.interpretation._stability import Stability, stability
from guided_store.interpretation._tables import tables
from guided_store.interpretation._tag_words import TagWords, load_tag_words
from guided_store.interpretation._tags import (
    ItemTags,
    TagAgreement,
    TaggedAttribute,
    read_tags,
    tag_agreement,
)
from guided_store.interpretation._variance import VarianceShares

__all__ = [
    "Auc",
    "Faithfulness",
    "Interpretation",
    "Interpretations",
    "Intervention",
    "ItemTags",
    "Moves",
    "Sparsity",
    "Stability",
    "TagAgreement",
    "TagWords",
    "TaggedAttribute",
    "VarianceShares",
    "auc",
    "interpret",
    "interpret_versions",
    "load_tag_words",
    "read_tags",
    "stability",
    "tables",
    "tag_agreement",
]
