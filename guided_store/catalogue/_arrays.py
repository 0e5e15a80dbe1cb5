"""Small tools over Arrow arrays, and the faults found in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from guided_store.errors import DataError

# Stands for a blank in int64 columns.
MISSING = int(np.iinfo(np.int64).min)

INTEGER = r"^[+-]?[0-8]?[0-9]{1,18}$"  # what surely fits an int64
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"


@dataclass
class Fault:
    """Rows of one chunk that are wrong in one way: `rows` int64, and words for each by `reason(row)`."""

    kind: str
    rows: NDArray[np.int64]
    reason: Callable[[int], str]


def plain_array(column: Any, name: str) -> Any:
    """The column as one array of a type that can be read here."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column if is_text(kind.value_type) else column.dictionary_decode()
    if pa.types.is_nested(kind) or pa.types.is_boolean(kind):
        raise DataError(f"the column of {name} holds {kind} values; text or numbers are needed")
    if pa.types.is_string_view(kind):
        return column.cast(pa.string())
    # Decimals and unsigned 64-bit numbers do not all fit an int64; as floats they are judged like others.
    if pa.types.is_decimal(kind) or kind == pa.uint64():
        return column.cast(pa.float64())
    return column


def trimmed_text(column: Any) -> tuple[Any, NDArray[np.bool_], NDArray[np.bool_]]:
    """Trimmed strings (no nulls), where they are not blank, and where they are not valid UTF-8."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    unreadable = np.zeros(len(column), bool)
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        texts: list[str] = []
        for row, value in enumerate(column.to_pylist()):
            try:
                texts.append("" if value is None else value.decode())
            except UnicodeDecodeError:
                texts.append("")
                unreadable[row] = True
        text = pa.array(texts, pa.string())
    text = pc.utf8_trim_whitespace(text.fill_null(""))
    present = pc.not_equal(text, "").to_numpy(zero_copy_only=False)
    return text, present & ~unreadable, unreadable


def cast_all(text: Any, present: NDArray[np.bool_], kind: Any) -> NDArray[Any] | None:
    """All strings as numbers where that works at once (the usual case), else None."""
    if not present.all():
        return None
    try:
        values: NDArray[Any] = text.cast(kind).to_numpy()
    except pa.ArrowInvalid:
        return None
    return values


def is_text(kind: Any) -> bool:
    """Whether an Arrow type holds text (or the bytes of some)."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def faults(name: str, what: str, wrong: NDArray[np.bool_], shown: Any) -> list[Fault]:
    """At most one fault: the rows that are `wrong`, worded with their values in the array `shown`."""
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return []

    def reason(row: int) -> str:
        value = None if shown is None else shown[row].as_py()
        return f"{name} {what}" if value in (None, "") else f"{name} {what}: {str(value)[:40]!r}"

    return [Fault(f"{name} {what}", rows, reason)]


def match(text: Any, pattern: str) -> NDArray[np.bool_]:
    """Where strings match a regular expression."""
    matched: NDArray[np.bool_] = pc.match_substring_regex(text, pattern).to_numpy(zero_copy_only=False)
    return matched


def take(text: Any, mask: NDArray[np.bool_]) -> Any:
    """The elements where `mask` holds."""
    return text if mask.all() else text.filter(pa.array(mask))


def nulls(column: Any) -> NDArray[np.bool_]:
    """Where a column is null."""
    absent: NDArray[np.bool_] = column.is_null().to_numpy(zero_copy_only=False)
    return absent


def filled(column: Any, value: float) -> NDArray[Any]:
    """A column as numpy, `value` for nulls."""
    values: NDArray[Any] = column.fill_null(value).to_numpy(zero_copy_only=False)
    return values
