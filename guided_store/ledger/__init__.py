"""The ledger of scores: every answer ever given about an item, by run, and what is still to be asked."""

from guided_store.ledger._answers import Answers, mean_known, read_answers, spread_known
from guided_store.ledger._holdings import Holdings
from guided_store.ledger._listing import RunInfo, choose_run, list_runs
from guided_store.ledger._naming import default_name, free_name
from guided_store.ledger._rows import SCHEMA, TABLE, append_rows, find_rows, run_batches
from guided_store.ledger._runs import RunRecord, find_run, held_run, need_run, record_run, run_records
from guided_store.ledger._shown import iter_shown
from guided_store.ledger._texts import MAX_CHARS, ItemText, choose_fields, iter_texts
from guided_store.ledger._users import UserHistories, user_key

__all__ = [
    "MAX_CHARS",
    "SCHEMA",
    "TABLE",
    "Answers",
    "Holdings",
    "ItemText",
    "RunInfo",
    "RunRecord",
    "UserHistories",
    "append_rows",
    "choose_fields",
    "choose_run",
    "default_name",
    "find_rows",
    "find_run",
    "free_name",
    "held_run",
    "iter_shown",
    "iter_texts",
    "list_runs",
    "mean_known",
    "need_run",
    "read_answers",
    "record_run",
    "run_batches",
    "run_records",
    "spread_known",
    "user_key",
]
