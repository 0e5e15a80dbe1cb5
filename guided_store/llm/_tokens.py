"""How many tokens a request takes, before anybody has counted them.

Tokenisers differ by model and most are not at hand, so there are two figures: a bound, for budgets, and a
guess, for estimates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

# Role, separators and the start of the answer: 3 to 5 tokens a message with the chat templates we know.
_PER_MESSAGE = 16
_PER_REQUEST = 16
_BYTES_PER_TOKEN = 4
# Prose has 3 to 5 characters a token in every language and tokeniser we know.
_MOST_CHARS_PER_TOKEN = 8


def bound_tokens(
    messages: Sequence[Mapping[str, str]], response_format: Mapping[str, object] | None = None
) -> int:
    """An upper bound on the input tokens: no token stands for less than one byte of UTF-8.

    Args:
        messages: as sent.
        response_format: as sent; servers put the answer's schema before the model too, and bill it.
    """
    return _bytes(messages, response_format) + _PER_MESSAGE * len(messages) + _PER_REQUEST


def guess_tokens(
    messages: Sequence[Mapping[str, str]], response_format: Mapping[str, object] | None = None
) -> int:
    """About how many input tokens, at four bytes each, usual for English; arguments as in `bound_tokens`."""
    size = _bytes(messages, response_format)
    return -(-size // _BYTES_PER_TOKEN) + 4 * len(messages)


def was_cut(messages: Sequence[Mapping[str, str]], tokens_in: int) -> bool:
    """Whether a server that counted so few input tokens cannot have read the messages whole.

    Ollama, for one, drops what does not fit its context, the instructions first, and answers all the same.
    It is no proof, since some servers leave what they had cached out of their count.

    Args:
        messages: as sent.
        tokens_in: what the server counted.
    """
    return tokens_in * _MOST_CHARS_PER_TOKEN < sum(len(message["content"]) for message in messages)


def _bytes(messages: Sequence[Mapping[str, str]], response_format: Mapping[str, object] | None) -> int:
    size = sum(
        len(text.encode("utf-8", errors="surrogatepass")) for message in messages for text in message.values()
    )
    return size + (len(json.dumps(response_format)) if response_format else 0)
