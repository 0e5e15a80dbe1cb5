"""A blind survey of people: two versions' lists side by side, and their answers as figures."""

from guided_store.survey._preference import Preference, wilson
from guided_store.survey._result import Rating, SurveyResult, read_survey
from guided_store.survey._tables import tables, verdict
from guided_store.survey._write import SurveyWritten, write_survey

__all__ = [
    "Preference",
    "Rating",
    "SurveyResult",
    "SurveyWritten",
    "read_survey",
    "tables",
    "verdict",
    "wilson",
    "write_survey",
]
