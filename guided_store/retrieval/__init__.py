"""From a user's history to explained recommendations: encode, search, re-score exactly, break down."""

from guided_store.retrieval._bulk import BulkReport, recommend_all, write_recommendations
from guided_store.retrieval._indexes import (
    build_index,
    list_indexes,
    load_index,
    recall_of,
    resolve_index,
    verify_index,
)
from guided_store.retrieval._preferences import Preferences
from guided_store.retrieval._recommender import Recommender
from guided_store.retrieval._results import (
    AttributeTaste,
    Explanation,
    Mover,
    Profile,
    Recommendation,
    Recommendations,
    Term,
    UserAttribute,
    UserVector,
)
from guided_store.retrieval._similar import similar_items

__all__ = [
    "AttributeTaste",
    "BulkReport",
    "Explanation",
    "Mover",
    "Preferences",
    "Profile",
    "Recommendation",
    "Recommendations",
    "Recommender",
    "Term",
    "UserAttribute",
    "UserVector",
    "build_index",
    "list_indexes",
    "load_index",
    "recall_of",
    "recommend_all",
    "resolve_index",
    "similar_items",
    "verify_index",
    "write_recommendations",
]
