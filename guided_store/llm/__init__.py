"""Asking a language model for scores: the question, the request, and what may be believed of the answer.

Knows no store. Nothing here sends a request but the client that `make_client` gives.
"""

from guided_store.llm._brief import SchemaBrief, draw_sample
from guided_store.llm._completion import Completion, Usage, read_completion
from guided_store.llm._endpoint import check_base_url, is_openai, make_client
from guided_store.llm._errors import ServerError, error_within, read_error
from guided_store.llm._form import Structured
from guided_store.llm._judge import Verdict, judge, reason_kind
from guided_store.llm._keys import make_keys
from guided_store.llm._prices import Prices
from guided_store.llm._proposal import Proposal
from guided_store.llm._proposal_file import ProposalFile
from guided_store.llm._propose import ProposalError, propose_schema
from guided_store.llm._question import Question
from guided_store.llm._request import LimitField, request_body
from guided_store.llm._tokens import bound_tokens, guess_tokens, was_cut

__all__ = [
    "Completion",
    "LimitField",
    "Prices",
    "Proposal",
    "ProposalError",
    "ProposalFile",
    "Question",
    "SchemaBrief",
    "ServerError",
    "Structured",
    "Usage",
    "Verdict",
    "bound_tokens",
    "check_base_url",
    "draw_sample",
    "error_within",
    "guess_tokens",
    "is_openai",
    "judge",
    "make_client",
    "make_keys",
    "propose_schema",
    "read_completion",
    "read_error",
    "reason_kind",
    "request_body",
    "was_cut",
]
