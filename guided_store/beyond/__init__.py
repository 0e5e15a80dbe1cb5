"""Lists beyond accuracy: what they show of the catalogue, how known, how varied, and how true to the user."""

from guided_store.beyond._beyond import K, beyond_accuracy
from guided_store.beyond._catalogue import Whole, coverage, exposure, gini, personalisation
from guided_store.beyond._categories import (
    Categories,
    category_divergence,
    load_categories,
    make_categories,
)
from guided_store.beyond._measures import MEASURES, Measure
from guided_store.beyond._popularity import (
    history_means,
    novelty,
    popular_places,
    popularity,
    popularity_lift,
    serendipity,
    train_users,
    unexpected,
    unexpectedness,
)
from guided_store.beyond._profiles import (
    history_profiles,
    intra_list_diversity,
    list_profiles,
    miscalibration,
)
from guided_store.beyond._sections import BeyondAccuracy, Estimate, Measured
from guided_store.beyond._tables import tables
from guided_store.beyond._uncertainty import jackknife_interval

__all__ = [
    "MEASURES",
    "BeyondAccuracy",
    "Categories",
    "Estimate",
    "K",
    "Measure",
    "Measured",
    "Whole",
    "beyond_accuracy",
    "category_divergence",
    "coverage",
    "exposure",
    "gini",
    "history_means",
    "history_profiles",
    "intra_list_diversity",
    "jackknife_interval",
    "list_profiles",
    "load_categories",
    "make_categories",
    "miscalibration",
    "novelty",
    "personalisation",
    "popular_places",
    "popularity",
    "popularity_lift",
    "serendipity",
    "tables",
    "train_users",
    "unexpected",
    "unexpectedness",
]
