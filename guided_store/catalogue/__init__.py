"""Items, interactions, sequences and splits."""

from guided_store.catalogue._badrows import BadRow
from guided_store.catalogue._describe import Description, describe
from guided_store.catalogue._folders import FolderLayout, detect_folder, ingest_folder, ingest_movielens
from guided_store.catalogue._ingest import ingest_interactions
from guided_store.catalogue._ingest_items import ingest_items, ingest_users
from guided_store.catalogue._load import Items, has_interactions, load_items, load_sequences
from guided_store.catalogue._options import (
    FileFormat,
    IngestOptions,
    InteractionLayout,
    ItemLayout,
    UserLayout,
)
from guided_store.catalogue._order import Ties
from guided_store.catalogue._report import IngestReport
from guided_store.catalogue._schemas import INTERACTIONS_SCHEMA, ITEMS_SCHEMA, USERS_SCHEMA
from guided_store.catalogue._sequences import Sequences, Split, Targets
from guided_store.catalogue._splits import leave_one_out, no_split, time_split

__all__ = [
    "INTERACTIONS_SCHEMA",
    "ITEMS_SCHEMA",
    "USERS_SCHEMA",
    "BadRow",
    "Description",
    "FileFormat",
    "FolderLayout",
    "IngestOptions",
    "IngestReport",
    "InteractionLayout",
    "ItemLayout",
    "Items",
    "Sequences",
    "Split",
    "Targets",
    "Ties",
    "UserLayout",
    "describe",
    "detect_folder",
    "has_interactions",
    "ingest_folder",
    "ingest_interactions",
    "ingest_items",
    "ingest_movielens",
    "ingest_users",
    "leave_one_out",
    "load_items",
    "load_sequences",
    "no_split",
    "time_split",
]
