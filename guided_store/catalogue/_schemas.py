"""Arrow schemas of the catalogue's three tables."""

from __future__ import annotations

import pyarrow as pa

ITEMS = "items"
INTERACTIONS = "interactions"
USERS = "users"

INTERACTIONS_SCHEMA = pa.schema(
    [
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        # Seconds since 1970, or null where the data has an order only.
        pa.field("timestamp", pa.int64()),
        # Order inside equal times. Where no order column was given but times had fractions: microseconds.
        pa.field("position", pa.int64()),
        pa.field("weight", pa.float32()),
        # Grows with every row read, over all ingests: the last word in ties.
        pa.field("ingestion", pa.int64(), nullable=False),
        # Whether `timestamp` was blank and taken from a neighbour.
        pa.field("time_filled", pa.bool_(), nullable=False),
    ]
)

# Further columns follow as the user has them.
ITEMS_SCHEMA = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("text", pa.string()),
    ]
)

# Group columns follow as the user has them.
USERS_SCHEMA = pa.schema([pa.field("user_id", pa.string(), nullable=False)])
