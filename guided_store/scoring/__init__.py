"""Attribute scores of items: importing them, the ledger that keeps every answer, and guided versions."""

from guided_store.scoring._guided import MINIMUM_COVERAGE, build_guided, guided_schema
from guided_store.scoring._import import MATCHES, MINIMUM_AGREEMENT, import_scores
from guided_store.scoring._ledger import RunInfo, append_rows, list_runs
from guided_store.scoring._result import ScoreImport
from guided_store.scoring._source import Columns
from guided_store.scoring._titles import Title, normalise_title, titles_agree

__all__ = [
    "MATCHES",
    "MINIMUM_AGREEMENT",
    "MINIMUM_COVERAGE",
    "Columns",
    "RunInfo",
    "ScoreImport",
    "Title",
    "append_rows",
    "build_guided",
    "guided_schema",
    "import_scores",
    "list_runs",
    "normalise_title",
    "titles_agree",
]
