"""Attribute schemas: a domain's interpretable attributes, each with the meaning of its two ends."""

from guided_store.attributes._check import Remark, check_schema
from guided_store.attributes._read import list_packs, load_schema, parse_schema, schema_from_dict
from guided_store.attributes._schema import Attribute, AttributeSchema

__all__ = [
    "Attribute",
    "AttributeSchema",
    "Remark",
    "check_schema",
    "list_packs",
    "load_schema",
    "parse_schema",
    "schema_from_dict",
]
