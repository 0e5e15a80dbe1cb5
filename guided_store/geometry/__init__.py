"""How versions differ beside their accuracy: neighbours of items, likeness of lists, drift of scores."""

from guided_store.geometry._compare import NEIGHBOURS, compare_geometry
from guided_store.geometry._drift import POINTS, AttributeDrift, Drift, ItemDrift, drift
from guided_store.geometry._geometry import ChangedItem, Geometry, NeighbourOverlap
from guided_store.geometry._lists import ChangedUser, ListOverlap, ListPair, list_overlap
from guided_store.geometry._map import MAP_ITEMS, CatalogueMap, catalogue_map
from guided_store.geometry._named import NamedItem
from guided_store.geometry._neighbours import nearest
from guided_store.geometry._ranked import (
    PERSISTENCE,
    list_overlap_at,
    order_agreement,
    rank_biased_overlap,
)
from guided_store.geometry._section import LEAST_EVENTS, GeometrySection, geometry_section
from guided_store.geometry._shape import Shape, effective_dimension, linear_cka, mean_cosine
from guided_store.geometry._tables import tables

__all__ = [
    "LEAST_EVENTS",
    "MAP_ITEMS",
    "NEIGHBOURS",
    "PERSISTENCE",
    "POINTS",
    "AttributeDrift",
    "CatalogueMap",
    "ChangedItem",
    "ChangedUser",
    "Drift",
    "Geometry",
    "GeometrySection",
    "ItemDrift",
    "ListOverlap",
    "ListPair",
    "NamedItem",
    "NeighbourOverlap",
    "Shape",
    "catalogue_map",
    "compare_geometry",
    "drift",
    "effective_dimension",
    "geometry_section",
    "linear_cka",
    "list_overlap",
    "list_overlap_at",
    "mean_cosine",
    "nearest",
    "order_agreement",
    "rank_biased_overlap",
    "tables",
]
