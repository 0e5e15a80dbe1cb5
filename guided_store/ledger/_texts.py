"""What a scorer is shown of an item: its own text, cleaned, cut and hashed."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guided_store.catalogue import ITEMS_SCHEMA
from guided_store.errors import UsageError
from guided_store.store import Store

MAX_CHARS = 2000
"""Characters of a field that are shown."""

DEFAULT_FIELDS = ("title", "text")

_BATCH = 4096
_SPACE = re.compile(r"\s+")
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")  # control, formatting, surrogates, private, unassigned
# Variants of a letter that few fonts have; a row of them can carry a hidden message past a reader.
_SELECTORS = re.compile("[\U000e0100-\U000e01ef]")
_JOINERS = "\u200c\u200d"  # written language needs these two


@dataclass(frozen=True, slots=True)
class ItemText:
    """One item as a scorer sees it.

    Attributes:
        item_id: whose text it is; not shown.
        data: text by field, in the order of the fields; empty fields are left out. {} if nothing is known.
        hash: SHA-256 of `data` as hexadecimal; what was scored under this hash need not be scored again.
    """

    item_id: str
    data: dict[str, str]
    hash: str


def choose_fields(store: Store, fields: Sequence[str] | None = None) -> tuple[str, ...]:
    """The columns of the items table to show; by default those of title and text that hold something.

    Raises:
        UsageError: no items, an unknown column, the id, or nothing to show.
    """
    if not store.count("items"):
        raise UsageError("the store has no items yet; add them with `guided-store ingest items`")
    known = [name for name in store.dataset("items").schema.names if name != "item_id"]
    if fields is None:
        chosen = tuple(name for name in DEFAULT_FIELDS if name in known and _holds_text(store, name))
        if not chosen:
            raise UsageError(
                "no item has a title or text to score by; name other columns with --fields "
                f"({', '.join(known)})"
            )
        return chosen
    for name in fields:
        if name not in known:
            raise UsageError(f"the items have no column {name!r} to show; they have {', '.join(known)}")
    if not fields:
        raise UsageError(f"no fields to show; the items have {', '.join(known)}")
    return tuple(dict.fromkeys(fields))


def iter_texts(store: Store, fields: Sequence[str], *, max_chars: int = MAX_CHARS) -> Iterator[ItemText]:
    """What a scorer is shown of each listed item, in storage order, read in batches.

    Texts are in Unicode form NFC, without control characters, white space drawn together, each field cut at
    `max_chars` characters. Numbers are written plainly, lists with commas.
    """
    for batch in store.batches("items", ["item_id", *fields], batch_size=_BATCH):
        columns = [batch.column(name).to_pylist() for name in fields]
        for row, item_id in enumerate(batch.column("item_id").to_pylist()):
            data = {}
            for name, column in zip(fields, columns, strict=True):
                if text := _clean(column[row], max_chars):
                    data[name] = text
            yield ItemText(item_id, data, text_hash(data))


def text_hash(data: dict[str, str]) -> str:
    """The hash of what is shown of an item."""
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"guided-store text 1\0" + content.encode("utf-8", "surrogatepass")).hexdigest()


def _holds_text(store: Store, name: str) -> bool:
    field = ITEMS_SCHEMA.field(name)
    return any(batch.column(field.name).null_count < len(batch) for batch in store.batches("items", [name]))


def _clean(value: object, max_chars: int) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = ", ".join(str(part) for part in value if part is not None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # Cut generously first: a field may be a whole book.
    text = _SPACE.sub(" ", str(value)[: 4 * max_chars])
    if not text.isprintable():
        text = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) not in _UNSEEN)
    text = _SELECTORS.sub("", text)
    text = _SPACE.sub(" ", unicodedata.normalize("NFC", text))
    return text.strip()[:max_chars].rstrip()
