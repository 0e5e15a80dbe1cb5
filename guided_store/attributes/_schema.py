"""A domain's interpretable attributes: what they are called and what their two ends mean."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guided_store.errors import DataError, UsageError

NAME = re.compile(r"[a-z][a-z0-9_]*")

# Columns that a table of scores has beside the attributes.
RESERVED = frozenset({"item_id", "title", "year"})


@dataclass(frozen=True)
class Attribute:
    """One attribute, such as `humor` from "none" to "constant comedy".

    Attributes:
        name: lower case, digits and underscores; what `--weight humor=1.5` says.
        low, high: what the two ends of the scale mean, in words.
        hindsight: True where a scorer may know what happened later (fame, popularity), so that an
            evaluation should also be read without it.
    """

    name: str
    low: str
    high: str
    hindsight: bool = False


@dataclass(frozen=True)
class AttributeSchema:
    """The attributes of one domain, in column order; A of them.

    Attributes:
        name, version: which schema this is.
        item: what one item is called in prose ("film").
        scale: lowest and highest score.
        attributes: length A, names unique.

    Raises:
        DataError: on a bad or repeated name, a missing end, a scale that does not increase, or no attributes.
    """

    name: str
    version: int
    item: str
    scale: tuple[float, float]
    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        fault = _fault(self)
        if fault:
            raise DataError(f"attribute schema {self.name!r}: {fault}")

    def __len__(self) -> int:
        return len(self.attributes)

    @property
    def names(self) -> tuple[str, ...]:
        """Attribute names in column order, length A."""
        return tuple(attribute.name for attribute in self.attributes)

    @property
    def hindsight(self) -> tuple[str, ...]:
        """Names of the attributes marked `hindsight`."""
        return tuple(attribute.name for attribute in self.attributes if attribute.hindsight)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that gives a score its meaning: name, version, item, scale, names and ends in order.

        Two schemas of equal digest can share scores. The `hindsight` marks are advice for evaluation and
        change no score, so they are left out: marking an attribute later does not orphan what was paid for.
        """
        content = {
            "name": self.name,
            "version": self.version,
            "item": self.item,
            "scale": [float(end) + 0.0 for end in self.scale],  # + 0.0: no -0.0
            "attributes": [[a.name, a.low, a.high] for a in self.attributes],
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(b"guided-store attributes 1\0" + text.encode()).hexdigest()

    def columns(self, include: Sequence[str] | None = None, exclude: Sequence[str] = ()) -> NDArray[np.int64]:
        """Column numbers of the chosen attributes, int64, in column order whatever order they are asked in.

        Args:
            include: names to keep; None keeps all.
            exclude: names to leave out of those.

        Raises:
            UsageError: for a name that the schema does not have.
        """
        for name in (*(include or ()), *exclude):
            if name not in self.names:
                raise UsageError(
                    f"unknown attribute {name!r}: schema {self.name!r} has {', '.join(self.names)}"
                )
        kept = set(self.names if include is None else include) - set(exclude)
        return np.array([column for column, name in enumerate(self.names) if name in kept], np.int64)

    def to_dict(self) -> dict[str, object]:
        """The whole content, JSON-serialisable; `schema_from_dict` reads it back."""
        return {
            "name": self.name,
            "version": self.version,
            "item": self.item,
            "scale": [_plain(end) for end in self.scale],
            "attribute": [
                {"name": a.name, "low": a.low, "high": a.high} | ({"hindsight": True} if a.hindsight else {})
                for a in self.attributes
            ],
        }

    def to_toml(self) -> str:
        """The schema as a TOML file; reading it gives an equal schema."""
        lines = [
            f"name = {_quoted(self.name)}",
            f"version = {self.version}",
            f"item = {_quoted(self.item)}",
            f"scale = [{_plain(self.scale[0])}, {_plain(self.scale[1])}]",
        ]
        for attribute in self.attributes:
            lines += [
                "",
                "[[attribute]]",
                f"name = {_quoted(attribute.name)}",
                f"low = {_quoted(attribute.low)}",
                f"high = {_quoted(attribute.high)}",
            ]
            if attribute.hindsight:
                lines.append("hindsight = true")
        return "\n".join(lines) + "\n"


def _fault(schema: AttributeSchema) -> str | None:
    """What is wrong with the content, as the end of a sentence; None if nothing is."""
    if not schema.name.strip():
        return "the name is empty"
    if not schema.item.strip():
        return 'item is empty; say what one item is called, such as item = "film"'
    if schema.version < 1:
        return f"version is {schema.version}; it starts at 1"
    low, high = schema.scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        return f"scale [{_plain(low)}, {_plain(high)}] does not increase"
    if not schema.attributes:
        return "no attributes; add at least one [[attribute]] with name, low and high"
    seen: dict[str, int] = {}
    for number, attribute in enumerate(schema.attributes, start=1):
        name = attribute.name
        if not NAME.fullmatch(name):
            return (
                f"attribute {number} is named {name!r}; a name starts with a lower-case letter and goes on "
                "with lower-case letters, digits and underscores"
            )
        if name in RESERVED:
            return f"attribute {number} is named {name!r}, which is a column of every table of scores"
        if name in seen:
            return f"attribute {name!r} is given twice (as number {seen[name]} and number {number})"
        seen[name] = number
        for end in ("low", "high"):
            if not getattr(attribute, end).strip():
                return f"attribute {name!r} has an empty {end} end; say what the {end}est score means"
    return None


def _plain(number: float) -> int | float:
    return int(number) if float(number).is_integer() else float(number)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, except that TOML wants DEL escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
