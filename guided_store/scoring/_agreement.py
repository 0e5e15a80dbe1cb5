"""How far several scorings of the same items agree, attribute by attribute, and where they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from guided_store.attributes import AttributeSchema
from guided_store.catalogue import load_items
from guided_store.errors import UsageError
from guided_store.scoring._agreement_stats import (
    biases,
    icc_a1,
    item_differences,
    krippendorff_alpha,
    mean_difference,
    pearson,
)
from guided_store.scoring._raters import Rater, load_rater, load_samples
from guided_store.scoring._schema_of import find_schema, source_kind
from guided_store.store import Store


@dataclass(frozen=True)
class Source:
    """Who is compared: its name, what it is ("run", "sample", "version", "file"), and items with a score."""

    name: str
    kind: str
    items: int


@dataclass(frozen=True)
class AttributeAgreement:
    """Agreement on one attribute; NaN where a statistic is undefined.

    Attributes:
        attribute: its name.
        items: items that at least two sources scored.
        complete: items that all sources scored; the intraclass correlation is over these.
        pearson: Pearson's r, mean over the pairs of sources.
        icc: ICC(A,1), two-way random effects, absolute agreement, single rater.
        alpha: Krippendorff's alpha for interval data.
        difference: mean absolute difference, mean over the pairs, on the scale.
        biases: mean of each later source minus the first, on the scale.
        reason: why something is undefined, or a pair of sources left out of `pearson`; else None.
    """

    attribute: str
    items: int
    complete: int
    pearson: float
    icc: float
    alpha: float
    difference: float
    biases: tuple[float, ...]
    reason: str | None = None

    @property
    def bias(self) -> float:
        """Of `biases` the one largest in magnitude, which with two sources is the only one."""
        known = [bias for bias in self.biases if not math.isnan(bias)]
        return max(known, key=abs) if known else math.nan

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable; NaN as null."""
        return {
            "attribute": self.attribute,
            "items": self.items,
            "complete": self.complete,
            "pearson": _number(self.pearson),
            "icc": _number(self.icc),
            "alpha": _number(self.alpha),
            "difference": _number(self.difference),
            "bias": _number(self.bias),
            "biases": [_number(bias) for bias in self.biases],
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Disagreement:
    """One item on which the sources differ.

    Attributes:
        item_id, title: which; the title is None where it is not known.
        difference: mean absolute difference over the attributes.
        attribute: the one that differs most.
        values: the scores of all sources on it, in their order; None where there is none.
    """

    item_id: str
    title: str | None
    difference: float
    attribute: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class AgreementReport:
    """What `agreement` found.

    Attributes:
        schema: name of the schema.
        scale: its lowest and highest score, the units of differences.
        sources: who was compared, in the order asked.
        attributes: one row each, in the schema's order.
        overall: the mean of the attributes' statistics where they are defined. (Pooling all ratings into one
            table instead would count the distance between attributes as agreement.)
        worst: the items that differ most, most first; items without any difference are not among them.
    """

    schema: str
    scale: tuple[float, float]
    sources: tuple[Source, ...]
    attributes: tuple[AttributeAgreement, ...]
    overall: AttributeAgreement
    worst: tuple[Disagreement, ...]

    def to_dict(self) -> dict[str, object]:
        """JSON-serialisable; what is undefined is null, with a reason."""
        return {
            "schema": self.schema,
            "scale": list(self.scale),
            "sources": [{"name": s.name, "kind": s.kind, "items": s.items} for s in self.sources],
            "attributes": [row.to_dict() for row in self.attributes],
            "overall": self.overall.to_dict(),
            "worst": [
                {
                    "item_id": item.item_id,
                    "title": item.title,
                    "difference": item.difference,
                    "attribute": item.attribute,
                    "values": list(item.values),
                }
                for item in self.worst
            ],
        }


def agreement(
    store: Store | None,
    sources: Sequence[str],
    *,
    schema: AttributeSchema | None = None,
    worst: int = 20,
) -> AgreementReport:
    """Compare scorings of the same items.

    Items are joined by id over all that the sources hold, whether the catalogue lists them or not. Of a run
    the mean over its samples is compared; a single run with several samples is compared with itself, sample
    by sample.

    Args:
        store: where runs and versions are read from; None where all sources are files.
        sources: names of runs, "guided/NAME" (raw scores), or files with an `item_id` column and the schema's
            columns (.csv, .tsv, .parquet; also the bundled "films/scores.csv").
        schema: the attributes; None takes those that a run or version was scored on.
        worst: how many of the items that differ most to name.

    Raises:
        UsageError: nothing to compare (one source without repeats, a source named twice, no item in common),
            no such run or file, or sources scored on different schemas.
        UnknownVersionError: there is no such version.
        DataError: a file is wrong.
    """
    if worst < 0:
        raise UsageError(f"cannot name {worst} items; give 0 or more")
    if not sources:
        raise UsageError("nothing to compare; name two sources, or one run with repeats")
    for source in sources:
        if list(sources).count(source) > 1:
            raise UsageError(f"{source} is named twice; a source agrees with itself")
    chosen = find_schema(store, sources) if schema is None else schema
    raters = _raters(store, sources, chosen)
    ids, ratings = _join(raters)
    pairs = ((~np.isnan(ratings)).sum(axis=2) >= 2).any(axis=1)
    if not pairs.any():
        raise UsageError(f"no item was scored by two of {', '.join(rater.name for rater in raters)}")
    names = [rater.name for rater in raters]
    rows = [_attribute(name, ratings[:, a], names) for a, name in enumerate(chosen.names)]
    return AgreementReport(
        schema=chosen.name,
        scale=chosen.scale,
        sources=tuple(Source(rater.name, rater.kind, rater.scored) for rater in raters),
        attributes=tuple(rows),
        overall=_overall(rows, int(pairs.sum()), int((~np.isnan(ratings)).all(axis=(1, 2)).sum())),
        worst=_worst(ids, ratings, chosen.names, worst, _titles(store, raters)),
    )


def _raters(store: Store | None, sources: Sequence[str], schema: AttributeSchema) -> list[Rater]:
    if len(sources) > 1:
        return [load_rater(store, source, schema) for source in sources]
    (source,) = sources
    if store is None or source_kind(source) != "run":
        raise UsageError(f"{source} is compared with nothing; name a second source")
    samples = load_samples(store, source, schema)
    if len(samples) < 2:
        raise UsageError(
            f"run {source!r} scored every item once; name a second source, or score again with --repeats 2"
        )
    return samples


def _join(raters: Sequence[Rater]) -> tuple[list[str], NDArray[np.float64]]:
    """All ids in order of first appearance, and the ratings (n, A, R)."""
    row = {item: None for rater in raters for item in rater.item_ids}
    place = {item: number for number, item in enumerate(row)}
    ratings = np.full((len(place), raters[0].values.shape[1], len(raters)), np.nan)
    for number, rater in enumerate(raters):
        ratings[[place[item] for item in rater.item_ids], :, number] = rater.values
    return list(place), ratings


def _attribute(name: str, ratings: NDArray[np.float64], sources: Sequence[str]) -> AttributeAgreement:
    """Agreement on one attribute, ratings (n, R)."""
    counts = (~np.isnan(ratings)).sum(axis=1)
    paired = ratings[counts >= 2]
    found = AttributeAgreement(
        attribute=name,
        items=len(paired),
        complete=int((counts == ratings.shape[1]).sum()),
        pearson=pearson(paired),
        icc=icc_a1(paired),
        alpha=krippendorff_alpha(paired),
        difference=mean_difference(paired),
        biases=biases(paired),
    )
    reason = _reason(found, paired, sources)
    return found if reason is None else replace(found, reason=reason)


def _reason(row: AttributeAgreement, paired: NDArray[np.float64], sources: Sequence[str]) -> str | None:
    """Why a statistic is undefined; None where all are defined."""
    if row.items == 0:
        return "no item was scored twice"
    values = paired[~np.isnan(paired)]
    if values.min() == values.max():
        return f"every score is {values[0]:g}"
    still = []
    for name, column in zip(sources, paired.T, strict=True):
        known = column[~np.isnan(column)]
        if len(known) and known.min() == known.max():
            still.append(f"{name} scores every item {known[0]:g}")
    if still:
        return "; ".join(still)
    if row.complete < 2:
        return f"{row.complete} of the items were scored by all sources"
    if any(map(math.isnan, (row.pearson, row.icc, row.alpha))):
        return "too few items in common"
    return None


def _overall(rows: Sequence[AttributeAgreement], items: int, complete: int) -> AttributeAgreement:
    undefined = [row.attribute for row in rows if any(map(math.isnan, (row.pearson, row.icc, row.alpha)))]
    return AttributeAgreement(
        attribute="mean",
        items=items,
        complete=complete,
        pearson=_mean([row.pearson for row in rows]),
        icc=_mean([row.icc for row in rows]),
        alpha=_mean([row.alpha for row in rows]),
        difference=_mean([row.difference for row in rows]),
        biases=tuple(_mean(column) for column in zip(*(row.biases for row in rows), strict=True)),
        reason=f"without what is undefined of {', '.join(undefined)}" if undefined else None,
    )


def _worst(
    ids: Sequence[str],
    ratings: NDArray[np.float64],
    names: Sequence[str],
    most: int,
    titles: Mapping[str, str],
) -> tuple[Disagreement, ...]:
    differences = item_differences(ratings)  # (n, A)
    known = ~np.isnan(differences)
    filled = np.where(known, differences, 0)
    mean = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    order = np.argsort(-mean, kind="stable")[:most]  # ties in the order of the sources
    found = []
    for row in order[mean[order] > 0].tolist():
        column = int(np.argmax(filled[row]))
        values = tuple(_number(value) for value in ratings[row, column].tolist())
        found.append(Disagreement(ids[row], titles.get(ids[row]), float(mean[row]), names[column], values))
    return tuple(found)


def _titles(store: Store | None, raters: Sequence[Rater]) -> dict[str, str]:
    """Titles by id, the catalogue's before those of files."""
    found: dict[str, str] = {}
    for rater in reversed(raters):
        found.update(rater.titles)
    if store is not None:
        found.update({item: title for item, title in load_items(store).titles.items() if title})
    return found


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
