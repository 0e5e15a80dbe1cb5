"""Cold start: items without interactions, how they are ranked, and what recommending them costs."""

from guided_store.coldstart._calibration import WARM_LOSS, Calibration, calibrate_cold
from guided_store.coldstart._cases import Cases, cold_cases, warm_cases
from guided_store.coldstart._evaluate import ColdRow, Figures, evaluate_cold
from guided_store.coldstart._experiment import ColdReport, run_coldstart
from guided_store.coldstart._model import METHODS, ColdModel, fill_rows, from_text, load_model
from guided_store.coldstart._protocol import Protocol
from guided_store.coldstart._ranking import ranks_among
from guided_store.coldstart._ratio import Ratio, ratio_of_means
from guided_store.coldstart._scorers import AttributeScorer, ContentCosine, RandomScorer
from guided_store.coldstart._sets import ColdSets, cold_sets, without_items
from guided_store.coldstart._systems import Candidate, Choice, System, choose
from guided_store.coldstart._text import item_texts, text_features
from guided_store.coldstart._write import write_calibrated

__all__ = [
    "METHODS",
    "WARM_LOSS",
    "AttributeScorer",
    "Calibration",
    "Candidate",
    "Cases",
    "Choice",
    "ColdModel",
    "ColdReport",
    "ColdRow",
    "ColdSets",
    "ContentCosine",
    "Figures",
    "Protocol",
    "RandomScorer",
    "Ratio",
    "System",
    "calibrate_cold",
    "choose",
    "cold_cases",
    "cold_sets",
    "evaluate_cold",
    "fill_rows",
    "from_text",
    "item_texts",
    "load_model",
    "ranks_among",
    "ratio_of_means",
    "run_coldstart",
    "text_features",
    "warm_cases",
    "without_items",
    "write_calibrated",
]
