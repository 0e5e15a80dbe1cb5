"""Guided versions: scores of one or several runs, standardised, one row for each item of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from guided_store.attributes import AttributeSchema, schema_from_dict
from guided_store.embeddings import standardise
from guided_store.errors import DataError, UsageError, VersionError
from guided_store.scoring._average import average_runs, check_coverage
from guided_store.scoring._catalogue import load_catalogue
from guided_store.scoring._extend import extend_guided
from guided_store.store import Store
from guided_store.versions import Ref, VersionInfo, need_free_name, write_version


def build_guided(
    store: Store,
    name: str,
    *,
    schema: AttributeSchema,
    run: str | None = None,
    runs: Sequence[str] | None = None,
    extend: str | Ref | None = None,
    allow_missing: bool = False,
    provenance: Mapping[str, object] | None = None,
) -> VersionInfo:
    """Build `guided/<name>` from the ledger: the guided embedding of arXiv 2504.11658.

    Every item of the catalogue gets a row, in the catalogue's order: `vectors` are the standardised scores
    (n, A), `raw` the scores as given (NaN where missing), `imputed` says which values an attribute's mean
    stands in for (0 after standardising). The recipe holds the whole schema, each attribute's mean and
    deviation, the runs and the coverage, so that the version can be read without any file.

    Several runs are averaged, each run one vote: a score is the mean over the runs that give one of their
    means over samples. Nothing evens out that one run may score higher than another, so where runs cover
    different items an item's level depends on who scored it: recipe `runs` says how many items each scored,
    and `agreement` by how much they differ.

    `std` is each score's uncertainty on the schema's scale, a population standard deviation: between the
    runs where there are several, between the samples of one run; NaN where fewer than two answers are known,
    absent where that is so of all.

    With `extend`, the rows of a guided version are taken over bit for bit, what was imputed in them included,
    whatever has been scored since; the catalogue's items that it lacks come after them in the catalogue's
    order, standardised with the mean and deviation of that version, so that new and old compare. Rows of
    items that the catalogue has lost are kept and counted (recipe `ids_not_in_catalogue`); `coverage` and
    `scored_items` are of all rows. An attribute that did not vary in that version stays 0 for the new items
    too.

    Args:
        store: open for writing, with items.
        name: the version's name, not taken.
        schema: the attributes that were scored.
        run: which scoring run; None takes the only one on this schema, or those of the version to extend.
        runs: several runs to average, instead of `run`.
        extend: "guided/NAME", the version to extend.
        allow_missing: accept a coverage under 80 % (with `extend`: of the new items).
        provenance: further entries for the recipe (file name, how items were joined).

    Raises:
        UsageError: no such run, a run named twice, both `run` and `runs`, no items, or a coverage under 80 %
            without `allow_missing`; with `extend`, another schema than that version's, other runs, or no new
            item.
        DataError: an attribute has no score at all.
        VersionError: the name is taken; the version to extend is missing or damaged.
    """
    ref = need_free_name(store, f"guided/{name}")
    if run is not None:
        if runs is not None:
            raise UsageError("give one run or several, not both")
        runs = [run]
    if extend is not None:
        return extend_guided(
            store,
            ref,
            extend,
            schema=schema,
            runs=runs,
            allow_missing=allow_missing,
            provenance=provenance or {},
        )
    item_ids = load_catalogue(store).ids
    scores = average_runs(store, schema, runs, item_ids)
    check_coverage(scores.scored, len(item_ids), allow_missing, scores.what)
    empty = [schema.names[column] for column in np.flatnonzero(np.isnan(scores.mean).all(axis=0))]
    if empty:
        raise DataError(
            f"{scores.what} has no score at all for {', '.join(empty)}; take it out of the schema or score it"
        )
    standard = standardise(scores.mean)
    constant = [schema.names[column] for column in np.flatnonzero(standard.constant)]
    coverage = scores.scored / len(item_ids)
    recipe: dict[str, object] = {
        "method": "standardised scores",
        "runs": scores.runs,
        "spread_of": scores.spread_of,
        "source_digests": scores.source_digests,
        "schema": schema.to_dict(),
        "schema_digest": schema.digest,
        "attributes": list(schema.names),
        "guided_columns": len(schema),
        "mean": standard.mean.tolist(),
        "deviation": standard.deviation.tolist(),
        "constant": constant,
        "scored_items": scores.scored,
        "catalogue_items": len(item_ids),
        "coverage": coverage,
        "imputed_values": int(standard.imputed.sum()),
        **(provenance or {}),
    }
    return write_version(
        store,
        ref,
        item_ids,
        standard.values.astype(np.float32),
        raw=scores.mean.astype(np.float32),
        imputed=standard.imputed,
        std=None if scores.spread is None else scores.spread.astype(np.float32),
        recipe=recipe,
        metrics={"coverage": coverage},
    )


def guided_schema(info: VersionInfo) -> AttributeSchema:
    """The attribute schema that a guided or refined version carries in its recipe.

    Raises:
        VersionError: the version has no schema, or its recorded content does not have the recorded digest.
    """
    content = info.recipe.get("schema")
    if not isinstance(content, Mapping):
        raise VersionError(f"{info.ref} carries no attribute schema; only guided and refined versions do")
    try:
        schema = schema_from_dict(cast("Mapping[str, object]", content), str(info.ref))
    except DataError as error:
        raise VersionError(f"the schema recorded with {info.ref} is damaged: {error}") from error
    if schema.digest != info.recipe.get("schema_digest"):
        raise VersionError(f"the schema recorded with {info.ref} does not have the digest recorded beside it")
    return schema
