"""Attribute scores of items: import and export, how far they agree, and guided versions made of them."""

from guided_store.scoring._agreement import (
    AgreementReport,
    AttributeAgreement,
    Disagreement,
    Source,
    agreement,
)
from guided_store.scoring._agreement_stats import icc_a1, krippendorff_alpha
from guided_store.scoring._average import MINIMUM_COVERAGE
from guided_store.scoring._export import ScoreExport, export_scores
from guided_store.scoring._guided import build_guided, guided_schema
from guided_store.scoring._import import MATCHES, MINIMUM_AGREEMENT, import_scores
from guided_store.scoring._result import ScoreImport
from guided_store.scoring._schema_of import choose_schema, source_kind
from guided_store.scoring._source import Columns
from guided_store.scoring._titles import Title, normalise_title, titles_agree

__all__ = [
    "MATCHES",
    "MINIMUM_AGREEMENT",
    "MINIMUM_COVERAGE",
    "AgreementReport",
    "AttributeAgreement",
    "Columns",
    "Disagreement",
    "ScoreExport",
    "ScoreImport",
    "Source",
    "Title",
    "agreement",
    "build_guided",
    "choose_schema",
    "export_scores",
    "guided_schema",
    "icc_a1",
    "import_scores",
    "krippendorff_alpha",
    "normalise_title",
    "source_kind",
    "titles_agree",
]
