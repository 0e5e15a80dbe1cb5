"""Fairness: whom versions serve how well, what they show how often, what an attribute does to that."""

from guided_store.fairness._accuracy import Gap, GroupAccuracy
from guided_store.fairness._audit import LEAST, Fairness, audit
from guided_store.fairness._columns import item_columns, user_columns
from guided_store.fairness._counterfactual import (
    SAMPLE,
    Counterfactual,
    ExposureWithout,
    WithoutAttribute,
    counterfactual,
)
from guided_store.fairness._exposure import GroupExposure
from guided_store.fairness._groups import Grouping, Labels, make_grouping
from guided_store.fairness._lean import AttributeLean
from guided_store.fairness._standing import activity, attribute_bands, popularity, taste
from guided_store.fairness._tables import counterfactual_tables, tables
from guided_store.fairness._wording import favours, findings, strength

__all__ = [
    "LEAST",
    "SAMPLE",
    "AttributeLean",
    "Counterfactual",
    "ExposureWithout",
    "Fairness",
    "Gap",
    "GroupAccuracy",
    "GroupExposure",
    "Grouping",
    "Labels",
    "WithoutAttribute",
    "activity",
    "attribute_bands",
    "audit",
    "counterfactual",
    "counterfactual_tables",
    "favours",
    "findings",
    "item_columns",
    "make_grouping",
    "popularity",
    "strength",
    "tables",
    "taste",
    "user_columns",
]
