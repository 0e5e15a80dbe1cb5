"""What makes a valid schema a poor one: remarks for its author, measured on scores where there are any."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes._schema import AttributeSchema
from guided_store.errors import UsageError

SYNONYMS_ABOVE = 0.95
"""Absolute Pearson correlation from which two attributes are reported as saying the same."""

EXTREME_ABOVE = 0.95
"""Share of scores on one single value from which an attribute is reported as nearly constant."""

_HINDSIGHT = re.compile(
    r"popular|acclaim|\bfam(e|ous)|best.?sell|prestig|\bcult\b|award|canonical|well.known|\bhit\b|ratings?\b"
)
_FEW, _MANY = 8, 40


@dataclass(frozen=True)
class Remark:
    """One remark on a schema.

    Attributes:
        attribute: the attribute it is about, or "" for the schema as a whole.
        kind: "count", "same-ends", "same-description" or "hindsight"; with scores also "constant",
            "nearly-constant" or "synonyms".
        message: one sentence.
    """

    attribute: str
    kind: str
    message: str


def check_schema(schema: AttributeSchema, scores: NDArray[np.floating] | None = None) -> list[Remark]:
    """Remarks on a valid schema; an empty list means there is nothing to say.

    Args:
        schema: the schema, A attributes.
        scores: raw scores (n, A) with NaN where missing, or None; with them, attributes without variance
            and pairs that measure the same thing are reported too.

    Raises:
        UsageError: the scores have another number of columns than the schema has attributes.
    """
    remarks = _check_words(schema)
    if scores is not None:
        if scores.ndim != 2 or scores.shape[1] != len(schema):
            raise UsageError(
                f"scores of shape {scores.shape} do not fit the schema's {len(schema)} attributes"
            )
        remarks += _check_scores(schema, np.asarray(scores, np.float64))
    return remarks


def _check_words(schema: AttributeSchema) -> list[Remark]:
    remarks = []
    if not _FEW <= len(schema) <= _MANY:
        few = len(schema) < _FEW
        cost = "items stay hard to tell apart" if few else "they crowd out the latent part and cost tokens"
        remarks.append(
            Remark("", "count", f"{len(schema)} attributes are {'few' if few else 'many'}: {cost}")
        )
    described: dict[tuple[str, str], str] = {}
    for attribute in schema.attributes:
        name = attribute.name
        ends = (attribute.low.strip().casefold(), attribute.high.strip().casefold())
        if ends[0] == ends[1]:
            remarks.append(Remark(name, "same-ends", f"{name}: both ends read {attribute.low!r}"))
        elif ends in described:
            remarks.append(
                Remark(name, "same-description", f"{name}: described in the same words as {described[ends]}")
            )
        described.setdefault(ends, name)
        words = f"{name.replace('_', ' ')} {ends[0]} {ends[1]}"
        if not attribute.hindsight and _HINDSIGHT.search(words):
            remarks.append(
                Remark(
                    name,
                    "hindsight",
                    f"{name}: reads as if a scorer could know what became famous; mark it hindsight = true, "
                    "so that evaluations can be repeated without it",
                )
            )
    return remarks


def _check_scores(schema: AttributeSchema, scores: NDArray[np.float64]) -> list[Remark]:
    remarks = []
    varied = []
    for column, name in enumerate(schema.names):
        known = scores[~np.isnan(scores[:, column]), column]
        values, counts = np.unique(known, return_counts=True)
        if len(values) < 2:
            what = f"every score is {values[0]:g}" if len(values) else "there is no score"
            remarks.append(Remark(name, "constant", f"{name}: {what}, so it tells no item from another"))
            continue
        varied.append(column)
        share = counts.max() / len(known)
        if share > EXTREME_ABOVE:
            remarks.append(
                Remark(
                    name, "nearly-constant", f"{name}: {share:.0%} of scores are {values[counts.argmax()]:g}"
                )
            )
    for index, first in enumerate(varied):
        for second in varied[index + 1 :]:
            r = _pearson(scores[:, first], scores[:, second])
            if abs(r) > SYNONYMS_ABOVE:
                names = schema.names[first], schema.names[second]
                remarks.append(
                    Remark(
                        names[1], "synonyms", f"{names[0]} and {names[1]} say nearly the same (r = {r:.2f})"
                    )
                )
    return remarks


def _pearson(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Correlation over rows where both are known; 0 where it is undefined."""
    both = ~(np.isnan(x) | np.isnan(y))
    if both.sum() < 3:
        return 0.0
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm > 0 else 0.0
