"""What the items of one request are called."""

from __future__ import annotations

import hashlib

# No vowels, so that no word comes up; nothing that reads like another character. A key starts with a letter,
# so that no model answers it as a number.
_LETTERS = "bcdfghjkmnpqrstvwxz"
_CHARACTERS = _LETTERS + "23456789"
_LENGTH = 5


def make_keys(request_id: str, n: int) -> tuple[str, ...]:
    """`n` distinct keys of five characters, always the same for a request id.

    They are not the items' own ids and follow from the random request id alone, so no item's text can name
    another item's key, and they need not be stored.

    Raises:
        ValueError: more items than one request can reasonably have (100,000).
    """
    if n > 100_000:
        raise ValueError(f"{n} items in one request")
    keys: dict[str, None] = {}
    number = 0
    while len(keys) < n:
        digest = hashlib.sha256(
            f"guided-store key {number} {request_id}".encode(errors="surrogatepass")
        ).digest()
        keys[_key(int.from_bytes(digest[:8], "big"))] = None
        number += 1
    return tuple(keys)


def _key(value: int) -> str:
    value, first = divmod(value, len(_LETTERS))
    key = _LETTERS[first]
    for _ in range(_LENGTH - 1):
        value, place = divmod(value, len(_CHARACTERS))
        key += _CHARACTERS[place]
    return key
