"""Attribute scores of items: import and export, how far they agree, and guided versions made of them."""

from guided_store.scoring._agreement import (
    AgreementReport,
    AttributeAgreement,
    Disagreement,
    Source,
    agreement,
)
from guided_store.scoring._agreement_stats import icc_a1, krippendorff_alpha
from guided_store.scoring._attribute_table import AttributeTable, attributes_of, guided_of, load_attributes
from guided_store.scoring._export import ScoreExport, export_scores
from guided_store.scoring._guided import build_guided, guided_schema
from guided_store.scoring._import import import_scores
from guided_store.scoring._result import ScoreImport
from guided_store.scoring._schema_of import choose_schema, source_kind
from guided_store.scoring._source import Columns
from guided_store.scoring._users import build_users

__all__ = [
    "AgreementReport",
    "AttributeAgreement",
    "AttributeTable",
    "Columns",
    "Disagreement",
    "ScoreExport",
    "ScoreImport",
    "Source",
    "agreement",
    "attributes_of",
    "build_guided",
    "build_users",
    "choose_schema",
    "export_scores",
    "guided_of",
    "guided_schema",
    "icc_a1",
    "import_scores",
    "krippendorff_alpha",
    "load_attributes",
    "source_kind",
]
