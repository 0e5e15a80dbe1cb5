"""What makes a valid schema a poor one: remarks for its author, measured on scores where there are any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes._measures import agreements, correlation, rank_correlation, shares
from guided_store.attributes._schema import AttributeSchema
from guided_store.attributes._words import hints_at_fame, same_ends, same_name
from guided_store.errors import UsageError

SYNONYMS_ABOVE = 0.95
"""Absolute Pearson correlation from which two attributes are reported as saying the same."""

EXTREME_ABOVE = 0.95
"""Share of scores on one single value from which an attribute is reported as nearly constant."""

POPULARITY_ABOVE = 0.6
"""Absolute Spearman correlation with popularity from which an attribute is suspected of hindsight."""

AGREEMENT_BELOW = 0.7
"""Pearson correlation of two scorings under which an attribute is reported as unreliable: below 0.7, less
than half of its variance is shared."""

ENOUGH_ITEMS = 20
"""Fewest items on which popularity and agreement are measured."""

_FEW, _MANY = 8, 40


@dataclass(frozen=True)
class Remark:
    """One remark on a schema.

    Attributes:
        attribute: the attribute it is about, or "" for the schema as a whole.
        kind: "count", "same-name", "same-ends", "same-description", "reversed" or "hindsight"; with scores
            also "constant", "nearly-constant" or "synonyms"; with popularity "follows-popularity"; with a
            second scoring "unreliable".
        message: one sentence.
    """

    attribute: str
    kind: str
    message: str


def check_schema(
    schema: AttributeSchema,
    scores: NDArray[np.floating] | None = None,
    *,
    popularity: NDArray[np.number] | None = None,
    second: NDArray[np.floating] | None = None,
) -> list[Remark]:
    """Remarks on a valid schema; an empty list means there is nothing to say.

    Args:
        schema: the schema, A attributes.
        scores: raw scores (n, A) with NaN where missing, or None; with them, attributes without variance
            and pairs that measure the same thing are reported too.
        popularity: training interactions of each item (n,), NaN where unknown, or None; with it, attributes
            whose ranks follow it although they are not marked hindsight. Never count held-out events here.
        second: an independent second scoring of the same items (n, A), NaN where missing, or None; with it,
            attributes on which the two disagree.

    Raises:
        UsageError: the scores have another number of columns than the schema has attributes, the arrays are
            of different lengths, or there are no scores to compare with.
    """
    remarks = _check_words(schema)
    if scores is None:
        if popularity is not None or second is not None:
            raise UsageError("popularity and a second scoring are compared with scores; give the scores too")
        return remarks
    first = _matrix(schema, scores)
    remarks += _check_scores(schema, first)
    if popularity is not None:
        remarks += _check_popularity(schema, first, _aligned(popularity, len(first), "popularity"))
    if second is not None:
        again = _aligned(_matrix(schema, second), len(first), "the second scoring")
        remarks += _check_agreement(schema, first, again)
    return remarks


def _matrix(schema: AttributeSchema, scores: NDArray[np.floating]) -> NDArray[np.float64]:
    if scores.ndim != 2 or scores.shape[1] != len(schema):
        raise UsageError(f"scores of shape {scores.shape} do not fit the schema's {len(schema)} attributes")
    return np.asarray(scores, np.float64)


def _aligned(values: NDArray[np.number], n: int, what: str) -> NDArray[np.float64]:
    if not values.ndim or len(values) != n:
        raise UsageError(f"{what} has the shape {values.shape}, the scores have {n} items")
    return np.asarray(values, np.float64)


def _check_words(schema: AttributeSchema) -> list[Remark]:
    remarks = []
    if not _FEW <= len(schema) <= _MANY:
        few = len(schema) < _FEW
        cost = "items stay hard to tell apart" if few else "they crowd out the latent part and cost tokens"
        remarks.append(
            Remark("", "count", f"{len(schema)} attributes are {'few' if few else 'many'}: {cost}")
        )
    named: dict[tuple[str, ...], str] = {}
    described: dict[tuple[str, str], str] = {}
    for attribute in schema.attributes:
        name = attribute.name
        if (twin := named.setdefault(same_name(name), name)) != name:
            remarks.append(Remark(name, "same-name", f"{name}: the same word as {twin}, written otherwise"))
        ends = same_ends(attribute.low), same_ends(attribute.high)
        if ends[0] == ends[1]:
            remarks.append(Remark(name, "same-ends", f"{name}: both ends read {attribute.low!r}"))
        elif ends in described:
            remarks.append(
                Remark(name, "same-description", f"{name}: described in the same words as {described[ends]}")
            )
        elif (turned := ends[::-1]) in described:
            remarks.append(
                Remark(name, "reversed", f"{name}: {described[turned]} turned round, its ends are swapped")
            )
        described.setdefault(ends, name)
        if not attribute.hindsight and hints_at_fame(name, attribute.low, attribute.high):
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
        values, parts = shares(scores[:, column])
        if len(values) < 2:
            what = f"every score is {values[0]:g}" if len(values) else "there is no score"
            remarks.append(Remark(name, "constant", f"{name}: {what}, so it tells no item from another"))
            continue
        varied.append(column)
        if parts.max() > EXTREME_ABOVE:
            most = f"{parts.max():.0%} of scores are {values[parts.argmax()]:g}"
            remarks.append(Remark(name, "nearly-constant", f"{name}: {most}"))
    for index, first in enumerate(varied):
        for second in varied[index + 1 :]:
            r = correlation(scores[:, first], scores[:, second])
            if abs(r) > SYNONYMS_ABOVE:
                names = schema.names[first], schema.names[second]
                remarks.append(
                    Remark(
                        names[1], "synonyms", f"{names[0]} and {names[1]} say nearly the same (r = {r:.2f})"
                    )
                )
    return remarks


def _check_popularity(
    schema: AttributeSchema, scores: NDArray[np.float64], popularity: NDArray[np.float64]
) -> list[Remark]:
    remarks = []
    for column, attribute in enumerate(schema.attributes):
        if attribute.hindsight:
            continue
        rho, n = rank_correlation(scores[:, column], popularity)
        if n >= ENOUGH_ITEMS and abs(rho) > POPULARITY_ABOVE:
            remarks.append(
                Remark(
                    attribute.name,
                    "follows-popularity",
                    f"{attribute.name}: follows the number of interactions (Spearman {rho:.2f} on {n:,} "
                    "items); the scorer may have known what sells: mark it hindsight = true, so that "
                    "evaluations can be repeated without it",
                )
            )
    return remarks


def _check_agreement(
    schema: AttributeSchema, first: NDArray[np.float64], second: NDArray[np.float64]
) -> list[Remark]:
    remarks = []
    for name, (r, difference, n) in zip(schema.names, agreements(first, second), strict=True):
        if n >= ENOUGH_ITEMS and r < AGREEMENT_BELOW:
            remarks.append(
                Remark(
                    name,
                    "unreliable",
                    f"{name}: two scorings of {n:,} items agree little (r = {r:.2f}, {difference:.1f} points "
                    "apart on average); say more plainly what its two ends mean",
                )
            )
    return remarks
